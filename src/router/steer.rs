//! `steer:gamma=γ`: STEER (Lee et al., "Confidence-Guided Stepwise Model
//! Routing for Cost-Efficient Reasoning", its §3.2 and Algorithm 1).
//!
//! The confidences of all steps of one index are a mixture of confident and
//! unconfident ones. The small model writes the next step iff the posterior
//! Pr(confident | u_t) reaches γ. The first step is written by the small model
//! and, where it is unconfident, again by the large one (lines 1 to 10).
//!
//! The paper fits the mixture at each step to the traces that run beside each
//! other; here it is fitted before, to a log, and frozen: a trace alone has no
//! others beside it, and the same step must get the same decision twice. Where
//! there is no fit to decide by (too few values, one component, an index beyond
//! the last one), the large model goes on, with the reason.
//!
//! The posterior is the paper's own, also in the tails where it turns round:
//! see [`Mixture::posterior`](crate::signal::mixture::Mixture::posterior).
//!
//! One mixture holds the steps of all models, as the paper's does. Where one
//! model's confidences lie much closer together than the other's, the
//! components are the models rather than right and wrong: `assets/pair/README.md`
//! has the figures of the embedded pair, of which this is so.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::signal::confidence::Source;
use crate::signal::mixture::{self, Mixture};
use crate::signal::observation::Observation;
use crate::trace::record::RouterFacts;

use super::calibration::{CalibrationError, Kind, Loaded, PoolModel};
use super::post_hoc::is_below_last;
use super::{Choice, Review, Router, RouterSpec, Slide, Slider};

/// The fit that ships, of the embedded pair.
pub(super) const SHIPPED: &[u8] = include_bytes!("../../assets/pair/steer.json");

/// The mixtures of one pool by step index: the content of a `steer` file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mixtures {
    /// The confidence they are of.
    pub signal: String,
    /// `math` or `general`.
    pub domain: String,
    /// By rising index.
    pub fits: Vec<IndexFit>,
}

/// The fit to the confidences of all steps of one index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct IndexFit {
    /// t, from 1.
    pub index: u32,
    /// Values it was made from.
    pub n: usize,
    /// Values left out as too far away.
    pub dropped: usize,
    /// Steps of this index without a confidence.
    pub missing: usize,
    /// Steps of this index by the model that wrote them.
    pub steps_by_model: std::collections::BTreeMap<String, usize>,
    /// Also where the fit is one-sided, to look at.
    pub mixture: Option<Mixture>,
    /// Why nothing is decided by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degenerate: Option<String>,
    pub iterations: u32,
    pub converged: bool,
    pub log_likelihood: Option<f64>,
}

impl IndexFit {
    /// Puts what was found beside what it was found from.
    pub fn new(index: u32, found: &mixture::Fit) -> Self {
        Self {
            index,
            n: found.n,
            dropped: found.dropped,
            missing: 0,
            steps_by_model: std::collections::BTreeMap::new(),
            mixture: found.mixture,
            degenerate: found.degenerate.map(|why| why.to_string()),
            iterations: found.iterations,
            converged: found.converged,
            log_likelihood: found.log_likelihood,
        }
    }
}

impl Mixtures {
    /// Pr(confident | u) at step `index`.
    ///
    /// # Errors
    /// Why there is no mixture to tell, in words.
    pub fn posterior(&self, index: u32, u: f64) -> Result<f64, String> {
        let Some(fit) = self.fits.iter().find(|fit| fit.index == index) else {
            let last = self.fits.last().map_or(0, |fit| fit.index);
            return Err(format!(
                "no mixture for step {index}: the last is for step {last}"
            ));
        };
        match (&fit.degenerate, &fit.mixture) {
            (None, Some(mixture)) => Ok(mixture.posterior(u)),
            (Some(why), _) => Err(format!("degenerate mixture at step {index} ({why})")),
            (None, None) => Err(format!("no mixture for step {index}")),
        }
    }
}

impl Kind for Mixtures {
    const NAME: &'static str = "steer";

    fn fault(&self) -> Option<String> {
        let signal = self.signal.parse::<Source>();
        if signal.map(|signal| signal.domain().name()).ok() != Some(self.domain.as_str()) {
            return Some(format!(
                "the signal `{}` is no confidence over `{}` tokens",
                self.signal, self.domain
            ));
        }
        if !self
            .fits
            .windows(2)
            .all(|pair| pair[0].index < pair[1].index)
        {
            return Some("the fits are not in the order of their indices".to_owned());
        }
        let unsound = |fit: &&IndexFit| fit.mixture.is_some_and(|mixture| !mixture.is_sound());
        let fit = self.fits.iter().find(unsound)?;
        Some(format!("the mixture of step {} is none", fit.index))
    }
}

/// The router; made by `Steer::new`.
pub struct Steer {
    gamma: f64,
    signal: Source,
    spec: RouterSpec,
    mixtures: Loaded<Mixtures>,
}

impl Steer {
    /// The router of a spec for a pool.
    ///
    /// # Errors
    /// A calibration that is missing, of another pool or of another confidence.
    pub(super) fn new(
        (gamma, signal, file): (f64, Source, Option<&Path>),
        spec: &RouterSpec,
        pool: &[PoolModel],
    ) -> Result<Self, CalibrationError> {
        let mixtures = Loaded::<Mixtures>::find(file, SHIPPED, pool)?;
        let fitted = &mixtures.calibration.found.signal;
        if fitted != signal.name() {
            return Err(CalibrationError::Signal {
                path: mixtures.path(),
                fitted: fitted.clone(),
                read: signal.to_string(),
                kind: Mixtures::NAME,
            });
        }
        Ok(Self {
            gamma,
            signal,
            spec: spec.clone(),
            mixtures,
        })
    }

    /// Pr(confident | u) at step `index`, or why it is not known.
    ///
    /// # Errors
    /// As [`Mixtures::posterior`].
    pub fn posterior(&self, index: u32, u: f64) -> Result<f64, String> {
        self.mixtures.calibration.found.posterior(index, u)
    }

    /// [`Steer::judge`] for every γ.
    fn staircase(&self, seen: &Observation, confident: usize) -> Slide {
        let last = seen.models.saturating_sub(1);
        let posterior = seen.confidence.map(|u| self.posterior(seen.index, u));
        match posterior {
            Some(Ok(posterior)) => Slide::flip(posterior, confident, last),
            Some(Err(_)) | None => Slide::fixed(last),
        }
    }

    /// The model `confident` where the posterior reaches γ, else the most capable
    /// one.
    fn judge(&self, seen: &Observation, confident: usize) -> Choice {
        let last = seen.models.saturating_sub(1);
        let known = match seen.confidence {
            Some(u) => self
                .posterior(seen.index, u)
                .map(|posterior| (u, posterior)),
            None => Err("confidence unavailable".to_owned()),
        };
        let (action, reason) = match known {
            Ok((u, posterior)) => {
                let said = format!("Pr(confident) = {posterior:.3} at u = {u:.3}");
                match posterior >= self.gamma {
                    true => (confident, format!("{said} reaches γ = {}", self.gamma)),
                    false => (last, format!("{said} is below γ = {}", self.gamma)),
                }
            }
            Err(why) => (last, format!("{why}: the most capable model writes")),
        };
        Choice {
            threshold: Some(self.gamma),
            ..Choice::certain(action, reason)
        }
    }
}

impl Router for Steer {
    fn facts(&self) -> RouterFacts {
        self.spec.facts(self.mixtures.files.clone())
    }

    fn signal(&self) -> Source {
        self.signal
    }

    /// The first step is classified before it stands (line 2).
    fn review(&self, draft: &Observation) -> Review {
        match draft.index == 1 && is_below_last(draft) {
            true => Review::Observed,
            false => Review::None,
        }
    }

    fn slider(&self) -> Option<Slider> {
        Some(Slider {
            symbol: "γ",
            key: "gamma",
            value: self.gamma,
            range: Some((0.0, 1.0)),
        })
    }

    fn slide(&self, observation: &Observation) -> Slide {
        self.staircase(observation, 0)
    }

    fn slide_on(&self, draft: &Observation, _score: Option<f64>) -> Slide {
        self.staircase(draft, draft.writer.unwrap_or(0))
    }

    fn rule_on(&self, draft: &Observation, _score: Option<f64>, _draw: f64) -> Choice {
        self.judge(draft, draft.writer.unwrap_or(0))
    }

    fn decide(&self, observation: &Observation, _draw: f64) -> Choice {
        self.judge(observation, 0)
    }
}

#[cfg(test)]
mod tests;
