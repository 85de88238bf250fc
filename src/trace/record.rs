//! The records of the log, one JSON object a line, told apart by `record`.
//!
//! Readers ignore fields they do not know, so fields may be added within
//! [`FORMAT`]; removing or changing the meaning of one raises it.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::problem::answer::{Forms, Grade, Verdict};
use crate::problem::shard::Shard;

mod call;
mod pool;

pub use call::{Attempt, Confidence, Role, Token, TopLogit, TopToken, Usage, ValueKind};
pub use pool::shared_beginning;

/// The log format written by this version.
pub const FORMAT: u32 = 1;

/// What ends a step.
pub const DELIMITER: &str = "\n\n";

/// Content hash of a step: 16 hexadecimal digits.
pub type StepId = String;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "lowercase")]
pub enum Record {
    Run(Box<RunRecord>),
    Problem(ProblemRecord),
    Step(Arc<StepRecord>),
    Score(ScoreRecord),
    Decision(Arc<DecisionRecord>),
    Outcome(Box<OutcomeRecord>),
    Label(LabelRecord),
    Note(NoteRecord),
}

/// The head of a run: everything needed to know what produced the records
/// that carry its `run` id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    pub format: u32,
    /// Id of the run: a hash over the run key and the start time.
    pub run: String,
    /// Hash over every parameter that shapes the results (router with all its
    /// parameters and files, pool, sampling, seed): two runs share results
    /// only if their keys agree.
    pub key: String,
    /// RFC 3339, UTC.
    pub started: String,
    /// Version of pointsman.
    pub version: String,
    /// The command that made the run: `inspect`, `solve` …
    pub command: String,
    pub router: RouterFacts,
    pub pool: Vec<ModelFacts>,
    pub sampling: Sampling,
    pub seed: u64,
    /// Which confidence the router saw: `logit` or `prob`.
    pub signal: String,
    /// Unit of every cost in this run: `flops` or a currency code; `None`
    /// where neither parameters nor prices are known for the whole pool.
    #[serde(default)]
    pub cost_unit: Option<String>,
    #[serde(default)]
    pub dataset: Option<DatasetFacts>,
    /// The part of the problems that the run is of; `None` where it is of all.
    /// Shards share the key of the run, and each has an id of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// Who says how a trajectory came out, where more than the rules do:
    /// `llm` or `rules-then-llm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grading: Option<String>,
    /// The models that score instead of writing steps, by role: `prm`, `judge`
    /// or `query` where the router asks one, `grader` where one is asked,
    /// `verifier` where the pool names one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scorers: BTreeMap<String, ModelFacts>,
}

/// A router with all its parameters, as the log keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouterFacts {
    /// The full spec, as the router-spec parser reads it.
    pub spec: String,
    pub name: String,
    /// Every parameter, defaults included.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// SHA-256 of every file the router was made from, by path.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

/// A model of the pool as the log keeps it. Never holds a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelFacts {
    pub name: String,
    pub server: String,
    /// The name the server knows the model by.
    #[serde(default)]
    pub model: Option<String>,
    /// Number of parameters N, for FLOPs `2·N` a token.
    #[serde(default)]
    pub params: Option<f64>,
    #[serde(default)]
    pub price: Option<PriceFacts>,
    #[serde(default)]
    pub template: Option<String>,
    /// SHA-256 of the template where it is a file: its path says nothing of
    /// what it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_sha256: Option<String>,
    /// How the model is made to go on from a partial answer, where the pool says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continuation: Option<Continuation>,
    /// Context length in tokens, where the pool says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<u32>,
    /// What the pool adds to the body of every request for a step.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub extra: serde_json::Map<String, serde_json::Value>,
    /// Hash of the weights, where the model runs in the program's process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
}

impl ModelFacts {
    /// A model of which no more is known than its name and the kind of its
    /// server.
    pub fn new(name: impl Into<String>, server: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            server: server.into(),
            model: None,
            params: None,
            price: None,
            template: None,
            template_sha256: None,
            continuation: None,
            context: None,
            extra: serde_json::Map::new(),
            weights: None,
        }
    }
}

/// Price of a model in currency per `per` tokens, as decimal strings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceFacts {
    pub input: Decimal,
    /// Of prompt tokens read from the cache. Defaults to `input`.
    #[serde(default)]
    pub cached_input: Option<Decimal>,
    /// Of prompt tokens written to the cache. Defaults to `input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Decimal>,
    pub output: Decimal,
    pub currency: String,
    pub per: Decimal,
    #[serde(default)]
    pub as_of: Option<String>,
}

/// Sampling parameters of one step and the limits of a trajectory.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 is greedy.
    pub temperature: f64,
    pub top_p: f64,
    /// Most tokens in one step.
    pub max_tokens: u32,
    /// Most steps in one trajectory.
    pub max_steps: u32,
}

impl Sampling {
    /// Of runs whose source does not say how it sampled: no run of ours allows
    /// a step no tokens.
    pub const UNKNOWN: Self = Self {
        temperature: 0.0,
        top_p: 1.0,
        max_tokens: 0,
        max_steps: 0,
    };

    /// Whether it is known in full.
    pub fn is_known(&self) -> bool {
        self.max_tokens > 0
    }
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.7,
            top_p: 1.0,
            max_tokens: 512,
            max_steps: 40,
        }
    }
}

/// Where the problems came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetFacts {
    /// File name without its folder.
    pub name: String,
    pub sha256: String,
    pub problems: usize,
}

/// A problem, written once before its first step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProblemRecord {
    pub run: String,
    #[serde(flatten)]
    pub problem: Problem,
}

/// Why a step was generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    Step,
    Draft,
    Regenerated,
    Reference,
}

impl Purpose {
    /// As the log writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Draft => "draft",
            Self::Regenerated => "regenerated",
            Self::Reference => "reference",
        }
    }
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepEnd {
    /// At the step delimiter `"\n\n"`.
    Delimiter,
    /// At the end of the sequence: the trajectory is over.
    Eos,
    /// At the token limit: the step is cut off.
    Length,
    /// The model had nothing to add.
    Empty,
    Error,
}

impl StepEnd {
    /// As the log writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delimiter => "delimiter",
            Self::Eos => "eos",
            Self::Length => "length",
            Self::Empty => "empty",
            Self::Error => "error",
        }
    }
}

/// How the model was made to go on from the partial answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Continuation {
    /// The prompt held the partial answer byte for byte.
    Exact,
    /// A chat route was talked into going on.
    Emulated,
    /// A person wrote the step.
    Edited,
}

/// One step of a trajectory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    pub run: String,
    pub id: StepId,
    /// The step before it; `None` for the first of a trajectory.
    pub parent: Option<StepId>,
    pub problem: String,
    /// 1-based position t in the trajectory.
    pub index: u32,
    /// Name of the model that wrote it (of the pool), or `person`.
    pub model: String,
    /// The text without its delimiter.
    pub text: String,
    pub purpose: Purpose,
    /// False for a rejected draft.
    pub kept: bool,
    /// Id of the decision that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    #[serde(default)]
    pub tokens: Vec<Token>,
    pub confidence: Confidence,
    pub usage: Usage,
    /// Attempts before the one that gave the step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    pub end: StepEnd,
    /// What stopped generation where the end had to be inferred, or a remark
    /// such as `retried once: empty step`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_note: Option<String>,
    pub continuation: Continuation,
    pub seed: u64,
    pub seconds: f64,
    /// RFC 3339, UTC.
    #[serde(default)]
    pub at: String,
}

/// Who wrote a step in place of a model.
pub const PERSON: &str = "person";

/// The scorer that judges whole trajectories by their answers: the score
/// stands at the leaf and says nothing of that step.
pub const GRADER: &str = "grader";

/// The scorer that judges single steps.
pub const VERIFIER: &str = "verifier";

/// The scorer that judges single steps exactly, given what stands before them:
/// no model, and only for problems whose language it knows.
pub const CHECKER: &str = "checker";

/// The scorer of a process-reward model, from 0 to 1.
pub const PRM: &str = "prm";

/// The scorer that judges single steps from 0 to 9.
pub const JUDGE: &str = "judge";

/// The model of a query router: its score is of the question.
pub const QUERY: &str = "query";

/// Who decides where a model had nothing to add: the session, not the router.
pub const EMPTY_STEP: &str = "empty-step";

/// Who decides where a step was filtered: the session, not the router.
pub const FILTERED: &str = "filtered";

/// A score given to a step by a PRM, a judge, a verifier or a checker, or to
/// the trajectory that ends with it by a grader.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreRecord {
    pub run: String,
    /// The step; `None` for a score of the question.
    #[serde(default)]
    pub step: Option<StepId>,
    pub problem: String,
    /// `prm`, `judge`, `verifier`, `grader`, `checker` or `query`.
    pub scorer: String,
    /// Name of the model that was asked; `None` in logs of earlier versions
    /// and for scorers that are no model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Of a verifier, a checker or a grader 1 for correct, 0 for incorrect;
    /// `None` where the reply held no verdict or the call failed.
    pub value: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Of all calls that gave the reply.
    #[serde(default)]
    pub usage: Usage,
    /// Calls that gave none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// What it cost in the run's unit; `None` in logs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostFacts>,
}

/// A person's choice in place of the router's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    pub who: String,
    /// RFC 3339, UTC.
    pub when: String,
    /// The model the router had wanted.
    pub wanted: String,
}

/// A routing decision: who writes the step after `after`. Of a decision on a
/// draft (`draft`): whether it stands or who writes the step again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    pub run: String,
    pub id: String,
    pub problem: String,
    /// `None` for the first step, which the cheapest model drafts.
    pub after: Option<StepId>,
    pub router: String,
    /// Named features o_t; a missing value is `null`, never 0.
    pub observation: BTreeMap<String, Option<f64>>,
    /// π(a|o) by model, in pool order; empty where the rule has none.
    #[serde(default)]
    pub probabilities: Vec<f64>,
    /// κ, t … of the rule.
    pub threshold: Option<f64>,
    /// Models whose probability reaches the threshold, in pool order.
    pub action_set: Vec<String>,
    /// The model that writes the next step.
    pub action: String,
    pub reason: String,
    /// Probability with which this action was drawn (1 for a deterministic rule).
    pub propensity: f64,
    /// The draft that was ruled on, for rules that look at drafts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<StepId>,
    #[serde(default, rename = "override", skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Override>,
    /// True where a rollout begins: neither the router nor a person chose, a
    /// model was to write only to see what it leads to. `router` is
    /// [`ROLLOUT`] then and the propensity 0. Nothing that asks what was
    /// decided at this step looks at it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rollout: bool,
}

/// What stands in place of a router where a rollout begins.
pub const ROLLOUT: &str = "rollout";

/// Both ledgers of a trajectory in the run's cost unit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CostFacts {
    /// As the papers count: output tokens of the steps only.
    pub published: Option<f64>,
    /// Everything that was paid for.
    pub full: Option<f64>,
    /// True where an unknown cached count was billed as uncached.
    #[serde(default)]
    pub upper_bound: bool,
    /// True where calls were cut off and their usage is an estimate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

/// Why a trajectory ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrajectoryEnd {
    /// A step gave a final answer or the model ended the sequence.
    Finished,
    /// The step cap was reached: truncated.
    StepCap,
    /// The model kept repeating a step: truncated.
    Repetition,
    /// Two empty steps in a row: truncated.
    Empty,
    /// The context was full: truncated.
    Context,
    /// An endpoint failed for good.
    Error,
}

impl TrajectoryEnd {
    /// As the log writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::StepCap => "step-cap",
            Self::Repetition => "repetition",
            Self::Empty => "empty",
            Self::Context => "context",
            Self::Error => "error",
        }
    }
}

/// Where an outcome comes from that was given to a recorded trajectory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Regraded {
    /// RFC 3339, UTC.
    pub when: String,
    /// Version of pointsman.
    pub version: String,
    /// The outcome that stood before; its record is kept.
    pub replaces: Replaced,
}

/// What an earlier outcome said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    pub grader: String,
    pub verdict: Verdict,
    pub rule: String,
}

/// How a trajectory came out. Of one leaf the last outcome holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutcomeRecord {
    pub run: String,
    pub problem: String,
    /// Last step of the trajectory; `None` where there is none.
    pub leaf: Option<StepId>,
    pub answer: Option<String>,
    pub gold: Option<String>,
    pub verdict: Verdict,
    pub grader: String,
    pub rule: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The rule that found the answer in the text, e.g. `boxed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extraction: Option<String>,
    /// Both answers in the form in which they were compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forms: Option<Forms>,
    pub steps: u32,
    pub cost: CostFacts,
    pub end: TrajectoryEnd,
    /// Steps by model name.
    #[serde(default)]
    pub steps_by_model: BTreeMap<String, u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Set where the recorded trajectory was graded again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regraded: Option<Regraded>,
    /// True where it is of a rollout: it says nothing of how the problem came
    /// out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rollout: bool,
}

impl OutcomeRecord {
    /// Puts what `grader` found in place of what the outcome said.
    pub fn set_grade(&mut self, grade: Grade, grader: &str) {
        self.answer = grade.extracted;
        self.verdict = grade.verdict;
        self.rule = grade.rule;
        self.reason = grade.reason;
        self.extraction = grade.extraction;
        self.forms = grade.forms;
        grader.clone_into(&mut self.grader);
    }
}

/// A person's label of a step, in the log or in its [side file](super::side).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelRecord {
    pub run: String,
    pub step: StepId,
    pub problem: String,
    pub who: String,
    /// RFC 3339, UTC.
    pub when: String,
    /// A word of [`Label`](super::label::Label).
    pub label: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Anything else worth keeping: a resume, a warning, a remark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoteRecord {
    pub run: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    pub when: String,
    pub kind: String,
    pub text: String,
}

#[cfg(test)]
mod tests;
