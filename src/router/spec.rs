//! Router specs: `threshold:t=0.8`, `random:p=0.3`, `policy:path=DIR` …
//! One parser and one printer; what is printed parses to the same spec.

mod calibrated;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use crate::policy::{Checkpoint, CheckpointError};
use crate::signal::confidence::{Contradiction, Source};
use crate::signal::observation::Observation;
use crate::trace::record::RouterFacts;

use super::calibration::{CalibrationError, PoolModel};
use super::given::{Given, quoted};
use super::query::{self, QueryError, QueryModel};
use super::{Router, fixed, percentile, policy, rsd, specreason, steer, threshold};
use calibrated::{percentile_spec, signal, steer_spec};

/// The routers this version knows, as they are written.
const KNOWN: &str = "small, large, random:p=P, threshold:t=T[,signal=S], \
     percentile:p=P[,signal=S][,file=F], \
     steer:gamma=G[,signal=S][,domain=math|general][,file=F], \
     rsd[:delta=D][,accept=threshold|constant|clip|ratio|logistic][,a=A][,p=P], \
     specreason[:tau=T][,first=N][,score=expected|greedy], query[:share=S|t=T][,file=DIR], \
     policy[:path=DIR]";
const NAMES: [&str; 10] = [
    "small",
    "large",
    "random",
    "threshold",
    "percentile",
    "steer",
    "policy",
    "rsd",
    "specreason",
    "query",
];

/// t where none is given and the pool has no calibrated one: a start to look
/// at, not a calibration.
pub const DEFAULT_THRESHOLD: f64 = 0.8;

/// A router and its parameters as a person writes them.
#[derive(Debug, Clone, PartialEq)]
pub enum RouterSpec {
    Small,
    Large,
    /// The large model with probability `p`.
    Random {
        p: f64,
    },
    /// Large next iff the confidence is below `t`; `None`: the pool's
    /// calibrated value.
    Threshold {
        t: Option<f64>,
        signal: Source,
    },
    /// Large next iff the confidence is below the `p`-th percentile for its
    /// step; `file` `None`: the one that ships, for the embedded pair.
    Percentile {
        p: f64,
        signal: Source,
        file: Option<PathBuf>,
    },
    /// Small next iff the posterior of being confident reaches `gamma`; `file`
    /// as above.
    Steer {
        gamma: f64,
        signal: Source,
        file: Option<PathBuf>,
    },
    /// A trained policy in a folder; `None`: the one that ships with the
    /// program, for its embedded pair.
    Policy {
        path: Option<PathBuf>,
    },
    /// A reward model rules on the cheapest model's drafts.
    Rsd(rsd::Accept),
    /// A judge rules on the cheapest model's drafts.
    SpecReason(specreason::Params),
    /// One model for a whole problem, from its question.
    Query(query::Params),
}

/// A spec that cannot be read or a router that cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum RouterError {
    #[error("unknown router `{name}`{hint}: known are {KNOWN}")]
    Unknown { name: String, hint: String },
    #[error("router `{router}` has no parameter `{key}`: it takes {takes}")]
    Parameter {
        router: String,
        key: String,
        takes: &'static str,
    },
    #[error("router `{router}`: `{key}={value}` must be {must}")]
    Value {
        router: &'static str,
        key: &'static str,
        value: String,
        must: &'static str,
    },
    #[error(
        "router `{spec}`: write parameters as `key=value`, separated by commas; quote a value that holds one: `path=\"a,b\"`"
    )]
    Syntax { spec: String },
    #[error("router `{router}` gives `{key}` twice")]
    Repeated { router: String, key: String },
    #[error(
        "router `threshold` needs its t with `signal={signal}`, e.g. \
         `threshold:t={example},signal={signal}`: only of probabilities is there a start"
    )]
    NoThreshold {
        signal: Source,
        example: &'static str,
    },
    #[error("router `{router}` needs {what}, e.g. `{example}`")]
    Needs {
        router: &'static str,
        what: &'static str,
        example: &'static str,
    },
    #[error(
        "router `query` takes `share` or `t`, not both: t is the threshold itself, share the part \
         of the problems that reach it"
    )]
    ShareAndThreshold,
    #[error("router `steer`: {0}")]
    Domain(#[from] Contradiction),
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl FromStr for RouterSpec {
    type Err = RouterError;

    fn from_str(text: &str) -> Result<Self, RouterError> {
        let (name, rest) = text.trim().split_once(':').unwrap_or((text.trim(), ""));
        let mut given = Given::parse(text, name, rest)?;
        let spec = match name {
            "small" => Self::Small,
            "large" => Self::Large,
            "random" => {
                let p = given.within("random", "p", 0.0..=1.0, "between 0 and 1")?;
                Self::Random {
                    p: p.ok_or(RouterError::Needs {
                        router: "random",
                        what: "its probability",
                        example: "random:p=0.3",
                    })?,
                }
            }
            "percentile" => percentile_spec(&mut given)?,
            "steer" => steer_spec(&mut given)?,
            "threshold" => Self::Threshold {
                t: given.finite("threshold", "t")?,
                signal: signal("threshold", &mut given, Source::Prob)?,
            },
            "policy" => Self::Policy {
                path: given
                    .remove("path")
                    .or_else(|| given.remove("file"))
                    .map(PathBuf::from),
            },
            "rsd" => Self::Rsd(rsd::Accept::read(&mut given)?),
            "specreason" => Self::SpecReason(specreason::Params::read(&mut given)?),
            "query" => Self::Query(query::Params::read(&mut given)?),
            _ => return Err(unknown(name)),
        };
        match given.0.into_keys().next() {
            Some(key) => Err(RouterError::Parameter {
                router: name.into(),
                key,
                takes: spec.takes(),
            }),
            None => Ok(spec),
        }
    }
}

impl fmt::Display for RouterSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let mut put = |key: &str, value: &dyn fmt::Display| parts.push(format!("{key}={value}"));
        let mut put_file = None;
        match self {
            Self::Small | Self::Large => {}
            Self::Random { p } => put("p", p),
            Self::Threshold { t, signal } => {
                if let Some(t) = t {
                    put("t", t);
                }
                if *signal != Source::Prob {
                    put("signal", signal);
                }
            }
            Self::Percentile { p, signal, file } => {
                put("p", p);
                if *signal != Source::Prob {
                    put("signal", signal);
                }
                put_file = file.as_ref().map(|file| ("file", file));
            }
            // They print every parameter themselves.
            Self::Rsd(accept) => return write!(f, "{}{accept}", self.name()),
            Self::SpecReason(params) => return write!(f, "{}{params}", self.name()),
            Self::Query(params) => return write!(f, "{}{params}", self.name()),
            Self::Steer {
                gamma,
                signal,
                file,
            } => {
                put("gamma", gamma);
                if *signal != Source::Logit {
                    put("signal", signal);
                }
                put_file = file.as_ref().map(|file| ("file", file));
            }
            Self::Policy { path } => put_file = path.as_ref().map(|path| ("path", path)),
        }
        if let Some((key, path)) = put_file {
            put(key, &quoted(&path.display().to_string()));
        }
        let separator = if parts.is_empty() { "" } else { ":" };
        write!(f, "{}{separator}{}", self.name(), parts.join(","))
    }
}

impl RouterSpec {
    /// The name before the colon.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
            Self::Random { .. } => "random",
            Self::Threshold { .. } => "threshold",
            Self::Percentile { .. } => "percentile",
            Self::Steer { .. } => "steer",
            Self::Policy { .. } => "policy",
            Self::Rsd(_) => "rsd",
            Self::SpecReason(_) => "specreason",
            Self::Query(_) => "query",
        }
    }

    /// The file or folder it names.
    pub fn file(&self) -> Option<&std::path::Path> {
        match self {
            Self::Percentile { file, .. } | Self::Steer { file, .. } => file.as_deref(),
            Self::Policy { path } => path.as_deref(),
            Self::Query(params) => params.file.as_deref(),
            _ => None,
        }
    }

    fn takes(&self) -> &'static str {
        match self {
            Self::Small | Self::Large => "no parameters",
            Self::Random { .. } => "p",
            Self::Threshold { .. } => "t, signal",
            Self::Percentile { .. } => "p, signal, file",
            Self::Steer { .. } => "gamma, signal, domain, file",
            Self::Policy { .. } => "path",
            Self::Rsd(accept) => accept.takes(),
            Self::SpecReason(_) => "tau, first, score",
            Self::Query(_) => "share or t, file",
        }
    }

    /// What the log keeps of the router.
    pub fn facts(&self, files: BTreeMap<String, String>) -> RouterFacts {
        let mut parameters = BTreeMap::new();
        match self {
            Self::Small | Self::Large => {}
            Self::Random { p } => {
                parameters.insert("p".to_owned(), (*p).into());
            }
            Self::Threshold { t, signal } => {
                parameters.insert("t".to_owned(), (*t).into());
                parameters.insert("signal".to_owned(), signal.name().into());
            }
            // Of files and folders the contents count: see `files`.
            Self::Percentile { p, signal, .. } => {
                parameters.insert("p".to_owned(), (*p).into());
                parameters.insert("signal".to_owned(), signal.name().into());
            }
            Self::Steer { gamma, signal, .. } => {
                parameters.insert("gamma".to_owned(), (*gamma).into());
                parameters.insert("signal".to_owned(), signal.name().into());
            }
            // The folder's place does not shape results; its contents do.
            Self::Policy { .. } => {}
            Self::Rsd(accept) => parameters = accept.parameters(),
            Self::SpecReason(params) => parameters = params.parameters(),
            Self::Query(params) => parameters = params.parameters(),
        }
        RouterFacts {
            spec: self.to_string(),
            name: self.name().into(),
            parameters,
            files,
        }
    }
}

/// Builds the router for a pool: of models as they are described, or of their
/// names alone where nothing else is known of them. `calibrated` is the t that
/// was calibrated for this pool, where there is one.
pub fn build<'a, M>(
    spec: &RouterSpec,
    models: &'a [M],
    calibrated: Option<f64>,
) -> Result<Arc<dyn Router>, RouterError>
where
    &'a M: Into<PoolModel>,
{
    let pool: Vec<PoolModel> = models.iter().map(Into::into).collect();
    Ok(match spec {
        RouterSpec::Small => Arc::new(fixed::Small),
        RouterSpec::Large => Arc::new(fixed::Large),
        RouterSpec::Random { p } => Arc::new(fixed::Random { p: *p }),
        RouterSpec::Threshold { t, signal } => {
            // Raw logits have no natural scale, so no t is a start for all
            // models; the calibrated one belongs to the default signal.
            let t = match (t, signal) {
                (Some(t), _) => *t,
                (None, Source::Prob) => calibrated.unwrap_or(DEFAULT_THRESHOLD),
                (None, signal) if signal.is_probability() => DEFAULT_THRESHOLD,
                (None, signal) => {
                    return Err(RouterError::NoThreshold {
                        signal: *signal,
                        example: if signal.is_logit() { "19.9" } else { "-0.1" },
                    });
                }
            };
            Arc::new(threshold::Threshold { t, signal: *signal })
        }
        RouterSpec::Percentile { p, signal, file } => {
            let asked = (*p, *signal, file.as_deref());
            Arc::new(percentile::Percentile::new(asked, spec, &pool)?)
        }
        RouterSpec::Steer {
            gamma,
            signal,
            file,
        } => {
            let asked = (*gamma, *signal, file.as_deref());
            Arc::new(steer::Steer::new(asked, spec, &pool)?)
        }
        RouterSpec::Policy { path } => {
            let checkpoint = match path {
                Some(path) => Checkpoint::load(path)?,
                None => Checkpoint::embedded()?,
            };
            let names: Vec<String> = pool.into_iter().map(|model| model.name).collect();
            checkpoint.check_fits(&names, &feature_names(names.len()))?;
            // Checked when the checkpoint was read.
            let signal = checkpoint.facts.signal.parse().unwrap_or(Source::Prob);
            Arc::new(policy::Policy {
                checkpoint: Arc::new(checkpoint),
                spec: spec.clone(),
                signal,
            })
        }
        RouterSpec::Rsd(accept) => Arc::new(rsd::Rsd { accept: *accept }),
        RouterSpec::SpecReason(params) => Arc::new(specreason::SpecReason { params: *params }),
        RouterSpec::Query(params) => {
            let model = QueryModel::find(params.file.as_deref(), &pool)?;
            Arc::new(query::Query::new(Arc::new(model), params.clone())?)
        }
    })
}

/// The features an observation over a pool of `models` models has.
fn feature_names(models: usize) -> Vec<String> {
    let blank = Observation {
        confidence: None,
        index: 1,
        difficulty: None,
        has_answer: false,
        tokens: None,
        writer: None,
        models,
    };
    blank.named().into_keys().collect()
}

fn unknown(name: &str) -> RouterError {
    let near = NAMES
        .iter()
        .find(|known| known.starts_with(name) && !name.is_empty() || name.starts_with(*known));
    RouterError::Unknown {
        name: name.into(),
        hint: near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)")),
    }
}
