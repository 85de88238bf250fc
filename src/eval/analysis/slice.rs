//! Parts of a log.

use crate::problem::area;
use crate::survey::{Step, Survey, View};

/// By what a log is taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Slice {
    #[default]
    Model,
    Index,
    Domain,
    Difficulty,
}

/// Step indices from this one on share a slice.
const LATE: u32 = 10;

impl Slice {
    /// All of them, in the order they are turned through.
    pub const ALL: [Self; 4] = [Self::Model, Self::Index, Self::Domain, Self::Difficulty];

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Index => "step index",
            Self::Domain => "domain",
            Self::Difficulty => "difficulty",
        }
    }

    /// What is said where a trajectory has none.
    fn none(self) -> String {
        format!("no {}", self.name())
    }

    /// The part that a step belongs to, with a number that orders the parts.
    pub(super) fn of_step(self, survey: &Survey, view: &View<'_>, step: &Step) -> (f64, String) {
        match self {
            Self::Model => {
                let place = view
                    .writer(step)
                    .map_or(f64::INFINITY, |place| place as f64);
                (place, survey.name(step.model).to_owned())
            }
            Self::Index if step.index >= LATE => (f64::from(LATE), format!("step {LATE} on")),
            Self::Index => (f64::from(step.index), format!("step {}", step.index)),
            Self::Domain | Self::Difficulty => self.of_trajectory(survey, view),
        }
    }

    /// The part that a trajectory belongs to, likewise.
    pub(super) fn of_trajectory(self, survey: &Survey, view: &View<'_>) -> (f64, String) {
        let trajectory = view.trajectory();
        match self {
            Self::Difficulty => match trajectory.difficulty {
                // Scales with halves and thirds have too many values of their own.
                Some(d) if survey.has_fractions() => {
                    let from = d.floor();
                    (from, format!("difficulty {from} to {}", from + 1.0))
                }
                Some(d) => (d, format!("difficulty {d}")),
                None => (f64::INFINITY, self.none()),
            },
            _ => {
                let domain = trajectory.domain.map(|domain| area(survey.name(domain)));
                let order = if domain.is_some() { 0.0 } else { f64::INFINITY };
                (order, domain.map_or_else(|| self.none(), str::to_owned))
            }
        }
    }
}
