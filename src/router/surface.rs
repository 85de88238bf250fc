//! What a rule decides over confidence × step index: its decision surface.

use crate::signal::observation::Observation;

use super::{Router, Timing};

/// Where a rule is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// Rising.
    pub confidences: Vec<f64>,
    /// From 1.
    pub steps: Vec<u32>,
}

/// A cell of a surface.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Place in the pool of the model that writes the next step.
    pub action: usize,
    /// π of the most capable model, of rules that have probabilities.
    pub large: Option<f64>,
}

/// A rule over a grid: step by step, confidence by confidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Surface {
    pub cells: Vec<Vec<Cell>>,
}

impl Surface {
    /// Asks a rule that decides ahead, after steps by the cheapest model that
    /// hold no answer; `None` for others. `like` says what else is observed.
    pub fn of(router: &dyn Router, grid: &Grid, like: &Observation) -> Option<Self> {
        if router.timing() != Timing::Ahead {
            return None;
        }
        let cell = |index: u32, confidence: f64| {
            let seen = Observation {
                confidence: Some(confidence),
                index,
                has_answer: false,
                writer: Some(0),
                ..like.clone()
            };
            // A rule that draws is asked in the middle of its range.
            let choice = router.decide(&seen, 0.5);
            Cell {
                action: choice.action,
                large: choice.probabilities.last().copied(),
            }
        };
        let row = |&step: &u32| grid.confidences.iter().map(|&u| cell(step, u)).collect();
        Some(Self {
            cells: grid.steps.iter().map(row).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::for_pool;
    use crate::trace::record::ModelFacts;

    #[test]
    fn a_threshold_is_a_straight_edge_and_a_rule_on_drafts_has_none() {
        let pool = ["a", "b"].map(|name| ModelFacts::new(name, "vllm"));
        let grid = Grid {
            confidences: vec![0.1, 0.5, 0.9],
            steps: vec![1, 2],
        };
        let like = Observation {
            confidence: None,
            index: 1,
            difficulty: None,
            has_answer: false,
            tokens: None,
            writer: None,
            models: 2,
        };
        let rule = |spec: &str| for_pool(&spec.parse().unwrap(), &pool).unwrap();
        let surface = Surface::of(&*rule("threshold:t=0.5"), &grid, &like).unwrap();
        for row in &surface.cells {
            let actions: Vec<usize> = row.iter().map(|cell| cell.action).collect();
            assert_eq!(actions, [1, 0, 0]);
        }
        assert_eq!(Surface::of(&*rule("rsd:delta=0.7"), &grid, &like), None);
    }
}
