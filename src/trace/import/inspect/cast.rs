//! The models of a log: those that wrote something of its conversations.
//!
//! A log is one run (of each epoch), whichever of its models wrote a sample:
//! they are to be known before the first sample is. Its head says them where
//! it says that one model alone was asked; the samples of other logs are looked
//! through first.
//!
//! Messages name models as servers do (`gpt-4o-2024-08-06`), calls as they were
//! asked for (`openai/gpt-4o`): the latter is the name here.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use serde_json::Value;

use crate::trace::import::text;

use super::Visit;
use super::conversation::{Attachments, Segment, conversation};
use super::schema::{Head, Sample};

/// The model of evaluations that have none, but for those that solvers ask.
const NO_MODEL: &str = "none/none";
/// The role of models that score answers.
const GRADER: &str = "grader";

/// Who wrote in a log.
#[derive(Debug, Clone, Default)]
pub(super) struct Cast {
    /// In the order of the head, then as they came.
    pub models: Vec<String>,
    /// Whether probabilities of tokens are told.
    pub probabilities: bool,
    /// The model that was asked, by what servers call it.
    served: BTreeMap<String, String>,
    /// The evaluation's own model, if it has one.
    own: Option<String>,
}

/// What is known of who wrote a segment that no call is known of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Hint {
    /// As the message has it, or the sample's output.
    told: Option<String>,
    /// The one model that the sample took tokens of.
    only: Option<String>,
    /// Whether the sample holds calls at all.
    calls: bool,
}

impl Hint {
    fn of(segment: &Segment<'_>, sample: &Sample) -> Self {
        let of_output = sample.output.as_ref().map(|output| output.model.as_str());
        let told = segment.model.or(of_output).filter(|name| !name.is_empty());
        let mut used = sample.model_usage.keys();
        let only = used.next().filter(|_| used.next().is_none());
        Self {
            told: told.map(str::to_owned),
            only: only.cloned(),
            calls: !sample.events.calls.is_empty(),
        }
    }
}

impl Cast {
    /// What a head says; `None` where the samples are to be asked.
    fn of_head(head: &Head) -> Option<Self> {
        let eval = &head.eval;
        if eval.is_ours() {
            return Some(Self {
                models: eval.metadata.route.pool.clone(),
                probabilities: eval.task_args.names_signal(),
                ..Self::default()
            });
        }
        let own = own(head)?;
        let asked = head.stats.model_usage.keys();
        let others = asked.clone().filter(|name| **name != own);
        let graders: Vec<&str> = roles(head, true).collect();
        let alone = others.clone().all(|name| graders.contains(&name.as_str()));
        (alone && asked.clone().any(|name| *name == own)).then(|| Self {
            models: vec![own.clone()],
            probabilities: eval.model_generate_config.logprobs == Some(true),
            own: Some(own),
            ..Self::default()
        })
    }

    /// The model that wrote a segment.
    pub(super) fn writer(&self, segment: &Segment<'_>, sample: &Sample) -> String {
        let called = segment.call.map(|call| call.model.as_str());
        match called.filter(|name| !name.is_empty()) {
            Some(called) => called.to_owned(),
            None => self.guess(&Hint::of(segment, sample)),
        }
    }

    fn guess(&self, hint: &Hint) -> String {
        let only = hint.only.clone().or_else(|| self.own.clone());
        let Some(told) = &hint.told else {
            let own = self.own.clone().or(only);
            return own.unwrap_or_else(|| text::UNKNOWN.to_owned());
        };
        if self.models.contains(told) {
            return told.clone();
        }
        let asked = self.served.get(told).cloned();
        // Where no call says how it was asked, whatever a server called it.
        let asked = asked.or_else(|| only.filter(|_| !hint.calls));
        asked.unwrap_or_else(|| told.clone())
    }
}

/// Looks for those who wrote in a log.
#[derive(Debug, Default)]
pub(super) struct Casting {
    cast: Cast,
    /// The head says it all.
    is_known: bool,
    /// Models of the head, in its order.
    named: Vec<String>,
    hints: BTreeSet<Hint>,
}

impl Casting {
    pub(super) fn finish(self) -> Cast {
        let mut cast = self.cast;
        if self.is_known {
            return cast;
        }
        let found: Vec<String> = self.hints.iter().map(|hint| cast.guess(hint)).collect();
        for model in found {
            add(&mut cast.models, &model);
        }
        let (mut ordered, others): (Vec<String>, Vec<String>) = cast
            .models
            .drain(..)
            .partition(|model| self.named.contains(model));
        ordered.sort_by_key(|model| self.named.iter().position(|named| named == model));
        ordered.extend(others);
        cast.models = ordered;
        cast
    }
}

impl Visit for Casting {
    fn head(&mut self, head: &Head) -> ControlFlow<()> {
        if let Some(known) = Cast::of_head(head) {
            self.cast = known;
            self.is_known = true;
            return ControlFlow::Break(());
        }
        self.cast.own = own(head);
        self.cast.probabilities = head.eval.model_generate_config.logprobs == Some(true);
        self.named = self.cast.own.iter().cloned().collect();
        for model in roles(head, false) {
            add(&mut self.named, model);
        }
        ControlFlow::Continue(())
    }

    fn sample(
        &mut self,
        _: String,
        read: Result<(Sample, Attachments), String>,
    ) -> ControlFlow<()> {
        let Ok((sample, attachments)) = read else {
            return ControlFlow::Continue(());
        };
        for call in &sample.events.calls {
            let Some(output) = call.output.as_ref().filter(|_| !call.model.is_empty()) else {
                continue;
            };
            let by_message = output.choices.iter();
            let by_message = by_message.filter_map(|choice| choice.message.model.as_deref());
            for served in by_message.chain([output.model.as_str()]) {
                if !served.is_empty() && served != call.model {
                    let known = self.cast.served.entry(served.to_owned());
                    known.or_insert_with(|| call.model.clone());
                }
            }
        }
        for segment in conversation(&sample, &attachments).segments {
            match segment.call.filter(|call| !call.model.is_empty()) {
                Some(call) => {
                    self.cast.probabilities |= call.tells_tokens();
                    add(&mut self.cast.models, &call.model);
                }
                None => {
                    self.hints.insert(Hint::of(&segment, &sample));
                }
            }
        }
        ControlFlow::Continue(())
    }
}

fn add(models: &mut Vec<String>, model: &str) {
    if !models.iter().any(|known| known == model) {
        models.push(model.to_owned());
    }
}

/// The model that was evaluated.
fn own(head: &Head) -> Option<String> {
    let own = &head.eval.model;
    (!own.is_empty() && own != NO_MODEL).then(|| own.clone())
}

/// The models that have roles: those that score, or the others.
fn roles(head: &Head, scoring: bool) -> impl Iterator<Item = &str> {
    let roles = head.eval.model_roles.iter();
    let roles = roles.filter(move |(role, _)| (*role == GRADER) == scoring);
    roles.filter_map(|(_, value): (_, &Value)| {
        value.as_str().or_else(|| value.get("model")?.as_str())
    })
}
