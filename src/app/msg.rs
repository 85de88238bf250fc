//! Everything that can happen.

use std::sync::Arc;

use crate::app::action::Action;
use crate::eval::analysis::Analysis;
use crate::eval::compare::{Alignment, Gap};
use crate::eval::regret::Regrets;
use crate::eval::what_if::WhatIf;
use crate::model::endpoint::Capabilities;
use crate::model::scorer::step::Ready;
use crate::router::Router;
use crate::session::{Event, Session};
use crate::survey::Fact;
use crate::trace::record::LabelRecord;

use super::table::TextsRead;
use super::what_if::{Made, Wanted};

/// A message to [`update`](super::update).
pub enum Msg {
    /// A key bound to an action, with the count typed before it.
    Action { action: Action, count: Option<u32> },
    /// The keys whose action is the next message, for the echo of talk mode.
    Pressed(String),
    /// Text typed or pasted into a text field.
    Text(String),
    /// Lines the mouse wheel turned, down positive, over the pane under it.
    Wheel { lines: i32, pane: super::Pane },
    /// The terminal's new size in cells.
    Resize { width: u16, height: u16 },
    /// What a call of the problem at this place reported.
    Session { entry: usize, event: Event },
    /// An endpoint was probed, or could not be.
    Probed {
        model: usize,
        result: Result<Box<Capabilities>, String>,
    },
    /// Those that score for the router were probed, each by its role, or could
    /// not be.
    ScorersProbed(Result<Vec<(&'static str, Ready)>, String>),
    /// The log could not be written: nothing more may be generated.
    LogFailed { message: String },
    /// Labels could not be written: they are not given.
    LabelFailed {
        labels: Vec<LabelRecord>,
        message: String,
    },
    /// Labels were read after trajectories had been opened.
    LabelsRead(Vec<LabelRecord>),
    /// Others said this since the log was read.
    LabelsAdded(Vec<LabelRecord>),
    /// A recorded trajectory was read, or could not be.
    Opened {
        entry: usize,
        result: Result<Box<Session>, String>,
    },
    /// More of the log was read; `progress` is none where that was all.
    Surveyed {
        facts: Vec<Fact>,
        progress: Option<(u64, u64)>,
        /// What of it could not be read.
        warning: Option<String>,
    },
    /// The rest of the log cannot be read.
    Unread(String),
    /// The router of a spec was made for the pool of a run, or could not be.
    Ruled {
        run: u32,
        spec: String,
        rule: Result<Arc<dyn Router>, String>,
    },
    /// What every decision of the log lost, when it had so much evidence.
    Regretted { evidence: usize, regrets: Regrets },
    /// What the log says of its router as a whole.
    Analysed(Box<Analysis>),
    /// The figures of two runs were computed, or there are none.
    Gap {
        serial: u64,
        gap: Result<Box<Gap>, String>,
    },
    /// The steps of two trajectories were put in rows.
    Aligned { serial: u64, alignment: Alignment },
    /// Texts were read that the table wants to see.
    TextsRead(Box<TextsRead>),
    /// A run can be decided again, or cannot.
    WhatIf {
        wanted: Box<Wanted>,
        made: Result<Box<Made>, String>,
    },
    /// The value at which a problem costs this much; `None` where the costs are
    /// not known.
    ForCost {
        /// Of which it is the value.
        what_if: Arc<WhatIf>,
        cost: f64,
        value: Option<f64>,
    },
    /// The editor was left: the new text, `None` where nothing was changed.
    Edited {
        entry: usize,
        result: Result<Option<String>, String>,
    },
    /// Something was copied, or could not be.
    Copied(Result<usize, String>),
    /// The time asked for by [`Effect::Tick`](super::Effect::Tick) is over.
    Tick,
    /// A theme was loaded under this name, or could not be.
    Themed(Result<String, String>),
}
