//! `SpecReason`: one file a trajectory, `{problem}/{repetition}.txt`, a list of
//! steps as Python prints it. Its twin `.pickle` is never opened.
//!
//! Both models' steps are there where a draft was rejected. Question, gold
//! answer, models and threshold are not: a person says them, or nobody does.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use crate::problem::Problem;
use crate::problem::answer::{Grade, Grader as _, RuleGrader};
use crate::problem::dataset::Dataset;
use crate::trace::record::{DELIMITER, JUDGE, Sampling, StepEnd, TrajectoryEnd, Usage};

use super::error::{ImportError, open};
use super::python::Literal;
use super::trajectory::{
    Conclusion, Origin, RepetitionKind, Routing, Ruling, Scored, Step, Trajectory,
};
use super::{Options, Row, Sink, limits, stem};

const NAME: &str = "spec-reason";
/// Names of the models where nobody says them: what the source calls them.
const MODELS: [&str; 2] = ["small", "base"];
/// The first id that the tool gives problems of AIME, and how many there are.
const AIME: (usize, usize) = (60, 30);

pub(super) fn read(path: &Path, options: &Options, sink: Sink<'_>) -> Result<(), ImportError> {
    let text = whole(path)?;
    let read = Literal::parse(&text)
        .map_err(|fault| fault.to_string())
        .and_then(|list| trajectory(&list, path, options));
    let row = match read {
        Ok(trajectory) => Row::Trajectory(Box::new(trajectory)),
        Err(reason) => Row::damaged("the list", reason),
    };
    // There is one row: it makes no difference whether more is wanted.
    let _ = sink(row);
    Ok(())
}

fn whole(path: &Path) -> Result<String, ImportError> {
    let mut bytes = Vec::new();
    let most = limits::ROW as u64;
    open(path)?
        .take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| ImportError::io(path, source))?;
    if bytes.len() as u64 > most {
        let reason = format!("longer than {} MiB", most >> 20);
        return Err(ImportError::refused(path, reason));
    }
    String::from_utf8(bytes).map_err(|_| {
        ImportError::refused(
            path,
            "not a text in UTF-8: name the `.txt` that the tool printed",
        )
    })
}

/// A step as the list holds it.
struct Listed<'a> {
    text: &'a str,
    small: Option<&'a str>,
    base: Option<&'a str>,
    score: Option<f64>,
    entry: &'a Literal,
}

impl<'a> Listed<'a> {
    fn of(entry: &'a Literal) -> Result<Self, String> {
        let text = |key: &str| entry.get(key).and_then(Literal::text);
        let this = Self {
            text: text("step_str").ok_or("a step without its `step_str`")?,
            small: text("small_model_step"),
            base: text("base_model_step"),
            score: entry.get("score").and_then(Literal::number),
            entry,
        };
        match (this.small, this.base) {
            (None, None) => Err("a step that neither model wrote".to_owned()),
            _ => Ok(this),
        }
    }

    fn tokens(&self, key: &str) -> Usage {
        let tokens = self.entry.get(key).and_then(Literal::number);
        Usage {
            // Counts are whole and small.
            output: tokens.filter(|&tokens| tokens > 0.0).unwrap_or(0.0) as u64,
            ..Usage::default()
        }
    }

    /// What later versions of the tool measure.
    fn seconds(&self, key: &str) -> f64 {
        let seconds = self.entry.get(key).and_then(Literal::number);
        seconds.filter(|&s| s.is_finite() && s > 0.0).unwrap_or(0.0)
    }

    fn word(&self, key: &str) -> Option<&'a str> {
        self.entry.get(key).and_then(Literal::text)
    }
}

fn trajectory(list: &Literal, path: &Path, options: &Options) -> Result<Trajectory, String> {
    let Literal::List(entries) = list else {
        return Err("it is no list of steps".to_owned());
    };
    let listed: Result<Vec<Listed<'_>>, String> = entries.iter().map(Listed::of).collect();
    let listed = listed?;
    let Some(last) = listed.last() else {
        return Err("the list is empty".to_owned());
    };
    let mut notes = Vec::new();
    let (problem, matched) = problem(path, options.dataset.as_ref());
    notes.extend(matched);
    let steps = steps(&listed, options, &mut notes);
    let (end, error) = ending(last, &listed, &mut notes);
    let mut steps = steps;
    if let Some(step) = steps.last_mut() {
        step.end = StepEnd::Eos;
    }
    let whole: Vec<&str> = listed.iter().map(|step| step.text).collect();
    let grade = match &problem.gold {
        Some(gold) => RuleGrader.grade(Some(gold), &whole.join(DELIMITER)),
        None => Grade::ungraded("no-gold", "no gold answer"),
    };
    Ok(Trajectory {
        origin: origin(&listed, path, options),
        written: Vec::new(),
        conclusion: Some(Conclusion {
            leaf: steps.len().checked_sub(1),
            grade,
            gold: problem.gold.clone(),
            grader: "rules-v1".to_owned(),
            end,
            error,
        }),
        problem,
        steps,
        notes,
    })
}

fn name(options: &Options, at: usize) -> &str {
    options.models.get(at).map_or(MODELS[at], String::as_str)
}

fn steps(listed: &[Listed<'_>], options: &Options, notes: &mut Vec<String>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut last = None;
    let mut broken = 0;
    for (at, one) in listed.iter().enumerate() {
        let stands = one.base.is_none();
        let writer = name(options, usize::from(!stands));
        if let (Some(score), Some(tau), Some(_)) = (one.score, options.threshold, one.small) {
            broken += usize::from((score >= tau) != stands);
        }
        let mut draft_at = None;
        if let Some(small) = one.small {
            let shown = if stands { one.text } else { small };
            let ruling = ruling(one, at, stands, writer, options.threshold);
            let mut draft = Step::draft(last, name(options, 0), shown, stands, ruling);
            draft.usage = one.tokens("num_output_tokens_small");
            draft.seconds = one.seconds("small_model_time");
            draft
                .scores
                .extend(one.score.map(|value| judged(one, value, options)));
            if stands {
                draft.end_note = one.word("warning").map(str::to_owned);
            }
            draft_at = Some(steps.len());
            steps.push(draft);
        }
        if !stands {
            let mut step = match draft_at {
                Some(draft) => Step::regenerated(last, writer, one.text, draft),
                None => Step::new(last, writer, one.text),
            };
            step.usage = one.tokens("num_output_tokens_base");
            step.seconds = one.seconds("base_model_time");
            step.end_note = one.word("warning").map(str::to_owned);
            steps.push(step);
        }
        last = steps.len().checked_sub(1);
    }
    if broken > 0 {
        notes.push(format!(
            "{broken} of the rulings do not follow the threshold"
        ));
    }
    steps
}

fn judged(one: &Listed<'_>, value: f64, options: &Options) -> Scored {
    Scored {
        scorer: JUDGE,
        model: Some(judge(options).to_owned()),
        value: Some(value),
        note: one
            .word("justification")
            .map(|said| format!("the judge wrote `{said}`")),
        usage: Usage::default(),
    }
}

/// The base model judges, where nobody says otherwise.
fn judge(options: &Options) -> &str {
    let named = options.models.get(2).map(String::as_str);
    named.unwrap_or_else(|| name(options, 1))
}

fn ruling(one: &Listed<'_>, at: usize, stands: bool, action: &str, tau: Option<f64>) -> Ruling {
    let verb = if stands { "kept" } else { "written again" };
    let reason = match (one.score, tau) {
        (Some(score), Some(tau)) => format!("the judge's {score:.2}, τ = {tau}: {verb}"),
        (Some(score), None) => format!("the judge's {score:.2}, τ not known: {verb}"),
        (None, _) => format!("no score of the judge: {verb}"),
    };
    Ruling {
        observation: BTreeMap::from([
            (
                "judge_score".to_owned(),
                one.score.filter(|score| score.is_finite()),
            ),
            ("step".to_owned(), Some((at + 1) as f64)),
        ]),
        threshold: tau,
        action: action.to_owned(),
        reason,
    }
}

fn ending(
    last: &Listed<'_>,
    listed: &[Listed<'_>],
    notes: &mut Vec<String>,
) -> (TrajectoryEnd, Option<String>) {
    let before = listed.len().checked_sub(2).and_then(|at| listed.get(at));
    // The tool stops at a step that repeats the one before, as `finished`.
    let repeats = listed.len() > 2
        && before.is_some_and(|before| before.text == last.text)
        && !["boxed", "Answer:", "ANSWER:"]
            .iter()
            .any(|end| last.text.contains(end));
    match last.word("stop_reason") {
        Some("repeated") => (TrajectoryEnd::Repetition, None),
        Some("finished") if repeats => (TrajectoryEnd::Repetition, None),
        Some("finished") => (TrajectoryEnd::Finished, None),
        Some("budget") => {
            notes.push("stopped by its budget of tokens: truncated, told as `step-cap`".to_owned());
            (TrajectoryEnd::StepCap, None)
        }
        Some(other) => (
            TrajectoryEnd::Error,
            Some(format!("the tool stopped: {other}")),
        ),
        None => (
            TrajectoryEnd::Error,
            Some("the source gives no reason for the end: it was cut off".to_owned()),
        ),
    }
}

fn origin(listed: &[Listed<'_>], path: &Path, options: &Options) -> Origin {
    // Scores of the judge's digit alone are whole.
    let scores = || listed.iter().filter_map(|one| one.score);
    let first = listed.iter().take_while(|one| one.small.is_none()).count();
    let repetition = stem(path).parse();
    let mut not_held: Vec<String> = [
        "sampling",
        "seed",
        "prompt tokens",
        "tokens of the judge",
        "costs",
        "probabilities",
    ]
    .map(str::to_owned)
    .into();
    let mut lacks = |lacks: bool, what: &str| {
        if lacks {
            not_held.push(what.to_owned());
        }
    };
    lacks(options.dataset.is_none(), "questions and gold answers");
    lacks(options.threshold.is_none(), "the threshold");
    lacks(options.models.is_empty(), "the models' names");
    Origin {
        routing: Routing::SpecReason {
            tau: options.threshold,
            first: u32::try_from(first).unwrap_or(u32::MAX),
            averaged: scores().any(|score| score.fract() != 0.0),
        },
        models: vec![name(options, 0).to_owned(), name(options, 1).to_owned()],
        scorers: BTreeMap::from([(JUDGE.to_owned(), judge(options).to_owned())]),
        sampling: Sampling::UNKNOWN,
        probabilities: false,
        repetition: repetition.clone().unwrap_or(0),
        repetition_kind: match repetition {
            Ok(_) => RepetitionKind::Repetition,
            Err(_) => RepetitionKind::Only,
        },
        graded_by: None,
        not_held,
    }
}

/// The problem of a file, and how it was found.
fn problem(path: &Path, dataset: Option<&Dataset>) -> (Problem, Option<String>) {
    let folder = path.parent().and_then(Path::file_name);
    let folder = folder.map(|name| name.to_string_lossy().into_owned());
    let id = folder.unwrap_or_else(|| stem(path));
    let unknown = Problem {
        id: id.clone(),
        question: String::new(),
        gold: None,
        difficulty: None,
        domain: None,
        source: NAME.to_owned(),
    };
    let Some(dataset) = dataset else {
        return (unknown, None);
    };
    let problems = &dataset.problems;
    if let Some(known) = problems.iter().find(|known| known.id == id) {
        return (known.clone(), None);
    }
    let (first, count) = AIME;
    let row = id
        .parse::<usize>()
        .ok()
        .map(|row| match problems.len() == count {
            true => row.checked_sub(first).unwrap_or(row),
            false => row,
        });
    match row.and_then(|row| Some((row, problems.get(row)?))) {
        Some((row, known)) => {
            let told = format!(
                "problem `{id}` is taken for row {row} of {}, counted from 0",
                dataset.name
            );
            (
                Problem {
                    id,
                    ..known.clone()
                },
                Some(told),
            )
        }
        None => {
            let told = format!("no problem `{id}` in {}", dataset.name);
            (unknown, Some(told))
        }
    }
}

#[cfg(test)]
mod tests;
