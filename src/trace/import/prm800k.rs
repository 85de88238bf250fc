//! PRM800K: solutions written step by step under a person's eyes, with a
//! rating of every alternative.
//!
//! The alternatives of a step are siblings; the one that was gone on with is
//! the main line. In the second phase whole solutions were rated up to their
//! first wrong step: the rest of them follows without a rating.

use std::path::Path;

use serde::Deserialize;

use crate::problem::Problem;
use crate::problem::answer::RuleGrader;
use crate::trace::label::Label;
use crate::trace::record::{PERSON, Sampling, TrajectoryEnd};

use super::error::ImportError;
use super::trajectory::{Conclusion, Mark, Origin, Step, Trajectory};
use super::{Options, Row, Sink, rows, stem, text, tolerant};

/// Stands before the answer at the end of a solution.
const ANSWER: &str = "# Answer";

#[derive(Deserialize)]
struct Labelled {
    #[serde(default)]
    labeler: String,
    #[serde(default)]
    timestamp: String,
    #[serde(default)]
    generation: Option<u64>,
    #[serde(default)]
    is_quality_control_question: Option<bool>,
    #[serde(default)]
    is_initial_screening_question: Option<bool>,
    question: Question,
    label: Rated,
}

#[derive(Deserialize)]
struct Question {
    problem: String,
    #[serde(default)]
    ground_truth_answer: Option<String>,
    #[serde(default)]
    pre_generated_steps: Option<Vec<String>>,
    #[serde(default)]
    pre_generated_verifier_score: Option<f64>,
}

#[derive(Deserialize)]
struct Rated {
    #[serde(default)]
    steps: Vec<Alternatives>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Alternatives {
    #[serde(default)]
    completions: Option<Vec<Completion>>,
    #[serde(default)]
    human_completion: Option<Completion>,
    #[serde(default)]
    chosen_completion: Option<usize>,
}

#[derive(Deserialize)]
struct Completion {
    text: String,
    #[serde(default)]
    rating: Option<f64>,
    #[serde(default)]
    flagged: Option<bool>,
}

pub(super) fn read(path: &Path, options: &Options, sink: Sink<'_>) -> Result<(), ImportError> {
    let stem = stem(path);
    let mut number = 0;
    rows::each(path, &mut |found| {
        number += 1;
        let id = format!("{stem}-{number}");
        let read = found
            .row
            .and_then(tolerant::from_slice::<Labelled>)
            .and_then(|row| trajectory(row, id, options));
        sink(Row::of_line(found.line, read))
    })
}

fn trajectory(row: Labelled, id: String, options: &Options) -> Result<Trajectory, String> {
    let model = options.models.first();
    let model = model.cloned().unwrap_or_else(|| text::UNKNOWN.to_owned());
    let notes = notes(&row);
    let mut builder = Builder {
        model: &model,
        who: &row.labeler,
        when: &row.timestamp,
        steps: Vec::new(),
        last: None,
    };
    let whole = row.question.pre_generated_steps.unwrap_or_default();
    // As long as the main line is the solution that was rated.
    let mut follows = true;
    let mut rated = 0;
    for (at, alternatives) in row.label.steps.iter().enumerate() {
        let wanted = whole.get(at).map(String::as_str);
        let Some(text) = builder.add(alternatives, wanted)? else {
            break;
        };
        follows &= wanted == Some(text);
        rated = at + 1;
    }
    if follows {
        for piece in whole.iter().skip(rated) {
            builder.push(Step::new(builder.last, &model, piece));
        }
    }
    let (mut steps, last) = (builder.steps, builder.last);
    if steps.is_empty() {
        return Err("it has no steps".to_owned());
    }
    text::end(&mut steps);
    let gold = row.question.ground_truth_answer;
    let ending = last.and_then(|last| steps.get(last));
    let answer = ending.and_then(|step| Some(step.text.split_once(ANSWER)?.1.trim().to_owned()));
    Ok(Trajectory {
        origin: origin(model),
        problem: Problem {
            id,
            question: row.question.problem,
            gold: gold.clone(),
            difficulty: None,
            domain: None,
            source: "prm800k".to_owned(),
        },
        written: Vec::new(),
        conclusion: answer.map(|answer| Conclusion {
            leaf: last,
            grade: RuleGrader::grade_answer(gold.as_deref(), &answer),
            gold,
            grader: "rules-v1".to_owned(),
            end: TrajectoryEnd::Finished,
            error: None,
        }),
        steps,
        notes,
    })
}

fn origin(model: String) -> Origin {
    let mut not_held: Vec<String> = [
        "sampling",
        "seed",
        "tokens",
        "costs",
        "times",
        "probabilities",
    ]
    .map(str::to_owned)
    .into();
    if model == text::UNKNOWN {
        not_held.push("the model's name".to_owned());
    }
    Origin {
        models: vec![model],
        sampling: Sampling::UNKNOWN,
        not_held,
        ..Origin::default()
    }
}

fn notes(row: &Labelled) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(reason) = &row.label.finish_reason {
        said.push(format!("finish reason: {reason}"));
    }
    if let Some(generation) = row.generation {
        said.push(format!("generation {generation}"));
    }
    if let Some(score) = row.question.pre_generated_verifier_score {
        said.push(format!("the verifier's score of the solution: {score}"));
    }
    if row.is_quality_control_question == Some(true) {
        said.push("a quality control question".to_owned());
    }
    if row.is_initial_screening_question == Some(true) {
        said.push("an initial screening question".to_owned());
    }
    match said.is_empty() {
        true => Vec::new(),
        false => vec![said.join("; ")],
    }
}

struct Builder<'a> {
    model: &'a str,
    who: &'a str,
    when: &'a str,
    steps: Vec<Step>,
    /// Place of the last step of the main line.
    last: Option<usize>,
}

impl Builder<'_> {
    /// Adds the alternatives of a step, that of the main line last; its text,
    /// or `None` where there is none. `wanted` is the text of the solution that
    /// was rated.
    fn add<'t>(
        &mut self,
        step: &'t Alternatives,
        wanted: Option<&str>,
    ) -> Result<Option<&'t str>, String> {
        let written = step.completions.as_deref().unwrap_or_default();
        let by_person = step.human_completion.as_ref();
        if let Some(chosen) = step.chosen_completion.filter(|&at| at >= written.len()) {
            let count = written.len();
            return Err(format!("`chosen_completion` {chosen} is none of {count}"));
        }
        let as_rated = || {
            written
                .iter()
                .position(|one| Some(one.text.as_str()) == wanted)
        };
        let main = match (by_person, step.chosen_completion) {
            (Some(_), None) => None,
            (_, Some(chosen)) => Some(chosen),
            (None, None) => as_rated().or_else(|| (!written.is_empty()).then_some(0)),
        };
        let parent = self.last;
        let chosen = main.and_then(|at| written.get(at));
        // The same text twice is one step in a log: where it is gone on with,
        // that stands last and bears what was said of either.
        let mut marks = Vec::new();
        let others = written.iter().enumerate();
        for (_, one) in others.filter(|(at, _)| Some(*at) != main) {
            let step = self.rated(parent, self.model, one);
            match chosen {
                Some(chosen) if chosen.text == one.text => marks.extend(step.marks),
                _ => self.steps.push(step),
            }
        }
        let (model, one) = match (chosen, by_person) {
            (Some(one), _) => (self.model, one),
            (None, Some(one)) => (PERSON, one),
            (None, None) => return Ok(None),
        };
        let mut step = self.rated(parent, model, one);
        marks.append(&mut step.marks);
        step.marks = marks;
        self.push(step);
        Ok(Some(&one.text))
    }

    /// Goes on with a step.
    fn push(&mut self, step: Step) {
        self.last = Some(self.steps.len());
        self.steps.push(step);
    }

    fn rated(&self, parent: Option<usize>, model: &str, one: &Completion) -> Step {
        let mut step = Step::new(parent, model, &one.text);
        let rating = match one.rating {
            Some(rating) if rating > 0.0 => Some(Label::Good),
            Some(rating) if rating < 0.0 => Some(Label::Bad),
            Some(_) => Some(Label::Neutral),
            None => None,
        };
        let flag = (one.flagged == Some(true)).then_some(Label::Flagged);
        step.marks = flag
            .into_iter()
            .chain(rating)
            .map(|label| Mark {
                who: self.who.to_owned(),
                when: self.when.to_owned(),
                label,
                note: None,
            })
            .collect();
        step
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::samples::{of_text, trajectories};
    use super::*;
    use crate::problem::answer::Verdict;

    /// Texts, their labels and the place of the step before each.
    fn shape(trajectory: &Trajectory) -> Vec<(Option<usize>, &str, Vec<&str>)> {
        let of = |step: &Step| step.marks.iter().map(|mark| mark.label.name()).collect();
        let steps = trajectory.steps.iter();
        steps
            .map(|step| (step.parent, step.text.as_str(), of(step)))
            .collect()
    }

    #[test]
    fn alternatives_are_siblings_and_the_chosen_one_is_gone_on_with() {
        let file = r##"{
  "labeler": "who", "timestamp": "2022-07-30T23:23:32.118856", "generation": null,
  "question": {"problem": "1+1?", "ground_truth_answer": "2"},
  "label": {"steps": [
    {"completions": [{"text": "a", "rating": 1, "flagged": false},
                     {"text": "b", "rating": -1, "flagged": true}],
     "human_completion": null, "chosen_completion": 0},
    {"completions": [{"text": "c", "rating": 0, "flagged": null}],
     "human_completion": {"text": "d", "rating": null, "source": "human", "flagged": false},
     "chosen_completion": null},
    {"completions": [{"text": "e\n\n# Answer\n\n2", "rating": 1, "flagged": false}],
     "human_completion": null, "chosen_completion": 0}],
   "total_time": 1, "finish_reason": "solution"}}
"##;
        // Twice, one after the other over several lines, as examples are kept.
        let found = of_text(Format::Prm800k, &file.repeat(2), &Options::default());
        let [one, two] = trajectories(&found);
        assert_eq!(
            shape(one),
            [
                (None, "b", vec!["flagged", "bad"]),
                (None, "a", vec!["good"]),
                (Some(1), "c", vec!["neutral"]),
                (Some(1), "d", vec![]),
                (Some(3), "e\n\n# Answer\n\n2", vec!["good"]),
            ]
        );
        assert_eq!(one.steps[3].model, PERSON);
        let mark = &one.steps[1].marks[0];
        assert_eq!(
            (mark.who.as_str(), mark.when.as_str()),
            ("who", "2022-07-30T23:23:32.118856")
        );
        let conclusion = one.conclusion.as_ref().unwrap();
        assert_eq!(
            (conclusion.leaf, conclusion.grade.verdict),
            (Some(4), Verdict::Correct)
        );
        assert_ne!(one.problem.id, two.problem.id);
        assert_eq!(one.notes, ["finish reason: solution"]);
    }

    #[test]
    fn an_alternative_of_the_same_text_leaves_the_main_line_last() {
        let file = r#"{"labeler": "who", "question": {"problem": "q"}, "label": {"steps": [
  {"completions": [{"text": "a", "rating": 1}, {"text": "a", "rating": 0}, {"text": "b", "rating": -1}],
   "chosen_completion": 0},
  {"completions": [{"text": "c", "rating": 1}], "chosen_completion": 0}],
 "finish_reason": "give_up"}}"#;
        let found = of_text(Format::Prm800k, file, &Options::default());
        let [one] = trajectories(&found);
        assert_eq!(
            shape(one),
            [
                (None, "b", vec!["bad"]),
                (None, "a", vec!["neutral", "good"]),
                (Some(1), "c", vec!["good"]),
            ]
        );
    }

    #[test]
    fn the_rest_of_a_rated_solution_follows_without_a_rating() {
        let file = r##"{"labeler": "who", "timestamp": "t", "generation": 6,
"question": {"problem": "q", "ground_truth_answer": "3",
  "pre_generated_steps": ["a", "b", "# Answer\n\n4"]},
"label": {"steps": [
  {"completions": [{"text": "a", "rating": 1, "flagged": null}], "human_completion": null,
   "chosen_completion": 0},
  {"completions": [{"text": "b", "rating": -1, "flagged": null}, {"text": "x", "rating": 1}],
   "human_completion": null, "chosen_completion": null}],
 "finish_reason": "found_error"}}"##;
        let found = of_text(Format::Prm800k, file, &Options::default());
        let [one] = trajectories(&found);
        assert_eq!(
            shape(one),
            [
                (None, "a", vec!["good"]),
                (Some(0), "x", vec!["good"]),
                (Some(0), "b", vec!["bad"]),
                (Some(2), "# Answer\n\n4", vec![]),
            ]
        );
        let conclusion = one.conclusion.as_ref().unwrap();
        assert_eq!(conclusion.grade.verdict, Verdict::Wrong);
        assert_eq!(conclusion.grade.extracted.as_deref(), Some("4"));
    }

    #[test]
    fn what_was_given_up_has_no_outcome_and_what_is_wrong_is_told() {
        let row = |label: &str| {
            format!(
                "{{\"labeler\": \"w\", \"question\": {{\"problem\": \"q\"}}, \"label\": {label}}}\n"
            )
        };
        let file = [
            row(
                "{\"steps\": [{\"completions\": [{\"text\": \"a\", \"rating\": null}], \
                 \"chosen_completion\": null}], \"finish_reason\": \"give_up\"}",
            ),
            row("{\"steps\": [{\"completions\": [], \"chosen_completion\": 1}]}"),
            row("{\"steps\": []}"),
        ]
        .concat();
        let found = of_text(Format::Prm800k, &file, &Options::default());
        let [one] = trajectories(&found);
        assert!(one.conclusion.is_none());
        assert!(one.steps[0].marks.is_empty());
        let places: Vec<&str> = found.damaged.iter().map(|bad| bad.place.as_str()).collect();
        assert_eq!(places, ["line 2", "line 3"]);
    }
}
