//! A trained query router on disk: `query.safetensors` (the network) beside
//! `query.json` (everything needed to know whether it fits).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::router::calibration::{PoolModel, other_pool};

use super::fit::{Fitted, Label, SHAPE, sigmoid, standardised};
use crate::policy::{Network, Normalisation, ShapeError};
use crate::trace::atomic::write_atomically;
use crate::trace::ids::sha256;

/// Format of `query.json` written by this version.
pub const QUERY_FORMAT: u32 = 1;
const FORMAT: u32 = QUERY_FORMAT;
const KIND: &str = "query";
const WEIGHTS: &str = "query.safetensors";
const FACTS: &str = "query.json";
/// Scores of the calibration problems that are kept: every percentile from the
/// lowest to the highest.
const PERCENTILES: usize = 101;

/// The content of `query.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryFacts {
    pub format: u32,
    /// Always `query`.
    pub kind: String,
    pub encoder: EncoderFacts,
    pub label: Label,
    /// The models of the pool, cheapest first.
    pub models: Vec<PoolModel>,
    /// Of the training.
    pub seed: u64,
    pub problems: Problems,
    /// Mean binary cross-entropy on the problems held out, in nats.
    pub held_out_loss: f64,
    /// The same of a constant score.
    pub constant_loss: f64,
    /// Scores of the calibration problems, the 0th to the 100th percentile.
    pub percentiles: Vec<f64>,
    pub normalisation: Normalisation,
    /// SHA-256 of the weights that belong to this description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// More facts of the training: command, data, the recipe …
    #[serde(default)]
    pub training: BTreeMap<String, serde_json::Value>,
}

/// Who turned questions into features.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncoderFacts {
    pub name: String,
    /// How many features there are.
    pub dimension: usize,
}

/// How many problems were used for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problems {
    pub training: usize,
    pub held_out: usize,
    pub calibration: usize,
}

/// What a trained network does not know of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// [`QuestionEncoder::name`](crate::model::scorer::step::QuestionEncoder::name).
    pub encoder: String,
    pub models: Vec<PoolModel>,
    pub training: BTreeMap<String, serde_json::Value>,
}

/// A model that scores questions.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryModel {
    pub facts: QueryFacts,
    pub(super) network: Network,
    /// SHA-256 of the files it was read from, by path.
    pub files: BTreeMap<String, String>,
}

/// A query router that cannot be read or does not fit.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error("cannot read the query router's file {path}: {source}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("cannot write the query router's file {path}: {source}")]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} does not describe a query router: {source}")]
    Json {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{path} describes {found}, not a router of the kind `{KIND}`")]
    Kind { path: PathBuf, found: String },
    #[error("{path} has format {found}; this version reads format {FORMAT}")]
    Format { path: PathBuf, found: u32 },
    #[error("the query router's {what} in {path} must {must}")]
    Invalid {
        path: PathBuf,
        what: &'static str,
        must: String,
    },
    #[error("the weights {path} do not fit their description: {source}")]
    Weights { path: PathBuf, source: ShapeError },
    #[error(
        "{path} was trained for another pool: {what}; train one for this pool by `pointsman \
         calibrate query`"
    )]
    Pool { path: PathBuf, what: String },
    #[error(
        "router `query`: all calibration problems have the same score under {path}, so that no \
         share of them can be chosen: train on more problems, or give a threshold by `t=`"
    )]
    NoSpread { path: String },
    #[error(
        "router `query` needs a model trained for this pool: make one from a forest by `pointsman \
         calibrate query --log LOGS --out DIR`, and name it by `file=DIR` (the one that ships \
         is of another pool: {what})"
    )]
    None { what: String },
    #[error(
        "this query router reads {dimension} features of the encoder `{trained}`, but `{here}` \
         encodes the questions here: name that encoder in the pool's [embeddings] or train again"
    )]
    Encoder {
        trained: String,
        dimension: usize,
        here: String,
    },
    #[error(
        "this query router reads {expected} features of the encoder `{encoder}`, which gave {found}"
    )]
    Dimension {
        encoder: String,
        expected: usize,
        found: usize,
    },
    #[error("the question's features hold a value that is no finite number")]
    NotFinite,
    #[error("no calibration problem: a share of the problems needs their scores")]
    NoCalibration,
}

/// What tells kinds and versions apart, whatever else a file holds.
#[derive(Deserialize)]
struct Head {
    format: u32,
    #[serde(default)]
    kind: Option<String>,
}

impl QueryModel {
    /// A trained network with what it was made from; `calibration` are the
    /// features of problems it has not seen.
    ///
    /// # Errors
    /// [`QueryError::NoCalibration`], [`QueryError::Dimension`].
    pub fn new(fitted: Fitted, about: About, calibration: &[Vec<f32>]) -> Result<Self, QueryError> {
        let mut training = about.training;
        training.insert("epoch".to_owned(), fitted.epoch.into());
        let recipe = fitted.recipe;
        for (key, value) in [
            ("epochs", recipe.epochs.into()),
            ("batch", recipe.batch.into()),
            ("rate", recipe.rate.into()),
            ("held_out", recipe.held_out.into()),
            ("patience", recipe.patience.into()),
        ] {
            training.insert(key.to_owned(), value);
        }
        let mut model = Self {
            facts: QueryFacts {
                format: FORMAT,
                kind: KIND.to_owned(),
                encoder: EncoderFacts {
                    name: about.encoder,
                    dimension: fitted.network.features(),
                },
                label: recipe.label,
                models: about.models,
                seed: recipe.seed,
                problems: Problems {
                    training: fitted.trained,
                    held_out: fitted.held_out,
                    calibration: calibration.len(),
                },
                held_out_loss: fitted.held_out_loss,
                constant_loss: fitted.constant_loss,
                percentiles: Vec::new(),
                normalisation: fitted.normalisation,
                weights: None,
                training,
            },
            network: fitted.network,
            files: BTreeMap::new(),
        };
        let scores = calibration.iter().map(|features| model.score(features));
        let scores = scores.collect::<Result<Vec<f64>, _>>()?;
        model.facts.percentiles = percentiles(scores).ok_or(QueryError::NoCalibration)?;
        Ok(model)
    }

    /// How likely the large model does better (or the small one fails), 0 to 1.
    ///
    /// # Errors
    /// [`QueryError::Dimension`], [`QueryError::NotFinite`].
    pub fn score(&self, features: &[f32]) -> Result<f64, QueryError> {
        let encoder = &self.facts.encoder;
        if features.len() != encoder.dimension {
            return Err(QueryError::Dimension {
                encoder: encoder.name.clone(),
                expected: encoder.dimension,
                found: features.len(),
            });
        }
        let inputs = standardised(&self.facts.normalisation, features);
        let logit = self.network.logits(&inputs).first().copied();
        let score = logit.map(sigmoid).filter(|score| score.is_finite());
        score.ok_or(QueryError::NotFinite)
    }

    /// The least score of the `share` of problems with the highest scores, as
    /// the calibration problems lie. More than that share reach it where many
    /// have the same score.
    pub fn threshold(&self, share: f64) -> f64 {
        if share <= 0.0 {
            // No score is above 1.
            return 1.0_f64.next_up();
        }
        if share >= 1.0 {
            return 0.0;
        }
        between(&self.facts.percentiles, 1.0 - share).unwrap_or(0.5)
    }

    /// The model for a pool: of the folder named, or else the one that ships,
    /// where it is of this pool.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn find(folder: Option<&Path>, pool: &[PoolModel]) -> Result<Self, QueryError> {
        if let Some(folder) = folder {
            let model = Self::load(folder)?;
            return match other_pool(&model.facts.models, pool) {
                None => Ok(model),
                Some(what) => Err(QueryError::Pool {
                    path: folder.to_owned(),
                    what,
                }),
            };
        }
        let model = Self::embedded()?;
        match other_pool(&model.facts.models, pool) {
            None => Ok(model),
            Some(what) => Err(QueryError::None { what }),
        }
    }

    /// The model that ships, for the embedded pair.
    ///
    /// # Errors
    /// Those of reading it; a test reads it.
    pub fn embedded() -> Result<Self, QueryError> {
        let path = |name: &str| PathBuf::from(format!("embedded:{name}"));
        Self::parse(
            (
                &path(FACTS),
                include_bytes!("../../../assets/query/query.json"),
            ),
            (
                &path(WEIGHTS),
                include_bytes!("../../../assets/query/query.safetensors"),
            ),
        )
    }

    /// Reads `query.json` and `query.safetensors` from a folder.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn load(folder: &Path) -> Result<Self, QueryError> {
        let (facts, weights) = (folder.join(FACTS), folder.join(WEIGHTS));
        let read = |path: &Path| {
            std::fs::read(path).map_err(|source| QueryError::Read {
                path: path.to_owned(),
                source,
            })
        };
        let (facts_bytes, weights_bytes) = (read(&facts)?, read(&weights)?);
        Self::parse((&facts, &facts_bytes), (&weights, &weights_bytes))
    }

    /// Reads both files, each with the path that messages name.
    fn parse(
        (facts_path, facts_bytes): (&Path, &[u8]),
        (weights_path, weights_bytes): (&Path, &[u8]),
    ) -> Result<Self, QueryError> {
        let facts = parse(facts_bytes, facts_path)?;
        check(&facts, facts_path)?;
        let network = Network::read(weights_bytes, SHAPE, facts.encoder.dimension, 1);
        let network = network.map_err(|source| QueryError::Weights {
            path: weights_path.to_owned(),
            source,
        })?;
        let hash = sha256(weights_bytes);
        if facts.weights.as_ref().is_some_and(|known| *known != hash) {
            return Err(QueryError::Invalid {
                path: weights_path.to_owned(),
                what: "weights",
                must: format!("be those that {FACTS} was written with"),
            });
        }
        let named = |path: &Path| path.display().to_string();
        let files = BTreeMap::from([
            (named(facts_path), sha256(facts_bytes)),
            (named(weights_path), hash),
        ]);
        Ok(Self {
            facts,
            network,
            files,
        })
    }

    /// Writes both files, each atomically (a temporary file, then a rename).
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn save(&self, folder: &Path) -> Result<(), QueryError> {
        let facts_path = folder.join(FACTS);
        let weights_path = folder.join(WEIGHTS);
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| QueryError::Write { path, source }
        };
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
        let weights = self.network.to_safetensors();
        let weights = weights.map_err(|source| QueryError::Weights {
            path: weights_path.clone(),
            source,
        })?;
        let facts = QueryFacts {
            weights: Some(sha256(&weights)),
            ..self.facts.clone()
        };
        let json = serde_json::to_vec(&facts).map_err(|source| QueryError::Json {
            path: facts_path.clone(),
            source,
        })?;
        write_atomically(&weights_path, &weights).map_err(failed(&weights_path))?;
        write_atomically(&facts_path, &json).map_err(failed(&facts_path))
    }

    /// Refuses an encoder other than the one trained on.
    ///
    /// # Errors
    /// [`QueryError::Encoder`].
    pub fn check_encoder(&self, name: &str) -> Result<(), QueryError> {
        let encoder = &self.facts.encoder;
        if encoder.name == name {
            return Ok(());
        }
        Err(QueryError::Encoder {
            trained: encoder.name.clone(),
            dimension: encoder.dimension,
            here: name.to_owned(),
        })
    }
}

fn parse(bytes: &[u8], path: &Path) -> Result<QueryFacts, QueryError> {
    let json = |source| QueryError::Json {
        path: path.to_owned(),
        source,
    };
    let head: Head = serde_json::from_slice(bytes).map_err(json)?;
    if head.kind.as_deref() != Some(KIND) {
        return Err(QueryError::Kind {
            path: path.to_owned(),
            found: head.kind.map_or_else(
                || "no kind of router".to_owned(),
                |kind| format!("`{kind}`"),
            ),
        });
    }
    if head.format != FORMAT {
        return Err(QueryError::Format {
            path: path.to_owned(),
            found: head.format,
        });
    }
    serde_json::from_slice(bytes).map_err(json)
}

fn check(facts: &QueryFacts, path: &Path) -> Result<(), QueryError> {
    let invalid = |what, must: &str| {
        Err(QueryError::Invalid {
            path: path.to_owned(),
            what,
            must: must.into(),
        })
    };
    if facts.models.len() < 2 {
        return invalid("models", "name two or more models");
    }
    let dimension = facts.encoder.dimension;
    if dimension == 0 || !facts.normalisation.is_sound(dimension) {
        return invalid(
            "normalisation",
            "have one finite mean and one scale above 0 for each of the encoder's features",
        );
    }
    let percentiles = &facts.percentiles;
    let in_range = percentiles.iter().all(|score| (0.0..=1.0).contains(score));
    if percentiles.len() != PERCENTILES || !percentiles.is_sorted() || !in_range {
        return invalid("percentiles", "be 101 rising scores between 0 and 1");
    }
    Ok(())
}

/// The 0th to the 100th percentile; `None` of no scores.
fn percentiles(mut scores: Vec<f64>) -> Option<Vec<f64>> {
    scores.sort_by(f64::total_cmp);
    let rank = |percent: usize| percent as f64 / (PERCENTILES - 1) as f64;
    (0..PERCENTILES)
        .map(|percent| between(&scores, rank(percent)))
        .collect()
}

/// The value at a rank from 0 to 1 among sorted values, on the line between
/// the two beside it.
fn between(sorted: &[f64], rank: f64) -> Option<f64> {
    let place = rank * (sorted.len().checked_sub(1)? as f64);
    let below = place.floor() as usize;
    let low = sorted.get(below)?;
    let high = sorted.get(below + 1).unwrap_or(low);
    Some(low + (high - low) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_worked_out_by_hand() {
        let scores = percentiles(vec![0.8, 0.2, 0.4]).unwrap();
        assert_eq!(scores.len(), PERCENTILES);
        assert_eq!((scores[0], scores[50], scores[100]), (0.2, 0.4, 0.8));
        // A quarter of the way: halfway between the first two.
        assert!((scores[25] - 0.3).abs() < 1e-12);
        assert_eq!(percentiles(vec![0.7]).unwrap(), [0.7; PERCENTILES]);
        assert_eq!(percentiles(Vec::new()), None);
    }
}
