//! A trained policy on disk: `policy.safetensors` (the network) beside
//! `policy.json` (everything needed to know whether it fits).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::network::{Network, ShapeError};
use super::normalisation::Normalisation;
use crate::trace::atomic::write_atomically;
use crate::trace::ids::sha256;

/// Format of `policy.json` written by this version.
pub const CHECKPOINT_FORMAT: u32 = 1;
const FORMAT: u32 = CHECKPOINT_FORMAT;
const WEIGHTS: &str = "policy.safetensors";
const FACTS: &str = "policy.json";

/// The content of `policy.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFacts {
    pub format: u32,
    /// Names of the features, in the order the network reads them.
    pub features: Vec<String>,
    pub normalisation: Normalisation,
    /// Names of the pool's models, cheapest first: the actions.
    pub models: Vec<String>,
    /// The threshold κ on π(a|o).
    pub kappa: f64,
    /// The last ε of the annealed stochastic policy.
    pub epsilon: f64,
    /// Which confidence the policy was trained on: `logit`, `prob` or `sampled`.
    pub signal: String,
    /// `per-step` or `absorbing`.
    pub escalation: String,
    /// SHA-256 of the weights that belong to this description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// Training facts: command, seed, α, iterations, data, wall time …
    #[serde(default)]
    pub training: BTreeMap<String, serde_json::Value>,
}

/// A policy that can decide.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    pub facts: PolicyFacts,
    pub network: Network,
    /// SHA-256 of the files it was read from, by path.
    pub files: BTreeMap<String, String>,
}

/// A checkpoint that cannot be read or does not fit.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("cannot read the policy file {path}: {source}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("cannot write the policy file {path}: {source}")]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} is not a policy description: {source}")]
    Json {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{path} has format {found}; this version reads format {FORMAT}")]
    Format { path: PathBuf, found: u32 },
    #[error("the policy's {what} in {path} must {must}")]
    Invalid {
        path: PathBuf,
        what: &'static str,
        must: String,
    },
    #[error("the weights {path} do not fit their description: {source}")]
    Weights { path: PathBuf, source: ShapeError },
    #[error(
        "this policy was trained for the pool [{trained}], but the pool here is [{here}]: \
         train one for this pool or choose another router"
    )]
    Pool { trained: String, here: String },
    #[error(
        "this policy reads the feature `{feature}`, which this version does not compute \
         (known: {known})"
    )]
    Feature { feature: String, known: String },
}

impl Checkpoint {
    /// Reads `policy.json` and `policy.safetensors` from a folder.
    pub fn load(folder: &Path) -> Result<Self, CheckpointError> {
        let facts_path = folder.join(FACTS);
        let weights_path = folder.join(WEIGHTS);
        let read = |path: &Path| {
            std::fs::read(path).map_err(|source| CheckpointError::Read {
                path: path.to_owned(),
                source,
            })
        };
        let facts = (facts_path.as_path(), read(&facts_path)?);
        let weights = (weights_path.as_path(), read(&weights_path)?);
        Self::parse(facts, weights)
    }

    /// The policy that ships with the program, for its embedded pair.
    pub fn embedded() -> Result<Self, CheckpointError> {
        const FACTS: &[u8] = include_bytes!("../../assets/policy/policy.json");
        const WEIGHTS: &[u8] = include_bytes!("../../assets/policy/policy.safetensors");
        Self::parse(
            (Path::new("embedded:policy.json"), FACTS.to_vec()),
            (Path::new("embedded:policy.safetensors"), WEIGHTS.to_vec()),
        )
    }

    /// From the content of both files, with the names they go by.
    fn parse(facts: (&Path, Vec<u8>), weights: (&Path, Vec<u8>)) -> Result<Self, CheckpointError> {
        let (facts_path, facts_bytes) = facts;
        let (weights_path, weights_bytes) = weights;
        let facts: PolicyFacts =
            serde_json::from_slice(&facts_bytes).map_err(|source| CheckpointError::Json {
                path: facts_path.to_owned(),
                source,
            })?;
        check(&facts, facts_path)?;
        let (features, models) = (facts.features.len(), facts.models.len());
        let network =
            Network::from_safetensors(&weights_bytes, features, models).map_err(|source| {
                CheckpointError::Weights {
                    path: weights_path.to_owned(),
                    source,
                }
            })?;
        if facts
            .weights
            .as_ref()
            .is_some_and(|known| *known != sha256(&weights_bytes))
        {
            return Err(CheckpointError::Invalid {
                path: weights_path.to_owned(),
                what: "weights",
                must: format!("be those that {FACTS} was written with"),
            });
        }
        let files = [(facts_path, facts_bytes), (weights_path, weights_bytes)];
        let hashed = files.map(|(path, bytes)| (path.display().to_string(), sha256(&bytes)));
        Ok(Self {
            facts,
            network,
            files: BTreeMap::from(hashed),
        })
    }

    /// Writes both files, each atomically (a temporary file, then a rename).
    pub fn save(&self, folder: &Path) -> Result<(), CheckpointError> {
        let facts_path = folder.join(FACTS);
        let weights_path = folder.join(WEIGHTS);
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| CheckpointError::Write { path, source }
        };
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
        let weights = self
            .network
            .to_safetensors()
            .map_err(|source| CheckpointError::Weights {
                path: weights_path.clone(),
                source,
            })?;
        write_atomically(&weights_path, &weights).map_err(failed(&weights_path))?;
        let facts = PolicyFacts {
            weights: Some(sha256(&weights)),
            ..self.facts.clone()
        };
        let json = serde_json::to_vec_pretty(&facts).map_err(|source| CheckpointError::Json {
            path: facts_path.clone(),
            source,
        })?;
        write_atomically(&facts_path, &json).map_err(failed(&facts_path))
    }

    /// Refuses a pool or a feature set other than the one trained for.
    pub fn check_fits(&self, models: &[String], known: &[String]) -> Result<(), CheckpointError> {
        if self.facts.models != models {
            return Err(CheckpointError::Pool {
                trained: self.facts.models.join(", "),
                here: models.join(", "),
            });
        }
        match self.facts.features.iter().find(|f| !known.contains(f)) {
            Some(feature) => Err(CheckpointError::Feature {
                feature: feature.clone(),
                known: known.join(", "),
            }),
            None => Ok(()),
        }
    }

    /// The network's input for features in the checkpoint's order; see
    /// [`Normalisation::encode`].
    pub fn encode(&self, values: &[Option<f64>]) -> Vec<f64> {
        let facts = &self.facts;
        facts.normalisation.encode(&facts.features, values)
    }
}

fn check(facts: &PolicyFacts, path: &Path) -> Result<(), CheckpointError> {
    if facts.format != FORMAT {
        return Err(CheckpointError::Format {
            path: path.to_owned(),
            found: facts.format,
        });
    }
    let invalid = |what, must: &str| {
        Err(CheckpointError::Invalid {
            path: path.to_owned(),
            what,
            must: must.into(),
        })
    };
    if facts.features.is_empty() {
        return invalid("features", "name at least one feature");
    }
    if facts.models.len() < 2 {
        return invalid("models", "name two or more models");
    }
    if !facts.normalisation.is_sound(facts.features.len()) {
        return invalid(
            "normalisation",
            "have one finite mean and one scale above 0 for each feature, and rising ranks",
        );
    }
    if !(0.0..=1.0).contains(&facts.kappa) {
        return invalid("kappa", "lie in [0, 1]");
    }
    if !["logit", "prob", "sampled"].contains(&facts.signal.as_str()) {
        return invalid("signal", "be `logit`, `prob` or `sampled`");
    }
    if !["per-step", "absorbing"].contains(&facts.escalation.as_str()) {
        return invalid("escalation", "be `per-step` or `absorbing`");
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::network::HIDDEN;
    use super::*;

    /// A hand-made policy over `confidence` alone whose π(large) falls through
    /// one half where the confidence crosses 0.5.
    pub(crate) fn by_confidence(models: &[&str]) -> Checkpoint {
        let mut layers = Vec::new();
        let mut inputs = 1;
        for width in HIDDEN {
            let mut weight = vec![0.0; inputs * width];
            weight[0] = 1.0;
            layers.push((inputs, weight, vec![0.0; width]));
            inputs = width;
        }
        let mut weight = vec![0.0; inputs * models.len()];
        let last = (models.len() - 1) * inputs;
        weight[0] = 4.0;
        weight[last] = -4.0;
        layers.push((inputs, weight, vec![0.0; models.len()]));
        Checkpoint {
            facts: PolicyFacts {
                format: FORMAT,
                features: vec!["confidence".into()],
                normalisation: Normalisation {
                    mean: vec![0.5],
                    scale: vec![0.25],
                    ranks: BTreeMap::new(),
                },
                models: models.iter().map(|m| (*m).to_owned()).collect(),
                kappa: 0.5,
                epsilon: 0.01,
                signal: "prob".into(),
                escalation: "per-step".into(),
                weights: None,
                training: BTreeMap::new(),
            },
            network: Network::from_layers(layers),
            files: BTreeMap::new(),
        }
    }

    #[test]
    fn a_checkpoint_survives_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let policy = by_confidence(&["small", "large"]);
        policy.save(folder.path()).unwrap();
        let again = Checkpoint::load(folder.path()).unwrap();
        assert_eq!(again.network, policy.network);
        assert!(again.facts.weights.is_some());
        let facts = PolicyFacts {
            weights: None,
            ..again.facts.clone()
        };
        assert_eq!(facts, policy.facts);
        // The description of one policy with the weights of another.
        let other = Checkpoint {
            network: by_confidence(&["a", "b", "c"]).network,
            ..policy.clone()
        };
        let strange = tempfile::tempdir().unwrap();
        other.save(strange.path()).unwrap();
        std::fs::copy(folder.path().join(FACTS), strange.path().join(FACTS)).unwrap();
        let error = Checkpoint::load(strange.path()).unwrap_err().to_string();
        assert!(error.contains("weights"), "{error}");
        assert_eq!(again.files.len(), 2);
        assert!(again.files.values().all(|hash| hash.len() == 64));
    }

    #[test]
    fn a_policy_for_another_pool_or_feature_set_is_refused_with_the_reason() {
        let policy = by_confidence(&["small", "large"]);
        let known = vec!["confidence".to_owned()];
        let pool = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert!(
            policy
                .check_fits(&pool(&["small", "large"]), &known)
                .is_ok()
        );
        let error = policy
            .check_fits(&pool(&["a", "b"]), &known)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("trained for the pool [small, large]"),
            "{error}"
        );
        assert!(error.contains("[a, b]"), "{error}");
        let error = policy
            .check_fits(&pool(&["small", "large"]), &[])
            .unwrap_err()
            .to_string();
        assert!(error.contains("`confidence`"), "{error}");
    }

    #[test]
    fn broken_descriptions_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut policy = by_confidence(&["small", "large"]);
        policy.facts.kappa = 1.5;
        policy.save(folder.path()).unwrap();
        let error = Checkpoint::load(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("kappa") && error.contains("[0, 1]"),
            "{error}"
        );
        policy.facts.kappa = 0.5;
        policy.facts.normalisation.scale = vec![0.0];
        policy.save(folder.path()).unwrap();
        assert!(Checkpoint::load(folder.path()).is_err());
    }
}
