//! What the inspector knows and how it changes: Model, messages and update.
//!
//! Synchronous, without I/O and without a clock: [`update`] takes the model, a
//! message and the time as text, and returns effects for the runner to
//! perform. Live, replay and tests differ only in who performs them.

pub mod action;
mod amount;
mod analysis;
mod compare;
mod debug;
mod effect;
mod finder;
mod follow;
mod keys;
mod labelling;
mod line_edit;
mod model;
mod msg;
mod navigate;
mod overlay;
mod probes;
mod rollouts;
mod search;
mod surveyed;
mod table;
mod talk;
pub mod tour;
pub mod training;
mod update;
mod values;
mod what_if;
mod work;

#[cfg(test)]
mod tests;

pub use amount::read as read_amount;
pub use analysis::{Analysed, Page};
pub use compare::{Comparison, Item, Pair, RunPair, Side};
pub use debug::{Breakpoint, Debug, Jumps, Listed, On, rows as listed_rows};
pub use effect::Effect;
pub use finder::{Found, find};
pub use labelling::{Labelling, Order};
pub use line_edit::LineEdit;
pub use model::{
    EndpointState, Entry, Layer, Mode, Model, Notice, NoticeLevel, Pane, Purpose, ScorersState,
    Screen, Slot, View,
};
pub use msg::Msg;
pub use overlay::{completion, palette_rows, picker_rows};
pub use probes::Waiting;
pub use rollouts::{Quote, Rollouts};
pub use search::Search;
pub use table::{Row, RunRow, Runs, Table, Tally, TextsOf, TextsRead, TextsWanted, Use};
pub use talk::{Pressed, Private, Progress, Talk};
pub use update::{close, update};
pub use values::Values;
pub use what_if::{Made, Slid, Wanted};
pub use work::Work;
