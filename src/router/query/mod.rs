//! `query`: one choice a problem from its question alone (Damani et al.). A
//! small network reads features of the question and says how likely the large
//! model does better; the problems with the highest scores are its.

mod fit;
mod model;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::signal::observation::Observation;
use crate::trace::record::{QUERY, RouterFacts};

use super::given::{Given, quoted};
use super::spec::RouterError;
use super::{Choice, Router, RouterSpec, Timing};

pub use fit::{Example, FitError, Fitted, Label, Recipe, fit};
pub use model::{About, EncoderFacts, Problems, QUERY_FORMAT, QueryError, QueryFacts, QueryModel};

const NAME: &str = "query";
/// Share of the large model where neither a share nor a threshold is given.
const SHARE: f64 = 0.5;

/// Which problems are the large model's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cut {
    /// The share of problems with the highest scores, 0 to 1, as the scores of
    /// the calibration problems lie.
    Share(f64),
    /// Those with a score of at least this.
    Threshold(f64),
}

/// The parameters of the rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    pub cut: Cut,
    /// The folder of the trained model.
    pub file: Option<PathBuf>,
}

impl Params {
    /// Takes its parameters out of `given`.
    pub(super) fn read(given: &mut Given) -> Result<Self, RouterError> {
        let share = given.within(NAME, "share", 0.0..=1.0, "between 0 and 1")?;
        let t = given.within(NAME, "t", 0.0..=1.0, "between 0 and 1")?;
        let cut = match (share, t) {
            (Some(_), Some(_)) => return Err(RouterError::ShareAndThreshold),
            (None, Some(t)) => Cut::Threshold(t),
            (share, None) => Cut::Share(share.unwrap_or(SHARE)),
        };
        let file = given.remove("file").map(PathBuf::from);
        Ok(Self { cut, file })
    }

    pub(super) fn parameters(&self) -> BTreeMap<String, serde_json::Value> {
        // The folder's place does not shape results; its contents do.
        let (key, value) = match self.cut {
            Cut::Share(share) => ("share", share),
            Cut::Threshold(t) => ("t", t),
        };
        BTreeMap::from([(key.to_owned(), value.into())])
    }
}

impl fmt::Display for Params {
    /// What stands after the name in a spec.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cut {
            Cut::Share(share) => write!(f, ":share={share}")?,
            Cut::Threshold(t) => write!(f, ":t={t}")?,
        }
        match &self.file {
            Some(file) => write!(f, ",file={}", quoted(&file.display().to_string())),
            None => Ok(()),
        }
    }
}

/// The rule.
pub struct Query {
    model: Arc<QueryModel>,
    params: Params,
    /// Least score of a problem of the large model.
    threshold: f64,
}

impl Query {
    /// The rule by `model`, which belongs to the pool.
    ///
    /// # Errors
    /// [`QueryError::NoSpread`]: a share of scores that are all the same.
    pub fn new(model: Arc<QueryModel>, params: Params) -> Result<Self, QueryError> {
        if matches!(params.cut, Cut::Share(share) if share > 0.0 && share < 1.0)
            && model.facts.percentiles.first() == model.facts.percentiles.last()
        {
            let path = model.files.keys().next().cloned();
            return Err(QueryError::NoSpread {
                path: path.unwrap_or_else(|| "this model".to_owned()),
            });
        }
        let threshold = match params.cut {
            Cut::Share(share) => model.threshold(share),
            Cut::Threshold(t) => t,
        };
        Ok(Self {
            model,
            params,
            threshold,
        })
    }
}

impl Router for Query {
    fn facts(&self) -> RouterFacts {
        let mut facts = RouterSpec::Query(self.params.clone()).facts(self.model.files.clone());
        let more = [
            ("t", self.threshold.into()),
            ("encoder", self.model.facts.encoder.name.as_str().into()),
            ("label", self.model.facts.label.name().into()),
        ];
        let more = more.map(|(key, value)| (key.to_owned(), value));
        facts.parameters.extend(more);
        facts
    }

    fn timing(&self) -> Timing {
        Timing::OnQuestion
    }

    fn asks(&self) -> Option<&'static str> {
        Some(QUERY)
    }

    fn question_model(&self) -> Option<&Arc<QueryModel>> {
        Some(&self.model)
    }

    fn choose(&self, score: Option<f64>, models: usize) -> Choice {
        let last = models.saturating_sub(1);
        let t = self.threshold;
        let (action, reason) = match score.filter(|score| score.is_finite()) {
            Some(score) if score >= t => (last, format!("score {score:.3} reaches t = {t:.3}")),
            Some(score) => (0, format!("score {score:.3} is below t = {t:.3}")),
            None => (
                last,
                "no score of the question: the most capable model writes".to_owned(),
            ),
        };
        Choice {
            threshold: Some(t),
            ..Choice::certain(action, reason)
        }
    }

    fn decide(&self, observation: &Observation, _: f64) -> Choice {
        // After a step of a person nobody knows whose the problem was.
        let last = observation.models.saturating_sub(1);
        Choice {
            threshold: Some(self.threshold),
            ..Choice::certain(
                observation.writer.unwrap_or(last),
                "chosen for the whole problem",
            )
        }
    }
}

#[cfg(test)]
mod tests;
