//! Signs that carry meaning without colour.

use crate::cost::PERSON;
use crate::problem::answer::Verdict;
use crate::trace::label::{Opinion, Rating};
use crate::trace::record::StepRecord;
use crate::tui::theme::Theme;

use crate::session::Settings;

use ratatui::style::Style;
use ratatui::text::Span;

use super::steps::short_name;

pub use crate::headless::show::{sign as model, step_sign as step};

/// The spinner of a call in flight.
const BUSY: [&str; 8] = ["⠋", "⠙", "⠹", "⠸", "⠴", "⠦", "⠧", "⠇"];

/// The sign and the short name of a model of the pool in its style.
pub fn named(place: usize, settings: &Settings, columns: usize, theme: &Theme) -> Span<'static> {
    let models = settings.models();
    let name = short_name(&settings.model_name(place), settings, columns, theme);
    Span::styled(
        format!("{} {name}", model(Some(place), models)),
        theme.model(place, models),
    )
}

/// The style of a step's sign and name.
pub fn step_style(step: &StepRecord, place: Option<usize>, models: usize, theme: &Theme) -> Style {
    if !step.kept {
        theme.style("step.draft")
    } else if step.model == PERSON {
        theme.style("step.edited")
    } else {
        theme.model(place.unwrap_or(0), models)
    }
}

/// The sign of what a person said of a step, and its role; `None` where nothing
/// is said.
pub fn label(said: Opinion) -> Option<(&'static str, &'static str)> {
    Some(match said.rating {
        Some(Rating::Good) => ("⊕", "verdict.correct"),
        Some(Rating::Neutral) => ("⊙", "text"),
        Some(Rating::Bad) => ("⊖", "verdict.wrong"),
        Some(Rating::FirstError) => ("⊗", "verdict.wrong"),
        None if said.skipped => ("·", "dim"),
        None => return None,
    })
}

/// The sign of a flag.
pub const FLAG: &str = "⚑";

/// The sign and the word of a verdict.
pub fn verdict(verdict: Verdict) -> (&'static str, &'static str, &'static str) {
    match verdict {
        Verdict::Correct => ("✓", "correct", "verdict.correct"),
        Verdict::Wrong => ("✗", "wrong", "verdict.wrong"),
        Verdict::Ungraded => ("?", "ungraded", "verdict.ungraded"),
    }
}

/// The spinner after so many ticks.
pub fn busy(ticks: u64) -> &'static str {
    BUSY[usize::try_from(ticks % BUSY.len() as u64).unwrap_or(0)]
}
