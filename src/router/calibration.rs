//! Calibration files: what `calibrate steer` and `calibrate percentile` found
//! in logs, frozen, so that one problem alone is routed as any other would be.
//!
//! Both kinds share their head: of which pool they are, and from which logs.
//! A file is checked against the pool when the router is built: confidences of
//! other weights have another scale, and deciding by them fails silently.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::problem::split::Split;
use crate::trace::ids::sha256;
use crate::trace::record::ModelFacts;

use super::steer::{self, Mixtures};

/// Format of the files this version writes and reads.
pub const FORMAT: u32 = 1;

/// What a file is for; also the name of the router that reads it.
pub trait Kind: DeserializeOwned {
    const NAME: &'static str;

    /// What is wrong with its numbers.
    fn fault(&self) -> Option<String>;
}

/// A calibration file: its head, and what was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration<K> {
    pub format: u32,
    /// [`Kind::NAME`].
    pub kind: String,
    /// Version of pointsman.
    pub version: String,
    pub pool: Vec<PoolModel>,
    pub source: SourceFacts,
    pub seed: u64,
    #[serde(flatten)]
    pub found: K,
}

/// What tells a model of a pool from another, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolModel {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The name the server knows the model by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Hash of the weights, where the model runs in the program's process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
}

/// What the values were taken from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SourceFacts {
    pub logs: Vec<LogFacts>,
    pub splits: Vec<Split>,
    pub problems: usize,
    /// Steps that were looked at.
    pub steps: usize,
    /// Of them, by the model that wrote them.
    pub steps_by_model: BTreeMap<String, usize>,
}

/// A log by its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFacts {
    /// File name without its folder.
    pub name: String,
    pub sha256: String,
}

/// A calibration with the file it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded<K> {
    pub calibration: Calibration<K>,
    /// SHA-256 of the file by its path.
    pub files: BTreeMap<String, String>,
}

/// A calibration file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationError {
    #[error("cannot read the calibration file {path}: {source}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} is no calibration file: {source}")]
    Json {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{path} has format {found}; this version reads format {FORMAT}")]
    Format { path: PathBuf, found: u32 },
    #[error(
        "{path} is a `{found}` file, and the router `{wanted}` needs a `{wanted}` file: make one \
         by `pointsman calibrate {wanted}`"
    )]
    Kind {
        path: PathBuf,
        found: String,
        wanted: &'static str,
    },
    #[error("{path}: {fault}")]
    Invalid { path: PathBuf, fault: String },
    #[error(
        "{path} was made from logs of another pool: {what}; make one for this pool by \
         `pointsman calibrate {kind}`"
    )]
    Pool {
        path: PathBuf,
        what: String,
        kind: &'static str,
    },
    #[error(
        "{path} was fitted to the confidence `{fitted}`, and the router reads `{read}`: write \
         `signal={fitted}`, or fit one by `pointsman calibrate {kind} --signal {read}`"
    )]
    Signal {
        path: PathBuf,
        fitted: String,
        read: String,
        kind: &'static str,
    },
    #[error(
        "router `{kind}` needs a calibration file of this pool: make one from a log by \
         `pointsman calibrate {kind} --log LOG --out FILE`, and name it by `file=FILE` ({why})"
    )]
    None { kind: &'static str, why: String },
}

impl From<&ModelFacts> for PoolModel {
    fn from(facts: &ModelFacts) -> Self {
        Self {
            name: facts.name.clone(),
            server: Some(facts.server.clone()),
            model: facts.model.clone(),
            weights: facts.weights.clone(),
        }
    }
}

impl From<&Self> for PoolModel {
    fn from(model: &Self) -> Self {
        model.clone()
    }
}

/// A model of which nothing but its name is known: of a script, or a test.
impl From<&String> for PoolModel {
    fn from(name: &String) -> Self {
        Self {
            name: name.clone(),
            server: None,
            model: None,
            weights: None,
        }
    }
}

impl PoolModel {
    /// What tells this model from one of the same place in another pool; what
    /// is unknown of either tells nothing.
    fn differs(&self, other: &Self) -> Option<String> {
        let unequal = |a: &Option<String>, b: &Option<String>| a.is_some() && b.is_some() && a != b;
        let name = &self.name;
        if self.name != other.name {
            return Some(format!(
                "it has `{name}` where this one has `{}`",
                other.name
            ));
        }
        if unequal(&self.weights, &other.weights) {
            return Some(format!("its `{name}` has other weights"));
        }
        // With equal weights it is the same model, whoever runs it.
        let known = self.weights.is_some() && other.weights.is_some();
        let elsewhere = unequal(&self.server, &other.server) || unequal(&self.model, &other.model);
        (elsewhere && !known).then(|| format!("its `{name}` is {}", self.place()))
    }

    fn place(&self) -> String {
        let model = self.model.as_deref().unwrap_or("a model");
        format!("`{model}` at `{}`", self.server.as_deref().unwrap_or("?"))
    }
}

/// What tells one pool from another first.
pub fn other_pool(one: &[PoolModel], other: &[PoolModel]) -> Option<String> {
    if one.len() != other.len() {
        return Some(format!(
            "it has {} models, this one has {}",
            one.len(),
            other.len()
        ));
    }
    one.iter().zip(other).find_map(|(a, b)| a.differs(b))
}

/// Whether a pool is the one that the calibrations inside the program are of.
pub fn is_shipped(pool: &[PoolModel]) -> bool {
    Loaded::<Mixtures>::find(None, steer::SHIPPED, pool).is_ok()
}

/// What must be known of a file before anything else of it is read.
#[derive(Deserialize)]
struct Head {
    format: u32,
    kind: String,
}

impl<K: Kind> Loaded<K> {
    /// The calibration for a pool: of the file named, or else the one that
    /// ships, where it is of this pool.
    ///
    /// # Errors
    /// A file that cannot be read, is of another kind or of another pool; none
    /// named where none ships.
    pub fn find(
        file: Option<&Path>,
        shipped: &'static [u8],
        pool: &[PoolModel],
    ) -> Result<Self, CalibrationError> {
        match file {
            Some(path) => {
                let bytes = std::fs::read(path).map_err(|source| CalibrationError::Read {
                    path: path.to_owned(),
                    source,
                })?;
                Self::parse(path, &bytes)?.of_pool(path, pool)
            }
            None => {
                let path = PathBuf::from(format!("embedded:{}.json", K::NAME));
                let found = Self::parse(&path, shipped)?.of_pool(&path, pool);
                found.map_err(|error| match error {
                    CalibrationError::Pool { what, kind, .. } => {
                        let why = format!("the one that ships is of another pool: {what}");
                        CalibrationError::None { kind, why }
                    }
                    other => other,
                })
            }
        }
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, CalibrationError> {
        let json = |source| CalibrationError::Json {
            path: path.to_owned(),
            source,
        };
        let head: Head = serde_json::from_slice(bytes).map_err(json)?;
        if head.format != FORMAT {
            return Err(CalibrationError::Format {
                path: path.to_owned(),
                found: head.format,
            });
        }
        if head.kind != K::NAME {
            return Err(CalibrationError::Kind {
                path: path.to_owned(),
                found: head.kind,
                wanted: K::NAME,
            });
        }
        let calibration: Calibration<K> = serde_json::from_slice(bytes).map_err(json)?;
        if let Some(fault) = calibration.found.fault() {
            return Err(CalibrationError::Invalid {
                path: path.to_owned(),
                fault,
            });
        }
        Ok(Self {
            calibration,
            files: BTreeMap::from([(path.display().to_string(), sha256(bytes))]),
        })
    }

    fn of_pool(self, path: &Path, pool: &[PoolModel]) -> Result<Self, CalibrationError> {
        match other_pool(&self.calibration.pool, pool) {
            None => Ok(self),
            Some(what) => Err(CalibrationError::Pool {
                path: path.to_owned(),
                what,
                kind: K::NAME,
            }),
        }
    }

    /// Where it was read from.
    pub(super) fn path(&self) -> PathBuf {
        self.files
            .keys()
            .next()
            .map(PathBuf::from)
            .unwrap_or_default()
    }
}

#[cfg(test)]
pub(super) mod tests;
