//! Router specs: `threshold:t=0.8`, `random:p=0.3`, `policy:path=DIR` …
//! One parser and one printer; what is printed parses to the same spec.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use crate::policy::{Checkpoint, CheckpointError};
use crate::signal::confidence::Source;
use crate::signal::observation::Observation;
use crate::trace::record::RouterFacts;

use super::given::{Given, quoted};
use super::query::{self, QueryError, QueryModel};
use super::{Router, fixed, policy, rsd, specreason, threshold};

/// The routers this version knows, as they are written.
const KNOWN: &str = "small, large, random:p=P, threshold:t=T[,signal=prob|sampled|logit], \
     policy[:path=DIR], \
     rsd[:delta=D][,accept=threshold|constant|clip|ratio|logistic][,a=A][,p=P], \
     specreason[:tau=T][,first=N][,score=expected|greedy], query:share=S|t=T,file=DIR";
const NAMES: [&str; 8] = [
    "small",
    "large",
    "random",
    "threshold",
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
        "router `threshold` needs its t with `signal=logit`, e.g. `threshold:t=19.9,signal=logit`: \
         the scale of raw logits is each model's own"
    )]
    NoThreshold,
    #[error("router `random` needs its probability, e.g. `random:p=0.3`")]
    NoProbability,
    #[error(
        "router `query` takes `share` or `t`, not both: t is the threshold itself, share the part \
         of the problems that reach it"
    )]
    ShareAndThreshold,
    #[error("router `query` needs a trained model, e.g. `query:share=0.4,file=DIR`")]
    NoQueryModel,
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
                let value = given.remove("p").ok_or(RouterError::NoProbability)?;
                Self::Random {
                    p: number("random", "p", &value, Some((0.0, 1.0)))?,
                }
            }
            "threshold" => Self::Threshold {
                t: given
                    .remove("t")
                    .map(|v| number("threshold", "t", &v, None))
                    .transpose()?,
                signal: given
                    .remove("signal")
                    .map_or(Ok(Source::Prob), |v| signal(&v))?,
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
        f.write_str(self.name())?;
        match self {
            Self::Small | Self::Large | Self::Policy { path: None } => Ok(()),
            Self::Random { p } => write!(f, ":p={p}"),
            Self::Threshold { t, signal } => {
                let mut parts = Vec::new();
                parts.extend(t.map(|t| format!("t={t}")));
                if *signal != Source::Prob {
                    parts.push(format!("signal={}", signal.name()));
                }
                if parts.is_empty() {
                    Ok(())
                } else {
                    write!(f, ":{}", parts.join(","))
                }
            }
            Self::Policy { path: Some(path) } => {
                write!(f, ":path={}", quoted(&path.display().to_string()))
            }
            Self::Rsd(accept) => accept.fmt(f),
            Self::SpecReason(params) => params.fmt(f),
            Self::Query(params) => params.fmt(f),
        }
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
            Self::Policy { .. } => "policy",
            Self::Rsd(_) => "rsd",
            Self::SpecReason(_) => "specreason",
            Self::Query(_) => "query",
        }
    }

    fn takes(&self) -> &'static str {
        match self {
            Self::Small | Self::Large => "no parameters",
            Self::Random { .. } => "p",
            Self::Threshold { .. } => "t, signal",
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

/// Builds the router for a pool of the named models. `calibrated` is the t
/// that was calibrated for this pool, where there is one.
pub fn build(
    spec: &RouterSpec,
    models: &[String],
    calibrated: Option<f64>,
) -> Result<Arc<dyn Router>, RouterError> {
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
                (None, Source::Sampled) => DEFAULT_THRESHOLD,
                (None, Source::Logit) => return Err(RouterError::NoThreshold),
            };
            Arc::new(threshold::Threshold { t, signal: *signal })
        }
        RouterSpec::Policy { path } => {
            let checkpoint = match path {
                Some(path) => Checkpoint::load(path)?,
                None => Checkpoint::embedded()?,
            };
            checkpoint.check_fits(models, &feature_names(models.len()))?;
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
            let folder = params.file.as_deref().ok_or(RouterError::NoQueryModel)?;
            let model = Arc::new(QueryModel::load(folder)?);
            Arc::new(query::Query::new(model, params.clone(), models)?)
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

fn number(
    router: &'static str,
    key: &'static str,
    value: &str,
    range: Option<(f64, f64)>,
) -> Result<f64, RouterError> {
    let parsed = value.parse::<f64>().ok().filter(|x| x.is_finite());
    match (parsed, range) {
        (Some(x), Some((low, high))) if !(low..=high).contains(&x) => Err(RouterError::Value {
            router,
            key,
            value: value.into(),
            must: "between 0 and 1",
        }),
        (Some(x), _) => Ok(x),
        (None, _) => Err(RouterError::Value {
            router,
            key,
            value: value.into(),
            must: "a finite number",
        }),
    }
}

fn signal(value: &str) -> Result<Source, RouterError> {
    value.parse().map_err(|_| RouterError::Value {
        router: "threshold",
        key: "signal",
        value: value.into(),
        must: "`prob`, `sampled` or `logit`",
    })
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::scorer::judge::Reading;

    fn specs() -> impl Strategy<Value = RouterSpec> {
        prop_oneof![
            Just(RouterSpec::Small),
            Just(RouterSpec::Large),
            (0.0..=1.0_f64).prop_map(|p| RouterSpec::Random { p }),
            (proptest::option::of(-1e6..1e6_f64), 0..3_usize).prop_map(|(t, which)| {
                let signal = [Source::Logit, Source::Prob, Source::Sampled][which];
                RouterSpec::Threshold { t, signal }
            }),
            "[a-z/., =:\"_-]{0,20}".prop_map(|p| RouterSpec::Policy {
                path: Some(p.into())
            }),
            (0..5_usize, 0.0..=1.0_f64, 0.0..1e3_f64).prop_map(|(which, x, a)| {
                RouterSpec::Rsd(match which {
                    0 => rsd::Accept::Threshold { delta: x },
                    1 => rsd::Accept::Constant { p: x },
                    2 => rsd::Accept::Clip,
                    3 => rsd::Accept::Ratio,
                    _ => rsd::Accept::Logistic { a, delta: x },
                })
            }),
            (0.0..=9.0_f64, any::<u32>(), 0..2_usize).prop_map(|(tau, first, which)| {
                let score = Reading::ALL[which];
                RouterSpec::SpecReason(specreason::Params { tau, first, score })
            }),
            (
                0.0..=1.0_f64,
                any::<bool>(),
                proptest::option::of("[a-z/., =:\"_-]{1,20}")
            )
                .prop_map(|(x, share, file)| {
                    let cut = if share {
                        query::Cut::Share(x)
                    } else {
                        query::Cut::Threshold(x)
                    };
                    let file = file.map(PathBuf::from);
                    RouterSpec::Query(query::Params { cut, file })
                }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_to_the_same_spec(spec in specs()) {
            prop_assert_eq!(spec.to_string().parse::<RouterSpec>().unwrap(), spec);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,40}") {
            let _ = text.parse::<RouterSpec>();
        }
    }

    fn message(text: &str) -> String {
        text.parse::<RouterSpec>().unwrap_err().to_string()
    }

    #[test]
    fn errors_say_what_to_write() {
        assert!(message("treshold:t=1").contains("known are small, large"));
        assert!(message("thresh").contains("did you mean `threshold`?"));
        assert!(message("random").contains("random:p=0.3"));
        assert!(message("random:p=2").contains("between 0 and 1"));
        assert!(message("threshold:t=NaN").contains("finite"));
        assert!(message("threshold:k=1").contains("it takes t, signal"));
        assert!(message("threshold:t").contains("key=value"));
        assert!(message("policy:path=a,b").contains("quote"));
        assert!(message("policy:path=\"a,b").contains("quote"));
        assert!(message("threshold:t=1,t=2").contains("twice"));
        assert!(message("threshold:signal=vibes").contains("`prob`, `sampled` or `logit`"));
    }

    #[test]
    fn rules_on_drafts_and_questions_have_defaults_and_refuse_what_means_nothing() {
        let printed = |text: &str| text.parse::<RouterSpec>().unwrap().to_string();
        assert_eq!(printed("rsd"), "rsd:delta=0.7");
        assert_eq!(printed("rsd:accept=constant"), "rsd:accept=constant,p=0.5");
        assert_eq!(
            printed("rsd:accept=logistic,a=3"),
            "rsd:delta=0.7,accept=logistic,a=3"
        );
        assert_eq!(printed("specreason"), "specreason:tau=7");
        assert_eq!(
            printed("specreason:score=greedy,first=2,tau=9"),
            "specreason:tau=9,first=2,score=greedy"
        );
        assert_eq!(printed("query"), "query:share=0.5");
        assert_eq!(printed("query:t=0.25,file=d"), "query:t=0.25,file=d");
        assert!(message("rsd:delta=1.5").contains("between 0 and 1"));
        assert!(message("rsd:accept=maybe").contains("threshold, constant, clip"));
        assert!(message("rsd:accept=clip,delta=0.7").contains("no parameter `delta`"));
        assert!(message("rsd:accept=logistic,a=-1").contains("a number from 0"));
        assert!(message("rsd:accept=logistic,a=inf").contains("a number from 0"));
        assert!(message("specreason:tau=10").contains("between 0 and 9"));
        assert!(message("specreason:first=-1").contains("whole number"));
        assert!(message("specreason:score=mean").contains("`expected` or `greedy`"));
        assert!(message("query:share=0.4,t=0.5").contains("not both"));
        let facts = |text: &str| {
            let spec: RouterSpec = text.parse().unwrap();
            build(&spec, &[], None).unwrap().facts().parameters
        };
        let rsd = serde_json::json!({ "accept": "threshold", "delta": 0.7 });
        assert_eq!(serde_json::json!(facts("rsd")), rsd);
        let specreason = serde_json::json!({ "tau": 7.0, "first": 0, "score": "expected" });
        assert_eq!(serde_json::json!(facts("specreason")), specreason);
        let query: RouterSpec = "query:share=0.4".parse().unwrap();
        let error = build(&query, &[], None).err().unwrap().to_string();
        assert!(error.contains("file=DIR"), "{error}");
    }

    #[test]
    fn a_threshold_without_t_takes_the_pools_calibrated_one() {
        let models = ["s".to_owned(), "l".to_owned()];
        let t_of = |spec: &str, calibrated| {
            let spec: RouterSpec = spec.parse().unwrap();
            build(&spec, &models, calibrated)
                .unwrap()
                .facts()
                .parameters["t"]
                .as_f64()
        };
        assert_eq!(t_of("threshold", Some(0.61)), Some(0.61));
        assert_eq!(t_of("threshold", None), Some(DEFAULT_THRESHOLD));
        assert_eq!(t_of("threshold:t=0.3", Some(0.61)), Some(0.3));
        let logit: RouterSpec = "threshold:signal=logit".parse().unwrap();
        let error = build(&logit, &models, Some(0.61))
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("threshold:t=19.9,signal=logit"), "{error}");
    }
}
