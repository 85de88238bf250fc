//! How a decision depends on the parameter of its rule that a person slides:
//! κ, t, p, γ, δ or τ.
//!
//! Every rule here is a staircase in its parameter: constant between a few
//! values at which the decision flips. Knowing these a whole log is decided
//! again without asking the rule again.

use smallvec::SmallVec;

use crate::policy::select;

/// The parameter of a rule that can be slid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slider {
    /// As papers write it: `κ`, `t` …
    pub symbol: &'static str,
    /// As a spec names it.
    pub key: &'static str,
    /// The value that the rule has.
    pub value: f64,
    /// The values it can have; `None` where these depend on the measure.
    pub range: Option<(f64, f64)>,
}

/// A decision for every value of the parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Slide {
    /// The action up to the first flip.
    first: u8,
    /// Rising values above which another action is taken, and that action.
    flips: SmallVec<[(f64, u8); 1]>,
}

/// Pools are far smaller than this.
fn small(action: usize) -> u8 {
    u8::try_from(action).unwrap_or(u8::MAX)
}

impl Slide {
    /// The same action whatever the parameter.
    pub fn fixed(action: usize) -> Self {
        Self {
            first: small(action),
            flips: SmallVec::new(),
        }
    }

    /// One action for values up to and with `at`, another above.
    pub fn flip(at: f64, up_to: usize, above: usize) -> Self {
        if at.is_nan() || up_to == above {
            return Self::fixed(above);
        }
        Self {
            first: small(up_to),
            flips: SmallVec::from_elem((at, small(above)), 1),
        }
    }

    /// The staircase of the most capable model whose probability reaches the
    /// parameter, of the most probable one where none does (eq. 6).
    pub fn of_action_set(probabilities: &[f64]) -> Self {
        let Some(mut action) = probabilities.len().checked_sub(1) else {
            return Self::fixed(0);
        };
        // A NaN is in no action set.
        while action > 0 && probabilities[action].is_nan() {
            action -= 1;
        }
        let mut slide = Self::fixed(action);
        loop {
            let bar = probabilities[action];
            let below = probabilities[..action].iter();
            let Some(next) = below.clone().rposition(|p| *p > bar) else {
                // Above every probability the most probable action runs; of
                // several alike it need not be the most capable one.
                let most_probable = select(probabilities, f64::INFINITY).action;
                if most_probable != action && !bar.is_nan() {
                    slide.flips.push((bar, small(most_probable)));
                }
                return slide;
            };
            slide.flips.push((bar, small(next)));
            action = next;
        }
    }

    /// The action at a value of the parameter.
    pub fn at(&self, value: f64) -> usize {
        let passed = self.flips.iter().rev().find(|(at, _)| value > *at);
        usize::from(passed.map_or(self.first, |(_, action)| *action))
    }

    /// The values (above the first, up to and with the second) for which the
    /// action is this; `None` where it never is.
    pub fn values_of(&self, action: usize) -> Option<(f64, f64)> {
        let ends = self.flips.iter().map(|(at, _)| *at).chain([f64::INFINITY]);
        let starts = [f64::NEG_INFINITY].into_iter();
        let starts = starts.chain(self.flips.iter().map(|(at, _)| *at));
        let actions = [self.first].into_iter();
        let actions = actions.chain(self.flips.iter().map(|(_, action)| *action));
        let mut stairs = starts.zip(ends).zip(actions);
        stairs
            .find(|(_, taken)| usize::from(*taken) == action)
            .map(|(values, _)| values)
    }

    /// The only other action of a staircase with one flip; `None` with none or
    /// more, or where `action` is on neither stair.
    pub fn other(&self, action: usize) -> Option<usize> {
        let [(_, above)] = self.flips[..] else {
            return None;
        };
        match action {
            _ if action == usize::from(self.first) => Some(usize::from(above)),
            _ if action == usize::from(above) => Some(usize::from(self.first)),
            _ => None,
        }
    }

    /// The action that it has whatever the parameter; `None` where it flips.
    pub fn always(&self) -> Option<usize> {
        self.flips.is_empty().then_some(usize::from(self.first))
    }

    /// Where the decision flips.
    pub fn flips(&self) -> impl Iterator<Item = f64> + '_ {
        self.flips.iter().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::router::{RouterSpec, build};
    use crate::signal::observation::Observation;
    use crate::trace::record::ModelFacts;

    fn seen(confidence: Option<f64>, writer: usize, index: u32) -> Observation {
        Observation {
            confidence,
            index,
            difficulty: Some(2.0),
            has_answer: false,
            tokens: Some(9),
            writer: Some(writer),
            models: 2,
        }
    }

    proptest! {
        #[test]
        fn the_staircase_of_an_action_set_is_that_of_the_rule(
            probabilities in prop::collection::vec(prop_oneof![0.0_f64..1.0, Just(0.25), Just(0.5)], 1..5),
            kappa in prop_oneof![0.0_f64..1.0, Just(0.25), Just(0.5)],
        ) {
            let slide = Slide::of_action_set(&probabilities);
            prop_assert_eq!(slide.at(kappa), select(&probabilities, kappa).action);
            for action in 0..probabilities.len() {
                let values = slide.values_of(action);
                let within = values.is_some_and(|(above, to)| above < kappa && kappa <= to);
                prop_assert_eq!(within, slide.at(kappa) == action);
                let other = slide.other(action);
                prop_assert_eq!(other.is_some(), slide.flips().count() == 1 && values.is_some());
                if let Some(other) = other {
                    prop_assert!(other != action);
                    prop_assert!([action, other].contains(&slide.at(kappa)));
                }
            }
        }

        /// Every rule, made with another value of its parameter, decides as its
        /// staircase says.
        #[test]
        fn staircases_decide_as_the_rules_do(
            confidence in prop::option::of(0.0_f64..1.0),
            score in prop::option::of(0.0_f64..1.0),
            value in 0.0_f64..1.0,
            writer in 0_usize..2,
            index in 1_u32..6,
        ) {
            // The pool of the embedded pair: every rule has a file for it.
            let pool: Vec<ModelFacts> =
                crate::model::pool::Pool::embedded().models.iter().map(Into::into).collect();
            for (name, key, scale) in [
                ("threshold", "t", 1.0),
                ("percentile", "p", 100.0),
                ("steer", "gamma", 1.0),
                ("rsd", "delta", 1.0),
                ("specreason", "tau", 9.0),
            ] {
                let value = value * scale;
                let rule = |spec: String| {
                    let spec: RouterSpec = spec.parse().unwrap();
                    build(&spec, &pool, None).unwrap()
                };
                let made = rule(format!("{name}:{key}={value}"));
                prop_assert_eq!(made.slider().unwrap().value, value);
                let (seen, score) = (seen(confidence, writer, index), score.map(|s| s * scale));
                let other = rule(format!("{name}:{key}={}", 0.3 * scale));
                prop_assert_eq!(
                    other.slide(&seen).at(value),
                    made.decide(&seen, 0.5).action,
                    "{} {:?}", name, seen
                );
                prop_assert_eq!(
                    other.slide_on(&seen, score).at(value),
                    made.rule_on(&seen, score, 0.5).action,
                    "{} on a draft", name
                );
            }
        }
    }
}
