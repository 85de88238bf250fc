//! What a rule decides over confidence × step index, and where the steps of a
//! log lie on that.

use crate::router::{Grid, Router, Surface, Timing};
use crate::signal::observation::Observation;
use crate::survey::Trajectory;

/// Steps of a log beyond this are not counted: nobody sees the difference.
const MOST: usize = 50_000;

/// A rule's surface over the range of confidences that a log holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Laid {
    /// The range; the grid's confidences are the middles of its equal parts.
    pub range: (f64, f64),
    pub grid: Grid,
    pub surface: Surface,
    /// Steps of the log in each cell, as those of the surface.
    pub counts: Vec<Vec<usize>>,
}

/// How large a surface is, and what else is observed there.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// Parts of the range of confidences, 1 at least.
    pub columns: usize,
    /// Step indices at most: it goes a little beyond the longest trajectory.
    pub rows: usize,
    /// Models of the pool.
    pub models: usize,
    pub difficulty: Option<f64>,
}

/// Why a rule has no surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoSurface {
    #[error("no step of the log has the confidence that this rule reads")]
    Unseen,
    #[error("this rule rules on drafts or reads the question: it has no such surface")]
    NotAhead,
}

impl Laid {
    /// Asks a rule after steps by the cheapest model.
    ///
    /// # Errors
    /// [`NoSurface`].
    pub fn of<'t>(
        trajectories: impl IntoIterator<Item = &'t Trajectory>,
        router: &dyn Router,
        frame: &Frame,
    ) -> Result<Self, NoSurface> {
        if router.timing() != Timing::Ahead {
            return Err(NoSurface::NotAhead);
        }
        let logged = logged(trajectories, router);
        let range = range(&logged).ok_or(NoSurface::Unseen)?;
        let (low, high) = range;
        let longest = logged.iter().map(|&(step, _)| step).max().unwrap_or(1);
        let rows = u32::try_from(frame.rows).unwrap_or(u32::MAX);
        let rows = rows.min(longest.saturating_add(2));
        let columns = frame.columns.max(1);
        let middle = |column: usize| low + (high - low) * (column as f64 + 0.5) / columns as f64;
        let grid = Grid {
            confidences: (0..columns).map(middle).collect(),
            steps: (1..=rows).collect(),
        };
        let like = Observation {
            confidence: None,
            index: 1,
            difficulty: frame.difficulty,
            has_answer: false,
            tokens: None,
            writer: Some(0),
            models: frame.models,
        };
        let surface = Surface::of(router, &grid, &like).ok_or(NoSurface::NotAhead)?;
        let mut counts = vec![vec![0_usize; columns]; grid.steps.len()];
        for (step, u) in logged {
            let share = (u - low) / (high - low);
            let column = ((share * columns as f64) as usize).min(columns - 1);
            // Counted from 1: those of index 0 are left out.
            if let Some(row) = counts.get_mut(step as usize - 1) {
                row[column] += 1;
            }
        }
        Ok(Self {
            range,
            grid,
            surface,
            counts,
        })
    }
}

/// Step indices and confidences of a log, as the rule reads them.
fn logged<'t>(
    trajectories: impl IntoIterator<Item = &'t Trajectory>,
    router: &dyn Router,
) -> Vec<(u32, f64)> {
    let signal = router.signal();
    let mut found = Vec::new();
    for trajectory in trajectories {
        for step in trajectory.steps().iter().filter(|step| step.index > 0) {
            if let Some(u) = step.measure(signal).filter(|u| u.is_finite()) {
                found.push((step.index, u));
            }
        }
        if found.len() >= MOST {
            break;
        }
    }
    found
}

/// The range of confidences; `None` where there is none.
fn range(logged: &[(u32, f64)]) -> Option<(f64, f64)> {
    let start = (f64::INFINITY, f64::NEG_INFINITY);
    let (low, high) = logged
        .iter()
        .fold(start, |(low, high), &(_, u)| (low.min(u), high.max(u)));
    (low.is_finite() && high > low).then_some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::for_pool;
    use crate::survey::{Fact, Survey};
    use crate::trace::record::{ModelFacts, Record};
    use crate::trace::samples::step;

    /// Steps with these confidences, one after the other.
    fn survey(confidences: &[f64]) -> Survey {
        let mut survey = Survey::default();
        for (index, &u) in (1..).zip(confidences) {
            let mut of = step(&index.to_string(), None, "1 + 1 = 2");
            of.index = index;
            of.confidence.measures.insert("prob_math".into(), u);
            let record = Record::Step(std::sync::Arc::new(of));
            survey.add(Fact::of(&record).unwrap());
        }
        survey
    }

    fn laid(survey: &Survey, spec: &str) -> Result<Laid, NoSurface> {
        let pool = ["a", "b"].map(|name| ModelFacts::new(name, "vllm"));
        let router = for_pool(&spec.parse().unwrap(), &pool).unwrap();
        let frame = Frame {
            columns: 4,
            rows: 20,
            models: 2,
            difficulty: None,
        };
        Laid::of(survey.trajectories(), &*router, &frame)
    }

    #[test]
    fn every_step_lies_in_one_cell_and_the_edge_is_where_the_rule_has_it() {
        let survey = survey(&[0.1, 0.6, 0.9]);
        let laid = laid(&survey, "threshold:t=0.5").unwrap();
        assert_eq!(laid.range, (0.1, 0.9));
        assert_eq!(laid.grid.steps, [1, 2, 3, 4, 5]);
        // The largest one is in the last part, not behind it.
        let counted = [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0; 4], [0; 4]];
        assert_eq!(laid.counts, counted);
        for row in &laid.surface.cells {
            let actions: Vec<usize> = row.iter().map(|cell| cell.action).collect();
            assert_eq!(actions, [1, 1, 0, 0]);
        }
    }

    #[test]
    fn what_cannot_be_asked_is_said() {
        let two = survey(&[0.1, 0.9]);
        assert_eq!(laid(&two, "rsd:delta=0.7"), Err(NoSurface::NotAhead));
        // One confidence alone is no range.
        let one = survey(&[0.5]);
        assert_eq!(laid(&one, "threshold:t=0.5"), Err(NoSurface::Unseen));
    }
}
