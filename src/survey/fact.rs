//! What a record says, without its texts and tokens.

use std::fmt;

use compact_str::CompactString;
use serde::de::{IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer};

use crate::problem::answer::Verdict;
use crate::trace::index::Kind;
use crate::trace::record::{
    Confidence, Continuation, CostFacts, LabelRecord, ProblemRecord, Purpose, Record, RunRecord,
    StepEnd, TrajectoryEnd, Usage,
};

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    Run(Box<RunRecord>),
    Problem(Box<ProblemRecord>),
    Step(Box<StepFact>),
    Decision(Box<DecisionFact>),
    Score(ScoreFact),
    Outcome(Box<OutcomeFact>),
    Label(LabelFact),
}

/// The id of a step or decision as a number: its sixteen hexadecimal digits,
/// or a hash of an id of another form. Never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Id(pub u64);

impl Id {
    pub fn of(text: &str) -> Self {
        let digits = (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok());
        let number = digits.flatten().unwrap_or_else(|| hash(text));
        Self(number.max(1))
    }
}

/// The id of a step or decision as a survey keeps it.
pub fn step_key(id: &str) -> u64 {
    Id::of(id).0
}

/// FNV-1a: stable over runs and machines.
pub(super) fn hash(text: &str) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        CompactString::deserialize(deserializer).map(|text| Self::of(&text))
    }
}

/// What a text is, without the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextHash(pub u64);

impl<'de> Deserialize<'de> for TextHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Hashed;
        impl Visitor<'_> for Hashed {
            type Value = TextHash;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E>(self, text: &str) -> Result<TextHash, E> {
                Ok(TextHash(hash(text)))
            }
        }
        deserializer.deserialize_str(Hashed)
    }
}

/// Names what stands up to a step, whatever run it was written in: the writers
/// and texts, as a chain. `before` names what stands before it.
pub(super) fn content(before: u64, model: &str, text: TextHash) -> u64 {
    let mix = |hash: u64, part: u64| {
        let mixed = (hash ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    };
    mix(mix(mix(1, before), hash(model)), text.0)
}

/// A step.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct StepFact {
    pub(super) run: CompactString,
    pub(super) id: Id,
    pub(super) parent: Option<Id>,
    pub(super) problem: CompactString,
    pub(super) index: u32,
    pub(super) model: CompactString,
    pub(super) text: TextHash,
    pub(super) purpose: Purpose,
    pub(super) kept: bool,
    #[serde(default)]
    pub(super) decision: Option<Id>,
    pub(super) confidence: Confidence,
    pub(super) usage: Usage,
    pub(super) end: StepEnd,
    pub(super) continuation: Continuation,
    pub(super) seed: u64,
    pub(super) seconds: f64,
    #[serde(default)]
    pub(super) at: CompactString,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DecisionFact {
    pub(super) run: CompactString,
    pub(super) id: Id,
    pub(super) problem: CompactString,
    pub(super) after: Option<Id>,
    pub(super) observation: Observed,
    #[serde(default)]
    pub(super) probabilities: Vec<f64>,
    pub(super) threshold: Option<f64>,
    pub(super) action_set: Vec<CompactString>,
    pub(super) action: CompactString,
    pub(super) propensity: f64,
    #[serde(default)]
    pub(super) draft: Option<Id>,
    #[serde(default, rename = "override")]
    pub(super) overridden: Option<IgnoredAny>,
    #[serde(default)]
    pub(super) rollout: bool,
    #[serde(default)]
    pub(super) router: CompactString,
}

/// What no other record says of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Observed {
    #[serde(default)]
    pub(super) has_answer: Option<f64>,
}

/// A score of a step.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ScoreFact {
    pub(super) run: CompactString,
    #[serde(default)]
    pub(super) step: Option<Id>,
    pub(super) problem: CompactString,
    pub(super) scorer: CompactString,
    pub(super) value: Option<f64>,
}

/// An outcome.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct OutcomeFact {
    pub(super) run: CompactString,
    pub(super) problem: CompactString,
    pub(super) leaf: Option<Id>,
    pub(super) answer: Option<Box<str>>,
    pub(super) verdict: Verdict,
    pub(super) rule: CompactString,
    pub(super) cost: CostFacts,
    pub(super) end: TrajectoryEnd,
    #[serde(default)]
    pub(super) steps: u32,
}

/// A person's label of a step.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LabelFact {
    pub(super) run: CompactString,
    pub(super) step: Id,
    pub(super) problem: CompactString,
    pub(super) who: CompactString,
    pub(super) label: CompactString,
    #[serde(default)]
    pub(super) when: CompactString,
}

impl LabelFact {
    pub(super) fn of(label: &LabelRecord) -> Self {
        Self {
            run: label.run.as_str().into(),
            step: Id::of(&label.step),
            problem: label.problem.as_str().into(),
            who: label.who.as_str().into(),
            label: label.label.as_str().into(),
            when: label.when.as_str().into(),
        }
    }
}

impl Fact {
    /// Reads a line of the log; `None` for notes and for what is no record.
    pub fn read(kind: Kind, content: &[u8]) -> Option<Self> {
        fn of<'a, T: Deserialize<'a>>(content: &'a [u8]) -> Option<T> {
            serde_json::from_slice(content).ok()
        }
        match kind {
            Kind::Run => of(content).map(Self::Run),
            Kind::Problem => of(content).map(Self::Problem),
            Kind::Step => of(content).map(Self::Step),
            Kind::Decision => of(content).map(Self::Decision),
            Kind::Score => of(content).map(Self::Score),
            Kind::Outcome => of(content).map(Self::Outcome),
            Kind::Label => of(content).map(Self::Label),
            Kind::Note => None,
        }
    }

    /// When it was so, as the log writes it: of a run when it began. `None`
    /// where its record does not say.
    pub fn at(&self) -> Option<&str> {
        let at = match self {
            Self::Run(head) => head.started.as_str(),
            Self::Step(step) => &step.at,
            Self::Label(label) => &label.when,
            _ => "",
        };
        (!at.is_empty()).then_some(at)
    }

    /// What a person said.
    pub fn of_label(label: &LabelRecord) -> Self {
        Self::Label(LabelFact::of(label))
    }

    /// What a record of a live run says.
    pub fn of(record: &Record) -> Option<Self> {
        Some(match record {
            Record::Run(head) => Self::Run(head.clone()),
            Record::Problem(problem) => Self::Problem(Box::new(problem.clone())),
            Record::Step(step) => Self::Step(Box::new(StepFact {
                run: step.run.as_str().into(),
                id: Id::of(&step.id),
                parent: step.parent.as_deref().map(Id::of),
                problem: step.problem.as_str().into(),
                index: step.index,
                model: step.model.as_str().into(),
                text: TextHash(hash(&step.text)),
                purpose: step.purpose,
                kept: step.kept,
                decision: step.decision.as_deref().map(Id::of),
                confidence: step.confidence.clone(),
                usage: step.usage,
                end: step.end,
                continuation: step.continuation,
                seed: step.seed,
                seconds: step.seconds,
                at: step.at.as_str().into(),
            })),
            Record::Decision(made) => Self::Decision(Box::new(DecisionFact {
                run: made.run.as_str().into(),
                id: Id::of(&made.id),
                problem: made.problem.as_str().into(),
                after: made.after.as_deref().map(Id::of),
                observation: Observed {
                    has_answer: made.observation.get("has_answer").copied().flatten(),
                },
                probabilities: made.probabilities.clone(),
                threshold: made.threshold,
                action_set: made.action_set.iter().map(Into::into).collect(),
                action: made.action.as_str().into(),
                propensity: made.propensity,
                draft: made.draft.as_deref().map(Id::of),
                overridden: made.overridden.as_ref().map(|_| IgnoredAny),
                rollout: made.rollout,
                router: made.router.as_str().into(),
            })),
            Record::Score(score) => Self::Score(ScoreFact {
                run: score.run.as_str().into(),
                step: score.step.as_deref().map(Id::of),
                problem: score.problem.as_str().into(),
                scorer: score.scorer.as_str().into(),
                value: score.value,
            }),
            Record::Outcome(outcome) => Self::Outcome(Box::new(OutcomeFact {
                run: outcome.run.as_str().into(),
                problem: outcome.problem.as_str().into(),
                leaf: outcome.leaf.as_deref().map(Id::of),
                answer: outcome.answer.as_deref().map(Into::into),
                verdict: outcome.verdict,
                rule: outcome.rule.as_str().into(),
                cost: outcome.cost.clone(),
                end: outcome.end,
                steps: outcome.steps,
            })),
            Record::Label(label) => Self::of_label(label),
            Record::Note(_) => return None,
        })
    }
}
