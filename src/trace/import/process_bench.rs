//! `ProcessBench`: model solutions in steps, with the first wrong one as
//! experts found it.
//!
//! Whether the final answer is right is a label of its own: a right answer
//! after a wrong step is as legal as the reverse.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::problem::Problem;
use crate::problem::answer::Verdict;
use crate::trace::label::Label;
use crate::trace::record::{Sampling, TrajectoryEnd};

use super::error::ImportError;
use super::trajectory::{Conclusion, Mark, Origin, Step, Trajectory};
use super::{Row, Sink, rows, text, tolerant};

const NAME: &str = "process-bench";

#[derive(Deserialize)]
struct Solution {
    id: Value,
    #[serde(default)]
    generator: Option<String>,
    problem: String,
    steps: Vec<String>,
    /// Index of the first wrong step from 0; −1 where there is none.
    label: i64,
    #[serde(default)]
    final_answer_correct: Option<bool>,
    /// What a critic under test said.
    #[serde(default)]
    prediction: Value,
}

pub(super) fn read(path: &Path, sink: Sink<'_>) -> Result<(), ImportError> {
    rows::each(path, &mut |found| {
        let read = found
            .row
            .and_then(tolerant::from_slice::<Solution>)
            .and_then(trajectory);
        sink(Row::of_line(found.line, read))
    })
}

fn trajectory(row: Solution) -> Result<Trajectory, String> {
    let count = row.steps.len();
    let first_wrong = usize::try_from(row.label).ok();
    if count == 0 {
        return Err("it has no steps".to_owned());
    }
    if row.label < -1 || first_wrong.is_some_and(|wrong| wrong >= count) {
        return Err(format!(
            "label {} names none of its {count} steps",
            row.label
        ));
    }
    let model = row.generator.unwrap_or_else(|| text::UNKNOWN.to_owned());
    let mut steps: Vec<Step> = Vec::with_capacity(count);
    for (at, piece) in row.steps.into_iter().enumerate() {
        let mut step = Step::new(at.checked_sub(1), &model, piece);
        let label = match first_wrong {
            Some(wrong) if at == wrong => Some(Label::FirstError),
            // Of what follows nobody says anything.
            Some(wrong) if at > wrong => None,
            _ => Some(Label::Good),
        };
        step.marks.extend(label.map(|label| Mark {
            who: NAME.to_owned(),
            when: String::new(),
            label,
            note: None,
        }));
        steps.push(step);
    }
    text::end(&mut steps);
    let verdict = row.final_answer_correct.map(|correct| match correct {
        true => Verdict::Correct,
        false => Verdict::Wrong,
    });
    let rule = "final_answer_correct";
    let told = format!(
        "a critic's prediction of the first wrong step: {}",
        row.prediction
    );
    Ok(Trajectory {
        origin: Origin {
            models: vec![model],
            sampling: Sampling::UNKNOWN,
            graded_by: Some(NAME.to_owned()),
            not_held: [
                "sampling",
                "seed",
                "tokens",
                "costs",
                "times",
                "probabilities",
                "gold answers",
            ]
            .map(str::to_owned)
            .into(),
            ..Origin::default()
        },
        problem: Problem {
            id: text::scalar(&row.id).ok_or("its `id` is neither a text nor a number")?,
            question: row.problem,
            gold: None,
            difficulty: None,
            domain: None,
            source: NAME.to_owned(),
        },
        written: Vec::new(),
        conclusion: Some(Conclusion {
            leaf: steps.len().checked_sub(1),
            grade: text::given(verdict, rule, "`final_answer_correct` is not there"),
            gold: None,
            grader: NAME.to_owned(),
            end: TrajectoryEnd::Finished,
            error: None,
        }),
        steps,
        notes: (!row.prediction.is_null())
            .then_some(told)
            .into_iter()
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples::{of_text, trajectories};
    use super::super::{Format, Options};
    use super::*;

    fn labels(trajectory: &Trajectory) -> Vec<&str> {
        let of = |step: &Step| step.marks.first().map_or("-", |mark| mark.label.name());
        trajectory.steps.iter().map(of).collect()
    }

    #[test]
    fn the_first_error_and_the_final_answer_are_independent() {
        let row = |id: &str, label: i64, correct: &str| {
            format!(
                "{{\"id\": {id}, \"generator\": \"g\", \"problem\": \"1+1?\", \"steps\": [\"a\", \"b\", \
                 \"c\"], \"final_answer_correct\": {correct}, \"label\": {label}}}\n"
            )
        };
        let file = [
            row("\"x-1\"", 1, "true"),
            row("2", -1, "false"),
            row("3", 0, "null"),
            row("4", 3, "true"),
        ]
        .concat();
        let found = of_text(Format::ProcessBench, &file, &Options::default());
        assert_eq!(found.damaged.len(), 1);
        assert_eq!(found.damaged[0].place, "line 4");
        let [a, b, c] = trajectories(&found);
        assert_eq!(labels(a), ["good", "first-error", "-"]);
        assert_eq!(labels(b), ["good", "good", "good"]);
        assert_eq!(labels(c), ["first-error", "-", "-"]);
        let verdicts = [a, b, c].map(|one| one.conclusion.as_ref().unwrap().grade.verdict);
        assert_eq!(
            verdicts,
            [Verdict::Correct, Verdict::Wrong, Verdict::Ungraded]
        );
        assert_eq!((a.problem.id.as_str(), b.problem.id.as_str()), ("x-1", "2"));
        assert_eq!(a.origin.models, ["g"]);
    }
}
