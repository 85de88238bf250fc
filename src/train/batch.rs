//! The episodes of one iteration as flat arrays: the rows the networks read,
//! and which row belongs to which episode.

use std::ops::Range;

use super::episode::{Episode, Transition};
use super::soft::{Soft, count, forced};
use super::threshold::{Verdict, miss_score};

/// N decisions of E episodes; the F of them in which the policy decides are
/// its *free* rows.
#[derive(Debug, Clone)]
pub struct Batch<'a> {
    pub episodes: &'a [Episode],
    /// Rows of every episode.
    pub spans: Vec<Range<usize>>,
    /// Observations for the critics, `N × features`: a value that is missing
    /// counts as the training mean, 0 after normalisation.
    pub inputs: Vec<f64>,
    /// The free rows, ascending.
    pub free: Vec<usize>,
    /// Their observations, `F × features`.
    pub free_inputs: Vec<f64>,
    /// Their masks, `F × K`.
    pub free_allowed: Vec<bool>,
    /// Their actions, length F.
    pub free_actions: Vec<usize>,
}

impl<'a> Batch<'a> {
    /// Lays out checked episodes.
    #[must_use]
    pub fn new(episodes: &'a [Episode]) -> Self {
        let mut batch = Self {
            episodes,
            spans: Vec::with_capacity(episodes.len()),
            inputs: Vec::new(),
            free: Vec::new(),
            free_inputs: Vec::new(),
            free_allowed: Vec::new(),
            free_actions: Vec::new(),
        };
        let mut row = 0;
        for episode in episodes {
            let from = row;
            for transition in &episode.steps {
                batch.push(row, transition);
                row += 1;
            }
            batch.spans.push(from..row);
        }
        batch
    }

    fn push(&mut self, row: usize, transition: &Transition) {
        let known = |value: &f64| if value.is_finite() { *value } else { 0.0 };
        self.inputs.extend(transition.observation.iter().map(known));
        if transition.is_free() {
            self.free.push(row);
            self.free_inputs.extend_from_slice(&transition.observation);
            self.free_allowed.extend_from_slice(&transition.allowed);
            self.free_actions.push(transition.action);
        }
    }

    /// Every transition with its row.
    pub fn transitions(&self) -> impl Iterator<Item = &'a Transition> {
        self.episodes.iter().flat_map(|episode| &episode.steps)
    }

    /// Number of decisions N.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.spans.last().map_or(0, |span| span.end)
    }

    /// Decisions taken without a complete observation.
    #[must_use]
    pub fn incomplete(&self) -> usize {
        self.transitions()
            .filter(|transition| transition.observation.iter().any(|x| !x.is_finite()))
            .count()
    }

    /// ρ_t = S(a_t|o_t)/μ(a_t|o_t) of every row, not clipped, for the S of
    /// the free rows.
    #[must_use]
    pub fn ratios(&self, soft: &Soft) -> Vec<f64> {
        let mut index = 0;
        let ratio = |step: &Transition| {
            let probability = match step.is_free() {
                true => {
                    index += 1;
                    soft.probabilities(index - 1)[step.action]
                }
                false => forced(&step.allowed)[step.action],
            };
            probability / step.propensity
        };
        self.transitions().map(ratio).collect()
    }

    /// The scores s of the episodes (§5.5) for the π of the free rows.
    #[must_use]
    pub fn miss_scores(&self, soft: &Soft) -> Vec<f64> {
        let mut free = self.free.iter().copied().enumerate().peekable();
        let score = |(episode, span): (&Episode, &Range<usize>)| {
            let verdicts = episode.steps.iter().zip(span.clone()).map(|(step, row)| {
                let pi = free
                    .next_if(|(_, free_row)| *free_row == row)
                    .map(|(index, _)| soft.pi(index));
                Verdict {
                    incorrect: step.incorrect,
                    writer: step.writer,
                    pi,
                    allowed: &step.allowed,
                }
            });
            miss_score(verdicts)
        };
        self.episodes.iter().zip(&self.spans).map(score).collect()
    }

    /// Mean over the episodes of a sum over their steps.
    #[must_use]
    pub fn mean(&self, per_episode: impl Fn(&Episode) -> f64) -> f64 {
        let total: f64 = self.episodes.iter().map(per_episode).sum();
        total / count(self.episodes.len().max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::super::episode::tests::{episode, transition};
    use super::super::soft::Softness;
    use super::*;

    fn episodes() -> Vec<Episode> {
        let mut missing = transition(f64::NAN, 1);
        missing.propensity = 1.0;
        let mut absorbed = transition(0.7, 1);
        absorbed.allowed = vec![false, true];
        absorbed.propensity = 1.0;
        vec![
            episode(vec![transition(0.1, 0), missing, absorbed], true),
            episode(vec![], true),
            episode(vec![transition(0.4, 1)], false),
        ]
    }

    fn soft(rows: usize) -> Soft {
        let softness = Softness {
            kappa: 0.5,
            epsilon: 0.1,
        };
        Soft::new(&vec![0.0; 2 * rows], &vec![true; 2 * rows], 2, softness)
    }

    #[test]
    fn only_the_policys_own_decisions_are_free_rows() {
        let episodes = episodes();
        let batch = Batch::new(&episodes);
        assert_eq!(batch.rows(), 4);
        assert_eq!(batch.spans, [0..3, 3..3, 3..4]);
        assert_eq!(batch.free, [0, 3]);
        assert_eq!(batch.incomplete(), 1);
        assert_eq!(batch.inputs[2], 0.0);
        assert!(batch.inputs.iter().all(|x| x.is_finite()));
    }

    #[test]
    fn forced_choices_have_the_ratio_of_certainty() {
        let episodes = episodes();
        let batch = Batch::new(&episodes);
        assert_eq!(batch.ratios(&soft(2)), [1.0; 4]);
    }

    #[test]
    fn scores_read_pi_where_the_policy_decided() {
        let mut episodes = episodes();
        for episode in &mut episodes {
            for step in &mut episode.steps {
                step.incorrect = Some(true);
            }
        }
        let batch = Batch::new(&episodes);
        assert_eq!(batch.miss_scores(&soft(2)), [0.5, 1.0, 0.5]);
        // Forced to the large model alone, an incorrect step is no miss.
        episodes[0].steps.remove(0);
        let batch = Batch::new(&episodes);
        assert_eq!(batch.miss_scores(&soft(1)), [1.0, 1.0, 0.5]);
    }
}
