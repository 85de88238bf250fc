//! One routing session: the tree of steps of one problem, grown by commands
//! and by what the endpoints answer.
//!
//! A [`Session`] is synchronous and does no I/O: it takes a [`Command`] or an
//! [`Event`] and returns [`Output`]s (records to append, a step to generate, a
//! call to abort), to be performed **in order**, so that each finished step is
//! in the log before the next begins. Inspecting, replaying and solving whole
//! data sets are this one engine with different drivers. A [`forest`] is grown
//! from the same parts, by many calls at a time.
//!
//! ```text
//! Ready ──step──▶ Generating ──reply──▶ measured, committed, decided ──▶ Ready │ Done
//!                  │      └──a draft──▶ Scoring ──score──▶ kept, or Generating again
//!                  └──failed / cancelled──▶ Failed │ Ready
//! ```

mod commit;
mod drive;
mod ending;
mod filtered;
pub mod forest;
mod labels;
mod machine;
mod navigate;
mod opinions;
mod review;
mod rollouts;
mod seed;
mod settings;
mod stops;

#[cfg(test)]
mod tests;

pub use machine::{Goal, InFlight, Phase, Session};
pub use opinions::{Opinion, Wants};
pub use settings::{Engine, Settings};
pub use stops::{Met, Stop, StopAt, Undecided};

use crate::expr::Expr;
use crate::model::endpoint::{EndpointError, StepReply, StepRequest};
use crate::model::scorer::step::{Score, StepCase};
use crate::router::DraftScore;
use crate::trace::NodeIndex;
use crate::trace::record::{QUERY, Record};

/// What a person or a driver asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Forward one step: along the recorded branch where there is one,
    /// otherwise by generating.
    Step,
    /// Back one step; never touches what was recorded.
    Back,
    /// Look at a step; `None` is the question.
    Goto(Option<NodeIndex>),
    /// Generate to the end of the trajectory.
    Run,
    /// Generate until the condition holds or the trajectory ends.
    RunUntil(Box<Expr>),
    /// Back to the last step before the cursor at which the condition holds,
    /// or at which a run would stop; without a condition to the latter alone.
    BackUntil(Option<Box<Expr>>),
    /// Let this model (place in the pool) write the step after the cursor.
    Override { model: usize },
    /// Let this model write the step after `after` and the router go on to the
    /// end, to see what it leads to: nobody's choice, and the cursor stays.
    Rollout {
        after: Option<NodeIndex>,
        model: usize,
    },
    /// Put a person's text in place of the step at the cursor, as a branch.
    Edit { text: String },
    /// Generate the step at the cursor again, as a branch.
    Rerun,
    /// Stop generating.
    Cancel,
    /// Try the call that failed again.
    Retry,
}

/// What the driver reports of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Delta {
        generation: u64,
        text: String,
    },
    /// The attempt so far is void: its text is to be forgotten.
    Restart {
        generation: u64,
    },
    Reply {
        generation: u64,
        reply: Box<StepReply>,
    },
    /// What was asked for by [`Output::Score`].
    Scored {
        generation: u64,
        score: Box<Score>,
    },
    Failed {
        generation: u64,
        error: EndpointError,
    },
}

/// What the driver is to do, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Append to the log and wait until it is written.
    Append(Vec<Record>),
    Generate(Box<Generate>),
    /// Ask a scorer; answered by [`Event::Scored`] or [`Event::Failed`].
    Score(Box<Ask>),
    /// Drop the call of this generation.
    Abort {
        generation: u64,
    },
}

/// One step to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Generate {
    /// Answers with another generation number are stale and are dropped.
    pub generation: u64,
    /// Place of the model in the pool.
    pub model: usize,
    pub request: StepRequest,
}

/// A score that the router wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// As of [`Generate`].
    pub generation: u64,
    pub about: About,
}

/// What is to be scored.
#[derive(Debug, Clone, PartialEq)]
pub enum About {
    Draft { by: DraftScore, case: StepCase },
    Question { question: String, problem: String },
}

impl About {
    /// The scorer as the log names it.
    pub fn scorer(&self) -> &'static str {
        match self {
            Self::Draft { by, .. } => by.scorer(),
            Self::Question { .. } => QUERY,
        }
    }
}

/// A command that cannot be followed now, with the reason in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("a step is being generated: cancel it first")]
    Busy,
    #[error("this is a recording: nothing can be generated")]
    TapeOnly,
    #[error("the trajectory ends here")]
    AtEnd,
    #[error("this is the question: nothing before it")]
    AtStart,
    #[error("`{0}` holds at no step before this one")]
    HeldNowhere(String),
    #[error("no breakpoint stops at a step before this one")]
    NoStop,
    #[error("choose a step first")]
    NoStep,
    #[error("this draft was rejected: nothing follows it; go back one step")]
    Rejected,
    #[error("a person wrote this step: there is no model to run again")]
    PersonWrote,
    #[error("nothing is being generated")]
    Idle,
    #[error("nothing has failed")]
    NothingFailed,
    #[error("the pool has no model {0}")]
    NoModel(usize),
    #[error("the edited text is empty")]
    EmptyEdit,
}
