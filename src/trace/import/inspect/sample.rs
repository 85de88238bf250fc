//! A sample as a trajectory.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value;

use crate::problem::Problem;
use crate::problem::answer::{Grade, Verdict};
use crate::trace::import::trajectory::{
    Conclusion, Origin, RepetitionKind, Scored, Step, Trajectory,
};
use crate::trace::import::{Options, text};
use crate::trace::record::{self, Attempt, GRADER, Role, Sampling, StepEnd, TrajectoryEnd};

use super::conversation::{Attachments, Conversation, Segment, conversation, resolve, text_of};
use super::schema::{Call, Head, Input, Message, Sample, Score, Usage};

const NAME: &str = "inspect";
/// Most characters that are kept of a scorer's explanation.
const EXPLAINED: usize = 1000;

/// Makes trajectories of the samples of one log.
pub(super) struct Maker<'a> {
    options: &'a Options,
    head: Head,
    models: Vec<String>,
}

impl<'a> Maker<'a> {
    pub(super) fn new(head: Head, options: &'a Options) -> Self {
        Self {
            models: models(&head, options),
            options,
            head,
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
        for segment in &talk.segments {
            self.add(&mut steps, segment, sample);
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
        usage_of_whole(sample, &mut steps, &mut notes);
        let about = &sample.metadata;
        Ok(Trajectory {
            origin: self.origin(sample, &steps),
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
            notes,
        })
    }

    /// What stands between two steps of a message; nothing does where our own
    /// export wrote it, which has a message a step.
    fn separator(&self) -> &str {
        match self.is_ours() {
            true => "",
            false => &self.options.separator,
        }
    }

    /// Whether our own export wrote the log.
    fn is_ours(&self) -> bool {
        !self.head.eval.metadata.route.pool.is_empty()
    }

    /// Adds the steps of a segment. What its call took stands with the first
    /// of them: nobody knows how much of it each step took.
    fn add(&self, steps: &mut Vec<Step>, segment: &Segment<'_>, sample: &Sample) {
        let by_sample = sample.output.as_ref().map(|output| output.model.as_str());
        let model = segment
            .model
            .or(by_sample.filter(|name| !name.is_empty()))
            .or(Some(self.head.eval.model.as_str()).filter(|name| !name.is_empty()))
            .unwrap_or(text::UNKNOWN);
        let first = text::append(steps, model, &segment.text, self.separator());
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

    fn origin(&self, sample: &Sample, steps: &[Step]) -> Origin {
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
        // Those that wrote a step though the log does not say who there was.
        let mut models = self.models.clone();
        for step in steps {
            if !models.contains(&step.model) {
                models.push(step.model.clone());
            }
        }
        let several = models.len() > 1;
        lacks(several, "what chose the models");
        lacks(
            several && self.options.models.is_empty() && !self.is_ours(),
            "which model is the cheapest",
        );
        Origin {
            models,
            sampling: Sampling {
                temperature: sampled.temperature.unwrap_or(Sampling::UNKNOWN.temperature),
                top_p: sampled.top_p.unwrap_or(Sampling::UNKNOWN.top_p),
                ..Sampling::UNKNOWN
            },
            repetition: sample.epoch.unwrap_or(1),
            repetition_kind: RepetitionKind::Repetition,
            graded_by: Some(NAME.to_owned()),
            not_held,
            ..Origin::default()
        }
    }
}

/// The models of a log, without those that score: as a person orders them, as
/// our own export does, or as the log names them.
fn models(head: &Head, options: &Options) -> Vec<String> {
    for ordered in [&options.models, &head.eval.metadata.route.pool] {
        if !ordered.is_empty() {
            return ordered.clone();
        }
    }
    let name = |value: &Value| {
        let named = value.as_str().or_else(|| value.get("model")?.as_str());
        named.map(str::to_owned)
    };
    let roles = head.eval.model_roles.iter();
    let others = roles.filter(|(role, _)| *role != "grader");
    let others = others.filter_map(|(_, value)| name(value));
    let mut models: Vec<String> = Vec::new();
    for model in [head.eval.model.clone()].into_iter().chain(others) {
        if !model.is_empty() && !models.contains(&model) {
            models.push(model);
        }
    }
    models
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

/// Where no call is known, what the sample says all of them took, if one model
/// made them all.
fn usage_of_whole(sample: &Sample, steps: &mut [Step], notes: &mut Vec<String>) {
    if !sample.events.calls.is_empty() || sample.model_usage.is_empty() {
        return;
    }
    let mut models = sample.model_usage.iter();
    let writer = steps.first().map(|step| step.model.clone());
    match (models.next(), models.next()) {
        (Some((model, used)), None) if Some(model) == writer.as_ref() => {
            if let Some(step) = steps.first_mut() {
                step.usage = usage(*used);
                step.end_note = Some("tokens are of the whole sample".to_owned());
            }
        }
        _ => {
            let all = sample.model_usage.iter().map(|(model, used)| {
                let tokens = |count: Option<u64>| count.map_or("?".to_owned(), |n| n.to_string());
                let (read, wrote) = (tokens(used.input_tokens), tokens(used.output_tokens));
                format!("{model} read {read} tokens and wrote {wrote}")
            });
            notes.push(all.collect::<Vec<_>>().join("; "));
        }
    }
}

/// Tokens as this log counts them: those read from the cache are among those
/// of the prompt, those of reasoning among those written. Providers do it
/// either way; the total says which.
fn usage(used: Usage) -> record::Usage {
    let count = |count: Option<u64>| count.unwrap_or(0);
    let (input, output) = (count(used.input_tokens), count(used.output_tokens));
    let cache =
        count(used.input_tokens_cache_read).saturating_add(count(used.input_tokens_cache_write));
    let reasoning = count(used.reasoning_tokens);
    let sum = input.saturating_add(output);
    let beside = |what: u64| what > 0 && used.total_tokens == Some(sum.saturating_add(what));
    let both = cache.saturating_add(reasoning);
    let (with_cache, with_reasoning) = match (beside(cache), beside(reasoning)) {
        (true, _) => (cache, 0),
        (_, true) => (0, reasoning),
        _ if beside(both) => (cache, reasoning),
        _ => (0, 0),
    };
    record::Usage {
        prompt: input.saturating_add(with_cache),
        cached: used.input_tokens_cache_read,
        cache_write: count(used.input_tokens_cache_write),
        output: output.saturating_add(with_reasoning),
        reported: used
            .total_cost
            .and_then(|cost| Decimal::try_from(cost).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_counted_once() {
        let of = |input, output, total, read, write, reasoning| {
            let some = |count: u64| (count > 0).then_some(count);
            let counted = usage(Usage {
                input_tokens: Some(input),
                output_tokens: Some(output),
                total_tokens: Some(total),
                input_tokens_cache_read: some(read),
                input_tokens_cache_write: some(write),
                reasoning_tokens: some(reasoning),
                total_cost: None,
            });
            (counted.prompt, counted.cached, counted.output)
        };
        // Cached and reasoning tokens among the others, as most count them.
        assert_eq!(of(100, 20, 120, 80, 0, 15), (100, Some(80), 20));
        // Cached ones beside them.
        assert_eq!(of(20, 20, 120, 70, 10, 0), (100, Some(70), 20));
        // Reasoning beside what was said.
        assert_eq!(of(100, 20, 135, 0, 0, 15), (100, None, 35));
        assert_eq!(of(20, 20, 135, 70, 10, 15), (100, Some(70), 35));
        let unknown = usage(Usage::default());
        assert!(unknown.is_nothing() && unknown.cached.is_none());
    }
}
