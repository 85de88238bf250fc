//! Reward-guided speculative decoding: JSON lines, one problem each.
//!
//! `reward[t]` is of the *draft* of step t, also where `turn_info` says that
//! the target model wrote the step: what is shown there was never scored, and
//! the draft that was is not in the file. It stands in the log as a rejected
//! draft without a text, so that its score has its place.
//!
//! The threshold and the sampling are in the file's name alone. Rows without
//! `turn_info`, as the evaluation that this grew out of writes them, are
//! solutions by one model.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::problem::Problem;
use crate::problem::answer::Grade;
use crate::trace::record::{PRM, Sampling, TrajectoryEnd};

use super::error::ImportError;
use super::trajectory::{
    Conclusion, Origin, RepetitionKind, Routing, Ruling, Scored, Step, Trajectory,
};
use super::{Options, Row, Sink, rows, text, tolerant};

const NAME: &str = "rsd";
/// Names of the models where nobody says them: what they do.
const MODELS: [&str; 2] = ["draft", "target"];
/// In `turn_info`: who wrote a step.
const BY_DRAFT: i64 = 1;
const BY_TARGET: i64 = 2;
/// Of a draft whose text is not in the file.
const NO_TEXT: &str = "the source does not keep the text of rejected drafts";

#[derive(Deserialize)]
struct Solved {
    idx: Value,
    question: String,
    #[serde(default)]
    gt: Value,
    #[serde(default)]
    level: Value,
    #[serde(default, rename = "type")]
    kind: Value,
    #[serde(default)]
    subject: Value,
    code: Vec<String>,
    #[serde(default)]
    pred: Vec<Value>,
    #[serde(default)]
    score: Vec<Value>,
    /// Tokens of drafts that stood, of the target model, of rejected drafts.
    #[serde(default)]
    token_counts: Value,
    #[serde(default)]
    turn_info: Option<Vec<(Value, i64)>>,
    #[serde(default)]
    reward: Option<Vec<Option<f64>>>,
}

/// What the file's name says.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Named {
    seed: Option<u64>,
    temperature: Option<f64>,
    delta: Option<f64>,
    max_steps: Option<u32>,
}

impl Named {
    fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.strip_suffix(".jsonl").unwrap_or(&name);
        let parts = name.split('_');
        let mut named = Self::default();
        for part in parts {
            let after = |key: &str| part.strip_prefix(key);
            if let Some(seed) = after("seed").and_then(|text| text.parse().ok()) {
                named.seed = Some(seed);
            } else if let Some(delta) = after("delta").and_then(finite) {
                named.delta = Some(delta);
            } else if let Some(steps) = after("maxsteps").and_then(|text| text.parse().ok()) {
                named.max_steps = Some(steps);
            } else if let Some(temperature) = after("t").and_then(finite) {
                named.temperature = Some(temperature);
            }
        }
        named
    }
}

fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

pub(super) fn read(path: &Path, options: &Options, sink: Sink<'_>) -> Result<(), ImportError> {
    let named = Named::of(path);
    let reader = Reader {
        named,
        delta: options.threshold.or(named.delta),
        options,
    };
    rows::each(path, &mut |found| {
        let row = found.row.and_then(tolerant::from_slice::<Solved>);
        let made = row.and_then(|row| reader.trajectories(&row));
        match made {
            Err(reason) => sink(Row::of_line(found.line, Err(reason))),
            Ok(made) => {
                for trajectory in made {
                    sink(Row::of_line(found.line, Ok(trajectory)))?;
                }
                ControlFlow::Continue(())
            }
        }
    })
}

struct Reader<'a> {
    named: Named,
    delta: Option<f64>,
    options: &'a Options,
}

impl Reader<'_> {
    fn trajectories(&self, row: &Solved) -> Result<Vec<Trajectory>, String> {
        if row.code.is_empty() {
            return Err("`code` holds no text".to_owned());
        }
        match &row.turn_info {
            Some(turns) => Ok(vec![self.routed(row, turns)?]),
            None => (0..row.code.len()).map(|at| self.alone(row, at)).collect(),
        }
    }

    /// A solution by one model: the one of this place.
    fn alone(&self, row: &Solved, at: usize) -> Result<Trajectory, String> {
        let named = self.options.models.first();
        let model = named.map_or(text::UNKNOWN, String::as_str);
        let mut steps = Vec::new();
        text::append(&mut steps, model, &row.code[at], &self.options.separator);
        text::end(&mut steps);
        let mut origin = self.origin(Routing::None, vec![model.to_owned()]);
        if row.code.len() > 1 {
            origin.repetition = at as u64;
            origin.repetition_kind = RepetitionKind::Repetition;
        }
        Ok(Trajectory {
            written: Vec::new(),
            conclusion: Some(self.conclusion(row, at, &steps, steps.len())),
            origin,
            problem: problem(row)?,
            steps,
            notes: Vec::new(),
        })
    }

    fn routed(&self, row: &Solved, turns: &[(Value, i64)]) -> Result<Trajectory, String> {
        if let Some((_, odd)) = turns
            .iter()
            .find(|(_, by)| ![BY_DRAFT, BY_TARGET].contains(by))
        {
            return Err(format!("`turn_info` says {odd}, which is neither model"));
        }
        let names = &self.options.models;
        let name = |at: usize| names.get(at).map_or(MODELS[at], String::as_str);
        let mut notes = Vec::new();
        if row.code.len() > 1 {
            let more = row.code.len() - 1;
            notes.push(format!(
                "{more} more samples of this problem were left out: `turn_info` is of one"
            ));
        }
        if !row.token_counts.is_null() {
            let counts = &row.token_counts;
            notes.push(format!(
                "tokens of kept drafts, of the target model and of rejected drafts: {counts}"
            ));
        }
        let routing = Routing::Rsd { delta: self.delta };
        let models = vec![name(0).to_owned(), name(1).to_owned()];
        let mut origin = self.origin(routing, models);
        if let Some(scorer) = names.get(2) {
            origin.scorers.insert(PRM.to_owned(), scorer.clone());
        }
        let written = texts(&row.code[0], &self.options.separator, turns);
        let steps = match &written {
            Some(texts) => self.steps(texts, turns, row.reward.as_deref(), &mut notes, &name),
            None => {
                notes.push(mismatch(row, turns, &self.options.separator));
                let mut steps = Vec::new();
                text::append(
                    &mut steps,
                    text::UNKNOWN,
                    &row.code[0],
                    &self.options.separator,
                );
                steps
            }
        };
        let mut steps = steps;
        text::end(&mut steps);
        Ok(Trajectory {
            written: Vec::new(),
            conclusion: Some(self.conclusion(row, 0, &steps, turns.len())),
            origin,
            problem: problem(row)?,
            steps,
            notes,
        })
    }

    /// The steps where it is known who wrote each.
    fn steps<'n>(
        &self,
        texts: &[String],
        turns: &[(Value, i64)],
        rewards: Option<&[Option<f64>]>,
        notes: &mut Vec<String>,
        name: &impl Fn(usize) -> &'n str,
    ) -> Vec<Step> {
        let rewards = rewards.filter(|rewards| {
            let fits = rewards.len() == turns.len();
            if !fits {
                let (scores, steps) = (rewards.len(), turns.len());
                notes.push(format!(
                    "{scores} rewards of {steps} steps: of which is not known, so none is kept"
                ));
            }
            fits
        });
        let mut steps = Vec::new();
        let mut last = None;
        let mut broken = 0;
        for (at, (piece, (_, by))) in texts.iter().zip(turns).enumerate() {
            let reward = rewards.and_then(|rewards| rewards.get(at).copied().flatten());
            let stands = *by == BY_DRAFT;
            let action = name(usize::from(!stands));
            if let (Some(reward), Some(delta)) = (reward, self.delta) {
                broken += usize::from((reward >= delta) != stands);
            }
            let ruling = self.ruling(reward, at, stands, action);
            let shown = if stands { piece.as_str() } else { "" };
            let mut draft = Step::draft(last, name(0), shown, stands, ruling);
            draft.end_note = (!stands).then(|| NO_TEXT.to_owned());
            draft.scores.extend(reward.map(|value| Scored {
                scorer: PRM,
                model: self.options.models.get(2).cloned(),
                value: Some(value),
                note: None,
                usage: Default::default(),
            }));
            steps.push(draft);
            if !stands {
                let draft = steps.len() - 1;
                steps.push(Step::regenerated(last, action, piece, draft));
            }
            last = Some(steps.len() - 1);
        }
        if broken > 0 {
            notes.push(format!(
                "{broken} of the rulings do not follow the threshold"
            ));
        }
        steps
    }

    fn ruling(&self, reward: Option<f64>, at: usize, stands: bool, action: &str) -> Ruling {
        let verb = if stands { "kept" } else { "written again" };
        let reason = match (reward, self.delta) {
            (Some(reward), Some(delta)) => format!("reward {reward:.3}, δ = {delta}: {verb}"),
            (Some(reward), None) => format!("reward {reward:.3}, δ not known: {verb}"),
            (None, _) => format!("its reward is not known: {verb}"),
        };
        Ruling {
            observation: BTreeMap::from([
                ("prm_score".to_owned(), reward),
                ("step".to_owned(), Some((at + 1) as f64)),
            ]),
            threshold: self.delta,
            action: action.to_owned(),
            reason,
        }
    }

    fn origin(&self, routing: Routing, models: Vec<String>) -> Origin {
        let named = self.named;
        let mut not_held = vec![
            "tokens of each step".to_owned(),
            "costs".to_owned(),
            "times".to_owned(),
            "probabilities".to_owned(),
        ];
        let mut lacks = |lacks: bool, what: &str| {
            if lacks {
                not_held.push(what.to_owned());
            }
        };
        lacks(named.temperature.is_none(), "temperature");
        lacks(true, "top-p and the most tokens of a step");
        lacks(named.max_steps.is_none(), "the most steps");
        lacks(named.seed.is_none(), "seed");
        lacks(self.options.models.is_empty(), "the models' names");
        if routing != Routing::None {
            lacks(self.delta.is_none(), "the threshold");
            lacks(true, "texts of rejected drafts");
        }
        Origin {
            routing,
            models,
            sampling: Sampling {
                temperature: named.temperature.unwrap_or(Sampling::UNKNOWN.temperature),
                max_steps: named.max_steps.unwrap_or(Sampling::UNKNOWN.max_steps),
                ..Sampling::UNKNOWN
            },
            repetition: named.seed.unwrap_or(0),
            repetition_kind: match named.seed {
                Some(_) => RepetitionKind::Seed,
                None => RepetitionKind::Only,
            },
            graded_by: Some(NAME.to_owned()),
            not_held,
            ..Origin::default()
        }
    }

    fn conclusion(&self, row: &Solved, at: usize, steps: &[Step], turns: usize) -> Conclusion {
        let verdict = row.score.get(at).and_then(text::verdict);
        let answer = row.pred.get(at).and_then(text::scalar);
        let answer = answer.filter(|answer| !answer.is_empty());
        let most = self.named.max_steps.filter(|&most| most > 0);
        let capped = answer.is_none() && most.is_some_and(|most| turns >= most as usize);
        Conclusion {
            leaf: steps.len().checked_sub(1),
            grade: Grade {
                extracted: answer,
                ..text::given(verdict, "score", "`score` is not there")
            },
            gold: text::scalar(&row.gt),
            grader: NAME.to_owned(),
            end: match capped {
                true => TrajectoryEnd::StepCap,
                false => TrajectoryEnd::Finished,
            },
            error: None,
        }
    }
}

fn problem(row: &Solved) -> Result<Problem, String> {
    Ok(Problem {
        id: text::scalar(&row.idx).ok_or("its `idx` is neither a text nor a number")?,
        question: row.question.clone(),
        gold: text::scalar(&row.gt),
        difficulty: text::level(&row.level),
        domain: text::scalar(&row.kind).or_else(|| text::scalar(&row.subject)),
        source: NAME.to_owned(),
    })
}

/// The texts of the steps; `None` where they are not as many as there were
/// turns, so that nobody knows who wrote which.
fn texts(whole: &str, separator: &str, turns: &[(Value, i64)]) -> Option<Vec<String>> {
    let said: Option<Vec<String>> = turns
        .iter()
        .map(|(step, _)| step.as_str().map(str::to_owned))
        .collect();
    if let Some(said) = said.filter(|said| !said.is_empty()) {
        return Some(said);
    }
    let fits = |pieces: &Vec<String>| pieces.len() == turns.len();
    let all: Vec<String> = whole.split(separator).map(str::to_owned).collect();
    let filled: Vec<String> = text::steps(whole, separator).map(str::to_owned).collect();
    Some(filled).filter(fits).or_else(|| Some(all).filter(fits))
}

fn mismatch(row: &Solved, turns: &[(Value, i64)], separator: &str) -> String {
    let by: Vec<i64> = turns.iter().map(|(_, by)| *by).collect();
    let rewards = row.reward.as_ref().map_or_else(String::new, |rewards| {
        format!("; rewards {}", serde_json::json!(rewards))
    });
    let steps = text::steps(&row.code[0], separator).count();
    format!(
        "the text has {steps} steps, `turn_info` {}: who wrote which is not known; turns {by:?}{rewards}",
        turns.len()
    )
}

#[cfg(test)]
mod tests;
