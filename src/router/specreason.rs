//! `specreason`: speculative reasoning (Pan et al.). The cheapest model drafts
//! a step, a judge scores it from 0 to 9, and the most capable model writes it
//! again below τ.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::scorer::judge::Reading;
use crate::signal::observation::Observation;
use crate::trace::record::{JUDGE, RouterFacts};

use super::given::Given;
use super::spec::{RouterError, RouterSpec};
use super::{Choice, DraftScore, Review, Router, Slide, Slider, Timing, post_hoc};

const NAME: &str = "specreason";
/// τ of the original.
const TAU: f64 = 7.0;

/// The parameters of the rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Params {
    /// Least score of a draft that is kept, 0 to 9.
    pub tau: f64,
    /// How many steps the most capable model writes first, unjudged.
    pub first: u32,
    /// How the judge's digit becomes a score.
    pub score: Reading,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            tau: TAU,
            first: 0,
            score: Reading::Expected,
        }
    }
}

impl Params {
    /// Takes its parameters out of `given`.
    pub(super) fn read(given: &mut Given) -> Result<Self, RouterError> {
        let default = Self::default();
        let tau = given.within(NAME, "tau", 0.0..=9.0, "between 0 and 9")?;
        let first = given.parsed::<u32>(NAME, "first", "a whole number of steps")?;
        let score = given.remove("score");
        let reading = score.as_deref().map(|name| {
            let known = Reading::ALL
                .into_iter()
                .find(|reading| reading.name() == name);
            known.ok_or_else(|| RouterError::Value {
                router: NAME,
                key: "score",
                value: name.to_owned(),
                must: "`expected` or `greedy`",
            })
        });
        Ok(Self {
            tau: tau.unwrap_or(default.tau),
            first: first.unwrap_or(default.first),
            score: reading.transpose()?.unwrap_or(default.score),
        })
    }

    pub(super) fn parameters(self) -> BTreeMap<String, serde_json::Value> {
        BTreeMap::from([
            ("tau".to_owned(), self.tau.into()),
            ("first".to_owned(), self.first.into()),
            ("score".to_owned(), self.score.name().into()),
        ])
    }
}

impl fmt::Display for Params {
    /// What stands after the name in a spec.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ":tau={}", self.tau)?;
        if self.first > 0 {
            write!(f, ",first={}", self.first)?;
        }
        if self.score != Reading::default() {
            write!(f, ",score={}", self.score.name())?;
        }
        Ok(())
    }
}

pub struct SpecReason {
    pub params: Params,
}

impl Router for SpecReason {
    fn facts(&self) -> RouterFacts {
        RouterSpec::SpecReason(self.params).facts(BTreeMap::new())
    }

    fn timing(&self) -> Timing {
        Timing::OnDraft
    }

    fn asks(&self) -> Option<&'static str> {
        Some(JUDGE)
    }

    fn writer(&self, index: u32, models: usize) -> usize {
        if index <= self.params.first {
            models.saturating_sub(1)
        } else {
            0
        }
    }

    fn review(&self, draft: &Observation) -> Review {
        if draft.index > self.params.first && post_hoc::is_below_last(draft) {
            Review::Scored(DraftScore::Judge)
        } else {
            Review::None
        }
    }

    fn slider(&self) -> Option<Slider> {
        Some(Slider {
            symbol: "τ",
            key: "tau",
            value: self.params.tau,
            range: Some((0.0, 9.0)),
        })
    }

    fn slide_on(&self, draft: &Observation, score: Option<f64>) -> Slide {
        post_hoc::slide(draft, score)
    }

    fn rule_on(&self, draft: &Observation, score: Option<f64>, _: f64) -> Choice {
        let tau = self.params.tau;
        let Some(score) = score.filter(|score| score.is_finite()) else {
            return post_hoc::rejected_unscored(draft, "the judge gave no score", Some(tau));
        };
        let keep = score >= tau;
        let how = if keep { "reaches" } else { "is below" };
        let reason = format!("the judge's {score:.2} {how} τ = {tau}");
        let weight = f64::from(u8::from(keep));
        post_hoc::ruled(draft, keep, weight, Some(tau), reason)
    }

    fn decide(&self, observation: &Observation, _: f64) -> Choice {
        post_hoc::drafts(self, observation)
    }
}

#[cfg(test)]
mod tests {
    use super::super::post_hoc::tests::draft;
    use super::*;

    fn rule(params: Params) -> SpecReason {
        SpecReason { params }
    }

    #[test]
    fn decisions_worked_out_on_paper() {
        let rule = rule(Params::default());
        for (score, action) in [
            (Some(0.0), 2),
            (Some(6.99), 2),
            (Some(7.0), 0),
            (Some(9.0), 0),
            (None, 2),
            (Some(f64::NAN), 2),
        ] {
            let choice = rule.rule_on(&draft(Some(0), 1), score, 0.5);
            assert_eq!(choice.action, action, "{score:?}");
            assert_eq!((choice.threshold, choice.propensity), (Some(7.0), 1.0));
        }
        let choice = rule.rule_on(&draft(Some(0), 1), None, 0.5);
        assert!(choice.reason.contains("no score"), "{}", choice.reason);
        // A draft of the middle model is kept as its own.
        let choice = rule.rule_on(&draft(Some(1), 1), Some(8.0), 0.5);
        assert_eq!(choice.action, 1);
    }

    #[test]
    fn the_first_steps_are_the_large_models_and_unjudged() {
        let rule = rule(Params {
            first: 2,
            ..Params::default()
        });
        let writers: Vec<usize> = (1..=4).map(|index| rule.writer(index, 3)).collect();
        assert_eq!(writers, [2, 2, 0, 0]);
        let judged = Review::Scored(DraftScore::Judge);
        assert_eq!(rule.review(&draft(Some(2), 1)), Review::None);
        assert_eq!(rule.review(&draft(Some(0), 2)), Review::None);
        assert_eq!(rule.review(&draft(Some(0), 3)), judged);
        assert_eq!(rule.review(&draft(Some(2), 3)), Review::None);
        assert_eq!(rule.review(&draft(None, 3)), Review::None);
        // Who writes the next step follows from its place.
        assert_eq!(rule.decide(&draft(Some(2), 1), 0.5).action, 2);
        assert_eq!(rule.decide(&draft(Some(2), 2), 0.5).action, 0);
    }
}
