//! `rsd`: reward-guided drafting (Liao et al.). The cheapest model drafts
//! every step, a process reward model scores the draft, and the most capable
//! model writes the step again where the score does not carry it.

use std::collections::BTreeMap;
use std::fmt;

use crate::signal::observation::Observation;
use crate::trace::record::{PRM, RouterFacts};

use super::given::Given;
use super::spec::{RouterError, RouterSpec};
use super::{Choice, DraftScore, Review, Router, Slide, Slider, Timing, post_hoc};

const NAME: &str = "rsd";
/// δ of the paper's experiments.
const DELTA: f64 = 0.7;
/// Where the weight is a constant and none is given.
const P: f64 = 0.5;
/// Where the weight is logistic and no steepness is given.
const A: f64 = 10.0;

/// The acceptance weight w(r) of a draft with the reward r.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Accept {
    /// 1[r ≥ δ]: no coin.
    Threshold { delta: f64 },
    /// p, whatever the reward.
    Constant { p: f64 },
    /// r within 0 and 1.
    Clip,
    /// max(0, r / (1 + r)).
    Ratio,
    /// 1 / (1 + exp(−a (r − δ))).
    Logistic { a: f64, delta: f64 },
}

impl Default for Accept {
    fn default() -> Self {
        Self::Threshold { delta: DELTA }
    }
}

impl Accept {
    fn name(self) -> &'static str {
        match self {
            Self::Threshold { .. } => "threshold",
            Self::Constant { .. } => "constant",
            Self::Clip => "clip",
            Self::Ratio => "ratio",
            Self::Logistic { .. } => "logistic",
        }
    }

    /// w(r), 0 to 1.
    fn weight(self, reward: f64) -> f64 {
        match self {
            Self::Threshold { delta } => f64::from(u8::from(reward >= delta)),
            Self::Constant { p } => p,
            Self::Clip => reward.clamp(0.0, 1.0),
            // Below −1 the fraction would be above 1.
            Self::Ratio if reward <= 0.0 => 0.0,
            Self::Ratio => reward / (1.0 + reward),
            Self::Logistic { a, delta } => (1.0 + (-a * (reward - delta)).exp()).recip(),
        }
    }

    fn threshold(self) -> Option<f64> {
        match self {
            Self::Threshold { delta } | Self::Logistic { delta, .. } => Some(delta),
            _ => None,
        }
    }

    /// Takes its parameters out of `given`; one that means nothing for the
    /// chosen weight stays there, to be refused.
    pub(super) fn read(given: &mut Given) -> Result<Self, RouterError> {
        let unit = |given: &mut Given, key, default| {
            let value = given.within(NAME, key, 0.0..=1.0, "between 0 and 1")?;
            Ok::<f64, RouterError>(value.unwrap_or(default))
        };
        match given.remove("accept").as_deref() {
            None | Some("threshold") => Ok(Self::Threshold {
                delta: unit(given, "delta", DELTA)?,
            }),
            Some("constant") => Ok(Self::Constant {
                p: unit(given, "p", P)?,
            }),
            Some("clip") => Ok(Self::Clip),
            Some("ratio") => Ok(Self::Ratio),
            Some("logistic") => Ok(Self::Logistic {
                a: given
                    .within(NAME, "a", 0.0..=f64::MAX, "a number from 0")?
                    .unwrap_or(A),
                delta: unit(given, "delta", DELTA)?,
            }),
            Some(other) => Err(RouterError::Value {
                router: NAME,
                key: "accept",
                value: other.to_owned(),
                must: "threshold, constant, clip, ratio or logistic",
            }),
        }
    }

    pub(super) fn takes(self) -> &'static str {
        match self {
            Self::Threshold { .. } => "delta, accept",
            Self::Constant { .. } => "p with accept=constant",
            Self::Clip | Self::Ratio => "nothing else with this accept",
            Self::Logistic { .. } => "delta, a with accept=logistic",
        }
    }

    pub(super) fn parameters(self) -> BTreeMap<String, serde_json::Value> {
        let mut all = BTreeMap::from([("accept".to_owned(), self.name().into())]);
        let mut put = |key: &str, value: f64| all.insert(key.to_owned(), value.into());
        match self {
            Self::Threshold { delta } => {
                put("delta", delta);
            }
            Self::Constant { p } => {
                put("p", p);
            }
            Self::Logistic { a, delta } => {
                put("a", a);
                put("delta", delta);
            }
            Self::Clip | Self::Ratio => {}
        }
        all
    }
}

impl fmt::Display for Accept {
    /// What stands after the name in a spec, every parameter included.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Threshold { delta } => write!(f, ":delta={delta}"),
            Self::Constant { p } => write!(f, ":accept=constant,p={p}"),
            Self::Clip | Self::Ratio => write!(f, ":accept={}", self.name()),
            Self::Logistic { a, delta } => write!(f, ":delta={delta},accept=logistic,a={a}"),
        }
    }
}

pub struct Rsd {
    pub accept: Accept,
}

impl Router for Rsd {
    fn facts(&self) -> RouterFacts {
        RouterSpec::Rsd(self.accept).facts(BTreeMap::new())
    }

    fn timing(&self) -> Timing {
        Timing::OnDraft
    }

    fn asks(&self) -> Option<&'static str> {
        Some(PRM)
    }

    fn review(&self, draft: &Observation) -> Review {
        if post_hoc::is_below_last(draft) {
            Review::Scored(DraftScore::Prm)
        } else {
            Review::None
        }
    }

    fn slider(&self) -> Option<Slider> {
        let Accept::Threshold { delta } = self.accept else {
            // What is drawn has no staircase.
            return None;
        };
        Some(Slider {
            symbol: "δ",
            key: "delta",
            value: delta,
            range: Some((0.0, 1.0)),
        })
    }

    fn slide_on(&self, draft: &Observation, score: Option<f64>) -> Slide {
        post_hoc::slide(draft, score)
    }

    fn rule_on(&self, draft: &Observation, score: Option<f64>, draw: f64) -> Choice {
        let Some(reward) = score.filter(|reward| reward.is_finite()) else {
            return post_hoc::rejected_unscored(draft, "no reward", self.accept.threshold());
        };
        let weight = self.accept.weight(reward);
        let keep = draw < weight;
        let reason = match self.accept {
            Accept::Threshold { delta } if keep => {
                format!("reward {reward:.3} reaches δ = {delta}")
            }
            Accept::Threshold { delta } => format!("reward {reward:.3} is below δ = {delta}"),
            other => format!(
                "reward {reward:.3} is accepted with probability {weight:.3} ({}): drew {draw:.3}",
                other.name()
            ),
        };
        post_hoc::ruled(draft, keep, weight, self.accept.threshold(), reason)
    }

    fn decide(&self, observation: &Observation, _: f64) -> Choice {
        post_hoc::drafts(self, observation)
    }
}

#[cfg(test)]
mod tests {
    use super::super::post_hoc::tests::draft;
    use super::*;

    fn rule(accept: Accept, score: Option<f64>, draw: f64) -> Choice {
        Rsd { accept }.rule_on(&draft(Some(0), 1), score, draw)
    }

    /// Which of the rewards are kept at these draws.
    fn kept(accept: Accept, rewards: [f64; 5], draws: [f64; 5]) -> [bool; 5] {
        std::array::from_fn(|i| rule(accept, Some(rewards[i]), draws[i]).action == 0)
    }

    #[test]
    fn decisions_worked_out_on_paper() {
        let rewards = [0.05, 0.5, 0.69, 0.7, 0.98];
        // 1[r ≥ 0.7], whatever was drawn.
        let threshold = Accept::default();
        for draws in [[0.0; 5], [0.999; 5]] {
            assert_eq!(
                kept(threshold, rewards, draws),
                [false, false, false, true, true]
            );
        }
        // Below 0.3 in every case.
        let draws = [0.0, 0.29, 0.3, 0.31, 0.99];
        let constant = Accept::Constant { p: 0.3 };
        assert_eq!(
            kept(constant, rewards, draws),
            [true, true, false, false, false]
        );
        // Draw below the reward itself.
        let draws = [0.04, 0.5, 0.68, 0.71, 0.97];
        assert_eq!(
            kept(Accept::Clip, rewards, draws),
            [true, false, true, false, true]
        );
        // 0.05/1.05 = 0.0476, 0.5/1.5 = 0.3333, 0.69/1.69 = 0.4083,
        // 0.7/1.7 = 0.4118, 0.98/1.98 = 0.4949.
        let draws = [0.048, 0.333, 0.4, 0.412, 0.494];
        assert_eq!(
            kept(Accept::Ratio, rewards, draws),
            [false, true, true, false, true]
        );
        // a = 2: 1/(1+e^1.3) = 0.2142, 1/(1+e^0.4) = 0.4013, 1/(1+e^0.02) = 0.4950,
        // 1/2, 1/(1+e^-0.56) = 0.6365.
        let logistic = Accept::Logistic { a: 2.0, delta: 0.7 };
        let draws = [0.214, 0.402, 0.494, 0.5, 0.63];
        assert_eq!(
            kept(logistic, rewards, draws),
            [true, false, true, false, true]
        );
    }

    #[test]
    fn rewards_out_of_range_have_weights_in_range() {
        for reward in [-5.0, -1.0, -0.5, 0.0, 1.0, 7.0, 1e9] {
            for accept in [
                Accept::default(),
                Accept::Clip,
                Accept::Ratio,
                Accept::Logistic { a: 1e6, delta: 0.7 },
            ] {
                let weight = accept.weight(reward);
                assert!(
                    (0.0..=1.0).contains(&weight),
                    "{accept:?} {reward}: {weight}"
                );
            }
        }
        assert_eq!(Accept::Ratio.weight(-5.0), 0.0);
    }

    #[test]
    fn the_propensity_is_that_of_what_was_drawn() {
        let accepted = rule(Accept::Clip, Some(0.8), 0.5);
        assert_eq!((accepted.action, accepted.propensity), (0, 0.8));
        assert_eq!(accepted.probabilities, [0.8, 0.0, 1.0 - 0.8]);
        assert_eq!(accepted.distribution(3), accepted.probabilities);
        assert_eq!(accepted.action_set, [0, 2]);
        let rejected = rule(Accept::Clip, Some(0.8), 0.9);
        assert_eq!((rejected.action, rejected.propensity), (2, 1.0 - 0.8));
        let certain = rule(Accept::default(), Some(0.8), 0.9);
        assert_eq!((certain.action, certain.propensity), (0, 1.0));
        assert_eq!(
            (certain.threshold, certain.action_set),
            (Some(0.7), vec![0])
        );
    }

    #[test]
    fn a_draft_without_a_reward_is_written_again() {
        for score in [None, Some(f64::NAN)] {
            for accept in [Accept::default(), Accept::Constant { p: 1.0 }] {
                let choice = rule(accept, score, 0.0);
                assert_eq!((choice.action, choice.propensity), (2, 1.0));
                assert!(choice.reason.contains("no reward"), "{}", choice.reason);
            }
        }
    }

    #[test]
    fn the_last_model_and_people_are_not_reviewed() {
        let rsd = Rsd {
            accept: Accept::default(),
        };
        let scored = Review::Scored(DraftScore::Prm);
        assert_eq!(rsd.review(&draft(Some(0), 1)), scored);
        assert_eq!(rsd.review(&draft(Some(1), 4)), scored);
        assert_eq!(rsd.review(&draft(Some(2), 1)), Review::None);
        assert_eq!(rsd.review(&draft(None, 1)), Review::None);
        assert_eq!((rsd.writer(1, 3), rsd.writer(9, 3)), (0, 0));
        assert_eq!(rsd.decide(&draft(Some(2), 4), 0.5).action, 0);
        assert_eq!(rsd.timing(), Timing::OnDraft);
    }
}
