//! Tours: what is shown of a tape, scene by scene, at a set pace.
//!
//! A `.tour` file is TOML: what it is of, then its scenes. A tour names
//! actions of the table, not keys, so that it plays with whatever keys a
//! person has; it runs nothing else, and opens nothing that the command line
//! did not name.
//!
//! ```toml
//! title = "One escalation"
//! log = "run.jsonl"                # or several in brackets; said where others are open
//! filter = "wrong"                 # of `replay --filter`; said where another one is given
//! problem = "demo-022"             # where it begins
//! theme = "projector"
//!
//! [[scene]]
//! do = ["step", { action = "first", count = 2 }, { action = "right", times = 8 }, { type = "wrong" }]
//! every = 0.5                      # seconds between what is done
//! caption = "The small model is not sure of this step."
//! highlight = ["decision.action-set", "step 2", "text 7 * 8 = 64"]
//! pause = 6                        # seconds, then the next scene
//!
//! [[scene]]
//! wait = "key"                     # until somebody goes on
//! ```

mod read;
mod target;
mod write;

#[cfg(test)]
mod tests;

pub use read::TourError;
pub use target::{Part, Target};

use super::action::Action;

/// Bytes of a file, scenes of a tour, what is done in a scene, and characters
/// of a text in it: more is no tour.
pub const MOST_BYTES: usize = 256 << 10;
pub const MOST_SCENES: usize = 500;
pub const MOST_DEEDS: usize = 200;
pub const MOST_TIMES: u32 = 1000;
pub const MOST_TEXT: usize = 400;
/// Things done in all of a tour: going back does all before it again at once.
pub const MOST_IN_ALL: u64 = 20_000;
/// Logs that it may be made on.
pub const MOST_LOGS: usize = 200;
/// The longest pause, in milliseconds.
pub const LONGEST: u64 = 600_000;
/// The shortest time between two things that are done, likewise.
pub const SHORTEST: u64 = 20;

/// Between two things that are done where a scene says nothing else.
pub const EVERY: u64 = 700;
/// How long a scene stays where it says nothing else.
pub const PAUSE: u64 = 4000;

/// A tour.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tour {
    pub title: Option<String>,
    /// Names of the logs that it was made on, and the filter that they were
    /// opened with. No log is ever opened, and nothing filtered, because of
    /// them.
    pub logs: Vec<String>,
    pub filter: Option<String>,
    /// Id of the problem where it begins; the one on screen where not given.
    pub problem: Option<String>,
    /// Id of the run, where the log holds the problem several times.
    pub run: Option<String>,
    pub theme: Option<String>,
    /// At least one.
    pub scenes: Vec<Scene>,
}

/// Whether a text can stand in a tour: one line that says something, and is
/// not too long.
pub fn is_text(text: &str) -> bool {
    let fits = text.chars().count() <= MOST_TEXT && !text.chars().any(char::is_control);
    fits && !text.trim().is_empty()
}

/// What is done and then shown for a while.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scene {
    pub deeds: Vec<Deed>,
    /// Milliseconds between them; [`EVERY`] where not given.
    pub every: Option<u64>,
    pub rest: Rest,
    pub caption: Option<String>,
    pub highlight: Vec<Target>,
}

impl Scene {
    /// Milliseconds between what is done.
    pub fn every(&self) -> u64 {
        self.every.unwrap_or(EVERY)
    }
}

/// How long a scene stays once everything in it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Milliseconds.
    Pause(u64),
    /// Until somebody goes on.
    Key,
}

impl Default for Rest {
    fn default() -> Self {
        Self::Pause(PAUSE)
    }
}

/// One thing that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// An action, so many times, with the count that would be typed before it.
    Act {
        action: Action,
        count: Option<u32>,
        times: u32,
    },
    /// Text typed into the field that is open.
    Type(String),
}

impl Deed {
    /// An action, once.
    pub fn once(action: Action, count: Option<u32>) -> Self {
        Self::Act {
            action,
            count,
            times: 1,
        }
    }

    /// How often it is done.
    pub fn times(&self) -> u32 {
        match self {
            Self::Act { times, .. } => *times,
            Self::Type(_) => 1,
        }
    }
}

impl Action {
    /// Whether a tour may do it: nothing that calls a model, makes a record or a
    /// label, needs the terminal or the clipboard, goes by the clock, or is
    /// about tours.
    #[must_use]
    pub const fn is_for_tours(self) -> bool {
        !matches!(
            self,
            Self::Play
                | Self::Retry
                | Self::Override
                | Self::Edit
                | Self::Rerun
                | Self::Rollouts
                | Self::Copy
                | Self::NextTheme
                | Self::Mouse
                | Self::Redraw
                | Self::Suspend
                | Self::Quit
                | Self::Label
                | Self::RateBad
                | Self::RateNeutral
                | Self::RateGood
                | Self::RateFirstError
                | Self::FlagStep
                | Self::SkipStep
                | Self::NoteStep
                | Self::UndoLabel
                | Self::Blind
                | Self::NextUnlabelled
                | Self::PreviousUnlabelled
                | Self::LabelQueue
                | Self::Talk
                | Self::Caption
                | Self::NextScene
                | Self::PreviousScene
                | Self::PauseTour
        )
    }
}
