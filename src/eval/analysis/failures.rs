//! Why answers are not right, as far as the log tells.

use std::collections::BTreeMap;

use crate::eval::regret::{Grove, Line};
use crate::problem::answer::Verdict;
use crate::survey::{Survey, View};
use crate::trace::record::TrajectoryEnd;

use super::slice::Slice;

/// Why an answer is not right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// Another model at one step, or the large model from the first one on,
    /// would have been right at least half of the time, and the router never
    /// called for a more capable one after that.
    Routing,
    /// The router did call for a more capable model, but only after the last
    /// step at which that would have helped.
    Late,
    /// The large model alone is right less than half of the time.
    Capability,
    /// Cut off by a limit.
    Truncated,
    /// Nobody could grade it.
    Grading,
    /// The log does not hold what others would have written.
    Unknown,
}

impl Failure {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 6] = [
        Self::Routing,
        Self::Late,
        Self::Capability,
        Self::Truncated,
        Self::Grading,
        Self::Unknown,
    ];

    /// As expressions call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Routing => "routing",
            Self::Late => "late",
            Self::Capability => "capability",
            Self::Truncated => "truncated",
            Self::Grading => "grading",
            Self::Unknown => "unclear",
        }
    }

    /// Why a trajectory failed; `None` of a right or unfinished one. `beside`
    /// is what the log holds of its question.
    pub fn of(view: &View<'_>, beside: Option<(&Grove, &Line)>) -> Option<Self> {
        let outcome = view.outcome()?;
        match outcome.verdict {
            Verdict::Correct => return None,
            Verdict::Ungraded => return Some(Self::Grading),
            Verdict::Wrong => {}
        }
        if !matches!(outcome.end, TrajectoryEnd::Finished) {
            return Some(Self::Truncated);
        }
        let Some((grove, line)) = beside else {
            return Some(Self::Unknown);
        };
        let large_alone = || grove.alone(grove.models().checked_sub(1)?);
        // The last step at which anything would have helped.
        let last = match grove.single_rescues(line).last() {
            Some(rescue) => rescue.step,
            None => match large_alone() {
                Some((right, _)) if right >= 0.5 => 1,
                Some(_) => return Some(Self::Capability),
                None => return Some(Self::Unknown),
            },
        };
        let mut after = line.writers.iter().skip(last as usize);
        let called = after.any(|writer| writer.is_some_and(|writer| writer > 0));
        Some(match called {
            true => Self::Late,
            false => Self::Routing,
        })
    }
}

/// Failures by a part of the log.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Funnel {
    pub rows: Vec<FunnelRow>,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FunnelRow {
    pub name: String,
    /// The number of a difficulty.
    pub number: Option<f64>,
    /// Whether the part is that of trajectories which say nothing of it.
    pub is_unknown: bool,
    /// Trajectories that came to an end.
    pub trajectories: usize,
    pub correct: usize,
    /// In the order of [`Failure::ALL`].
    pub failures: [usize; Failure::ALL.len()],
}

impl Funnel {
    /// Counts what [`crate::eval::regret::Regrets::fill`] found.
    pub(super) fn of(survey: &Survey, places: &[usize], slice: Slice) -> Self {
        let mut rows: BTreeMap<(u64, String), FunnelRow> = BTreeMap::new();
        for &place in places {
            let view = survey.view(place);
            let Some(verdict) = view.verdict() else {
                continue;
            };
            let (order, name) = slice.of_trajectory(survey, &view);
            let row = rows
                .entry((order.max(0.0).to_bits(), name.clone()))
                .or_insert_with(|| FunnelRow {
                    name,
                    number: (slice == Slice::Difficulty && order.is_finite()).then_some(order),
                    is_unknown: order.is_infinite(),
                    ..FunnelRow::default()
                });
            row.trajectories += 1;
            row.correct += usize::from(verdict == Verdict::Correct);
            let failure = view.trajectory().failure();
            let place = Failure::ALL
                .iter()
                .position(|known| Some(known.name()) == failure);
            if let Some(place) = place {
                row.failures[place] += 1;
            }
        }
        Self {
            rows: rows.into_values().collect(),
        }
    }
}
