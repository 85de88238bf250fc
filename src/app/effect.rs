//! Everything the runner can be asked to do.

use crate::session::{Ask, Generate};
use crate::trace::record::{LabelRecord, ModelFacts, Record};

use super::work::Work;

/// An effect; effects of one update are performed in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Append to the log before anything after it is done.
    Append(Vec<Record>),
    /// Append with the next records, if there are any.
    Remark(Vec<Record>),
    /// Append to the side file of the log; what cannot be written comes back as
    /// [`Msg::LabelFailed`](super::Msg::LabelFailed).
    Label(Vec<LabelRecord>),
    /// Read what others have said since, in the file with the labels of this
    /// trajectory; it comes as [`Msg::LabelsAdded`](super::Msg::LabelsAdded).
    HearLabels {
        entry: usize,
    },
    /// Make the call for the problem at this place and report its events.
    Generate {
        entry: usize,
        call: Box<Generate>,
    },
    /// Ask a scorer about a draft or a question and report its event.
    Score {
        entry: usize,
        ask: Box<Ask>,
    },
    /// Drop a call.
    Abort {
        entry: usize,
        generation: u64,
    },
    /// Ask an endpoint what it can do.
    Probe {
        model: usize,
    },
    /// Ask those that score for the router, likewise.
    ProbeScorers,
    /// Read a recorded trajectory.
    Open {
        entry: usize,
    },
    /// Make the router of a spec for a pool.
    Rule {
        run: u32,
        spec: String,
        pool: Vec<ModelFacts>,
    },
    /// Work something out beside the screen.
    Work(Work),
    /// Let the person edit a text in `$EDITOR`.
    Editor {
        entry: usize,
        text: String,
    },
    /// Put text on the clipboard.
    Copy(String),
    /// Send [`Msg::Tick`](super::Msg::Tick) after this many milliseconds.
    Tick {
        milliseconds: u64,
    },
    /// Change to the theme after the current one.
    NextTheme,
    /// Capture the mouse, or give it back.
    Mouse(bool),
    /// Draw everything anew.
    Redraw,
    Suspend,
    Quit,
}
