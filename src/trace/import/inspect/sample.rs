//! A sample as a trajectory.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use crate::problem::Problem;
use crate::problem::answer::{Grade, Verdict};
use crate::trace::import::trajectory::{
    Conclusion, Origin, RepetitionKind, Scored, Step, Trajectory, Written,
};
use crate::trace::import::{Options, text};
use crate::trace::record::{self, Attempt, GRADER, Role, Sampling, StepEnd, TrajectoryEnd};

use super::cast::Cast;
use super::conversation::{Attachments, Conversation, Segment, conversation, resolve, text_of};
use super::events::Call;
use super::probabilities;
use super::schema::{Head, Input, Message, Sample, Score};
use super::usage::{self, usage};

const NAME: &str = "inspect";
/// Most characters that are kept of a scorer's explanation.
const EXPLAINED: usize = 1000;

/// Makes trajectories of the samples of one log.
pub(super) struct Maker<'a> {
    options: &'a Options,
    head: Head,
    cast: Cast,
    /// Those of the cast, cheapest first as far as anybody says.
    models: Vec<String>,
}

impl<'a> Maker<'a> {
    pub(super) fn new(head: Head, cast: Cast, options: &'a Options) -> Self {
        Self {
            models: ordered(&cast.models, options),
            options,
            head,
            cast,
        }
    }

    /// The trajectory of a sample.
    ///
    /// # Errors
    /// In words: a sample without an id, or without anything that a model
    /// wrote.
    pub(super) fn trajectory(
        &self,
        sample: &Sample,
        attachments: &Attachments,
    ) -> Result<Trajectory, String> {
        let id = text::scalar(&sample.id).ok_or("its `id` is neither a text nor a number")?;
        let talk = conversation(sample, attachments);
        let mut steps = Vec::new();
        let mut calls = Vec::new();
        for segment in &talk.segments {
            let first = steps.len();
            self.add(&mut steps, segment, sample);
            calls.push((first..steps.len(), segment));
        }
        if steps.is_empty() {
            return Err(format!(
                "sample `{id}` holds no text of a model{}",
                told(&sample.error).map_or_else(String::new, |error| format!(" ({error})"))
            ));
        }
        let mut missing = talk.missing;
        let question = question(sample, attachments, &mut missing);
        let gold = gold(&sample.target).map(|gold| resolve(&gold, attachments, &mut missing));
        let lost = talk.lost.iter().map(|call| attempt(call));
        if let Some(last) = steps.last_mut() {
            last.attempts.extend(lost);
        }
        let (name, score) = best(&sample.scores).unzip();
        let grade = grade(name.map(String::as_str), score);
        self.add_scores(&mut steps, &talk, sample);
        let mut notes = notes(sample, &talk, name, missing);
        let end = ending(sample, &mut notes);
        usage::of_whole(sample, &mut steps, &mut notes);
        let written = written(calls, &mut notes);
        let about = &sample.metadata;
        Ok(Trajectory {
            origin: self.origin(sample, &steps, !written.is_empty()),
            problem: Problem {
                id,
                question,
                gold: gold.clone(),
                difficulty: text::level(&about.difficulty).or_else(|| text::level(&about.level)),
                domain: text::scalar(&about.domain).or_else(|| text::scalar(&about.subject)),
                source: match self.head.eval.task.as_str() {
                    "" => NAME.to_owned(),
                    task => format!("{NAME}:{task}"),
                },
            },
            conclusion: Some(Conclusion {
                leaf: steps.len().checked_sub(1),
                grade,
                gold,
                grader: name.map_or_else(|| NAME.to_owned(), |name| format!("{NAME}:{name}")),
                error: told(&sample.error),
                end,
            }),
            steps,
            written,
            notes,
        })
    }

    /// What stands between two steps of a message; nothing does where our own
    /// export wrote it, which has a message a step.
    fn separator(&self) -> &str {
        match self.head.eval.is_ours() {
            true => "",
            false => &self.options.separator,
        }
    }

    /// Adds the steps of a segment. What its call took stands with the first
    /// of them: nobody knows how much of it each step took.
    fn add(&self, steps: &mut Vec<Step>, segment: &Segment<'_>, sample: &Sample) {
        let model = self.cast.writer(segment, sample);
        let first = text::append(steps, &model, &segment.text, self.separator());
        let count = steps.len() - first;
        let call = segment.call;
        let output = call.and_then(|call| call.output.as_ref());
        if let Some(step) = steps.get_mut(first) {
            step.attempts = segment.lost.iter().map(|call| attempt(call)).collect();
            step.usage = output
                .and_then(|output| output.usage)
                .map(usage)
                .unwrap_or_default();
            let seconds = output.and_then(|output| output.time);
            let seconds = seconds.or(call.and_then(|call| call.working_time));
            step.seconds = seconds
                .filter(|s| s.is_finite() && *s >= 0.0)
                .unwrap_or(0.0);
            let at = call.map(|call| call.completed.as_ref().unwrap_or(&call.timestamp));
            step.at = at.cloned().unwrap_or_default();
            if count > 1 && call.is_some() {
                step.end_note = Some(format!(
                    "tokens and time are of the whole call: {count} steps"
                ));
            }
        }
        let Some(last) = steps.last_mut().filter(|_| count > 0) else {
            return;
        };
        let choice = output.and_then(|output| output.choices.first());
        match choice.and_then(|choice| choice.stop_reason.as_deref()) {
            Some("max_tokens" | "model_length") => last.end = StepEnd::Length,
            Some(_) => last.end = StepEnd::Eos,
            None => {
                last.end = StepEnd::Eos;
                last.end_note.get_or_insert_with(|| text::NO_END.to_owned());
            }
        }
    }

    /// What the models that scored said, each with what it took.
    fn add_scores(&self, steps: &mut [Step], talk: &Conversation<'_>, sample: &Sample) {
        let Some(leaf) = steps.last_mut() else { return };
        for (name, calls) in &talk.scoring {
            // Where it is not known which scorer asked: the only one there is.
            let only = (sample.scores.len() == 1).then(|| sample.scores.values().next());
            let named = name.and_then(|name| sample.scores.get(name));
            let score = named.or(only.flatten());
            let used = calls.iter().filter_map(|call| call.output.as_ref()?.usage);
            let explained = score.and_then(|score| score.explanation.as_deref());
            leaf.scores.push(Scored {
                scorer: GRADER,
                model: calls.first().map(|call| call.model.clone()),
                value: match score.and_then(|score| verdict(&score.value)) {
                    Some(Verdict::Correct) => Some(1.0),
                    Some(Verdict::Wrong) => Some(0.0),
                    Some(Verdict::Ungraded) | None => None,
                },
                note: explained.map(|text| text.chars().take(EXPLAINED).collect()),
                usage: used
                    .map(usage)
                    .reduce(record::Usage::plus)
                    .unwrap_or_default(),
            });
        }
    }

    fn origin(&self, sample: &Sample, steps: &[Step], is_told: bool) -> Origin {
        let sampled = self.head.eval.model_generate_config;
        let mut not_held: Vec<String> = ["the most tokens of a step", "seed", "costs of each step"]
            .map(str::to_owned)
            .into();
        let mut lacks = |lacks: bool, what: &str| {
            if lacks {
                not_held.push(what.to_owned());
            }
        };
        lacks(sampled.temperature.is_none(), "temperature");
        lacks(sampled.top_p.is_none(), "top-p");
        lacks(!is_told, "probabilities");
        // Of values that are the same before and after there is nothing to know.
        lacks(
            is_told && sampled.temperature != Some(1.0) && !self.head.eval.is_ours(),
            "whether probabilities are those before temperature (taken for it)",
        );
        // Those of damaged samples are not in the cast.
        let mut models = self.models.clone();
        for step in steps {
            if !models.contains(&step.model) {
                models.push(step.model.clone());
            }
        }
        let several = models.len() > 1;
        lacks(several, "what chose the models");
        let ordered = |model: &String| self.options.models.contains(model);
        lacks(
            several && !models.iter().all(ordered) && !self.head.eval.is_ours(),
            "which model is the cheapest",
        );
        Origin {
            models,
            sampling: Sampling {
                temperature: sampled.temperature.unwrap_or(Sampling::UNKNOWN.temperature),
                top_p: sampled.top_p.unwrap_or(Sampling::UNKNOWN.top_p),
                ..Sampling::UNKNOWN
            },
            probabilities: self.cast.probabilities,
            repetition: sample.epoch.unwrap_or(1),
            repetition_kind: RepetitionKind::Repetition,
            graded_by: Some(NAME.to_owned()),
            not_held,
            ..Origin::default()
        }
    }
}

/// The models as a person orders them, then the others.
fn ordered(models: &[String], options: &Options) -> Vec<String> {
    let named = options.models.iter().filter(|name| models.contains(name));
    let others = models.iter().filter(|name| !options.models.contains(name));
    named.chain(others).cloned().collect()
}

/// What the calls of a sample tell of their tokens.
fn written(calls: Vec<(Range<usize>, &Segment<'_>)>, notes: &mut Vec<String>) -> Vec<Written> {
    let mut written = Vec::new();
    let mut why_not: BTreeMap<&str, usize> = BTreeMap::new();
    for (steps, segment) in calls {
        let output = segment.call.and_then(|call| call.output.as_ref());
        let Some(choice) = output.and_then(|output| output.choices.first()) else {
            continue;
        };
        match probabilities::written(&choice.logprobs, steps, &segment.wrote) {
            Ok(found) => written.extend(found),
            Err(reason) => *why_not.entry(reason).or_insert(0) += 1,
        }
    }
    notes.extend(why_not.into_iter().map(|(reason, count)| {
        format!("what {count} calls tell of their tokens was left out: {reason}")
    }));
    written
}

fn question(sample: &Sample, attachments: &Attachments, missing: &mut usize) -> String {
    let of_user = |messages: &[Message], missing: &mut usize| {
        let asked = messages.iter().filter(|message| message.role == "user");
        let texts: Vec<String> = asked
            .map(|message| text_of(message, attachments, missing))
            .collect();
        texts.join("\n\n")
    };
    let asked = match &sample.input {
        Input::Text(text) => resolve(text, attachments, missing),
        Input::Messages(messages) => of_user(messages, missing),
    };
    if !asked.trim().is_empty() {
        return asked;
    }
    // What the first call was asked, where that is all there is.
    let Some(call) = sample.events.calls.first() else {
        return String::new();
    };
    match call.input.is_empty() {
        false => of_user(&call.input, missing),
        true => {
            let pool = &sample.events_data.messages;
            let ranges = call.input_refs.iter();
            let pooled = ranges.filter_map(|&(start, end)| pool.get(start..end.min(pool.len())));
            let messages: Vec<Message> = pooled.flatten().cloned().collect();
            of_user(&messages, missing)
        }
    }
}

/// The target; of several the first.
fn gold(target: &Value) -> Option<String> {
    match target {
        Value::Array(targets) => targets.first().and_then(text::scalar),
        target => text::scalar(target),
    }
    .filter(|gold| !gold.is_empty())
}

/// The score that says most: one that is a verdict before others.
fn best(scores: &BTreeMap<String, Score>) -> Option<(&String, &Score)> {
    let is_verdict = |score: &Score| verdict(&score.value).is_some();
    let found = scores.iter().find(|(_, score)| is_verdict(score));
    found.or_else(|| scores.iter().next())
}

/// What a value says: `C` and `I`, or as [`text::verdict`] has it.
fn verdict(value: &Value) -> Option<Verdict> {
    match value.as_str() {
        // No answer is a wrong one.
        Some("I" | "N") => Some(Verdict::Wrong),
        Some("C") => Some(Verdict::Correct),
        Some(word) => match word.to_ascii_lowercase().as_str() {
            "yes" | "true" | "1" | "1.0" => Some(Verdict::Correct),
            "no" | "false" | "0" | "0.0" => Some(Verdict::Wrong),
            _ => None,
        },
        None => text::verdict(value),
    }
}

fn grade(name: Option<&str>, score: Option<&Score>) -> Grade {
    let Some((name, score)) = name.zip(score) else {
        return Grade::ungraded("none", "the sample was not scored");
    };
    let why_not = match &score.value {
        Value::Null => format!("`{name}` has no value that is a number"),
        Value::String(word) if word == "P" => format!("`{name}` is P: partly right"),
        value => format!("`{name}` is {value}: neither right nor wrong"),
    };
    Grade {
        extracted: text::scalar(&score.answer),
        ..text::given(verdict(&score.value), name, &why_not)
    }
}

fn notes(
    sample: &Sample,
    talk: &Conversation<'_>,
    scored_by: Option<&String>,
    missing: usize,
) -> Vec<String> {
    let mut notes = Vec::new();
    let others = sample
        .scores
        .iter()
        .filter(|(name, _)| Some(*name) != scored_by);
    let others: Vec<String> = others
        .map(|(name, score)| format!("{name} = {}", score.value))
        .collect();
    if !others.is_empty() {
        notes.push(format!("other scores: {}", others.join(", ")));
    }
    let mut count = |count: usize, what: &str| {
        if count > 0 {
            notes.push(format!("{count} {what}"));
        }
    };
    count(
        talk.tool_calls,
        "calls of tools are no steps and were left out",
    );
    count(missing, "attachments are referred to and not there");
    count(sample.events.broken, "events could not be read");
    count(
        sample.events.intermediate,
        "scores on the way were left out",
    );
    if let Value::Array(targets) = &sample.target
        && targets.len() > 1
    {
        let more = targets.len() - 1;
        notes.push(format!(
            "{more} more targets were left out: the first is the gold answer"
        ));
    }
    notes
}

fn ending(sample: &Sample, notes: &mut Vec<String>) -> TrajectoryEnd {
    if !sample.error.is_null() {
        return TrajectoryEnd::Error;
    }
    let Some(limit) = &sample.limit else {
        return TrajectoryEnd::Finished;
    };
    match limit.kind.as_str() {
        "context" => TrajectoryEnd::Context,
        kind => {
            notes.push(format!(
                "stopped by its limit of {kind}: truncated, told as `step-cap`"
            ));
            TrajectoryEnd::StepCap
        }
    }
}

/// What an error says, whether a text or an object with a message.
fn told(error: &Value) -> Option<String> {
    let message = error.as_str().or_else(|| error.get("message")?.as_str());
    match (message, error) {
        (Some(message), _) => Some(message.to_owned()),
        (None, Value::Null) => None,
        (None, other) => Some(other.to_string()),
    }
}

/// A call that gave nothing of the conversation.
fn attempt(call: &Call) -> Attempt {
    let output = call.output.as_ref();
    let failed = told(&call.error).or_else(|| told(&output?.error));
    let choice = output.and_then(|output| output.choices.first());
    let tools = choice.is_some_and(|choice| !choice.message.tool_calls.is_empty());
    Attempt {
        role: Role::Step,
        usage: output
            .and_then(|output| output.usage)
            .map(usage)
            .unwrap_or_default(),
        failure: failed.unwrap_or_else(|| match tools {
            true => "it called a tool".to_owned(),
            false => "its text is not in the final conversation".to_owned(),
        }),
        estimated: false,
    }
}
