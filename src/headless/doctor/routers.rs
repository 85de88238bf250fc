//! Which routers a pool allows: the same judgement that refuses a run.

use serde::Serialize;

use super::endpoints::{EMBEDDINGS, Endpoint, MODEL, State};
use crate::model::pool::Pool;
use crate::model::scorer::ngrams;
use crate::router::fit::{Asked, Found, Member, Rule, fit, remarks};
use crate::router::{RouterSpec, build};
use crate::trace::record::{JUDGE, ModelFacts, PRM, QUERY};

/// The routers of the program, each with what it is read by where that matters.
const ROUTERS: [(&str, Option<&str>); 11] = [
    ("small", None),
    ("large", None),
    ("random:p=0.5", None),
    ("threshold:t=0.8", Some("prob")),
    ("threshold:t=20,signal=logit", Some("logit")),
    ("percentile:p=20", Some("prob")),
    ("steer:gamma=0.5", Some("logit")),
    ("rsd:delta=0.7", None),
    ("specreason:tau=7", None),
    ("query:share=0.5", None),
    ("policy", Some("prob")),
];

/// One router, and whether the pool allows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The name before the colon.
    pub router: &'static str,
    /// The confidence it is looked at with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<&'static str>,
    pub allowed: bool,
    /// What is lacking, each with a way out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<RowLack>,
    /// The file that must be made for this pool first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What is lacking for a router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowLack {
    pub why: String,
    pub way_out: String,
}

/// What is known of the pool.
pub struct Known<'a> {
    pool: &'a Pool,
    endpoints: &'a [Endpoint],
    facts: Vec<ModelFacts>,
}

impl<'a> Known<'a> {
    pub fn new(pool: &'a Pool, endpoints: &'a [Endpoint]) -> Self {
        let models = endpoints.iter().filter(|one| one.role == MODEL);
        Self {
            pool,
            endpoints,
            facts: models.map(|one| one.facts.clone()).collect(),
        }
    }

    /// What is odd about the models whatever the router.
    pub fn remarks(&self) -> Vec<String> {
        remarks(&self.members())
    }

    /// A row a router.
    pub fn rows(&self) -> Vec<Row> {
        let parsed = ROUTERS.into_iter().filter_map(|(text, signal)| {
            // Written above: each parses, as a test says.
            Some((text.parse::<RouterSpec>().ok()?, text, signal))
        });
        parsed
            .map(|(spec, text, signal)| self.row(&spec, text, signal))
            .collect()
    }

    fn row(&self, spec: &RouterSpec, text: &str, signal: Option<&'static str>) -> Row {
        // One that ships, or a file that was named, says what it reads.
        let built = build(spec, &self.facts, None).ok();
        let read = built.as_ref().map(|router| router.signal().name());
        let signal = signal.map(|usual| read.unwrap_or(usual));
        let rule = Rule {
            spec: text,
            name: spec.name(),
            signal: signal.unwrap_or_default(),
            temperature: self.pool.sampling.temperature,
        };
        let found = fit(&rule, &self.members(), self.asked(&rule));
        let lacks: Vec<RowLack> = found
            .lacks
            .into_iter()
            .map(|lack| RowLack {
                why: lack.why,
                way_out: lack.way_out,
            })
            .collect();
        Row {
            router: spec.name(),
            signal,
            allowed: lacks.is_empty(),
            lacks,
            needs: built.is_none().then(|| file(spec)).flatten(),
            warnings: found.warnings.into_iter().chain(self.odd(spec)).collect(),
        }
    }

    fn members(&self) -> Vec<Member<'_>> {
        let models = self.endpoints.iter().filter(|one| one.role == MODEL);
        models
            .map(|endpoint| Member {
                facts: &endpoint.facts,
                found: found(endpoint),
            })
            .collect()
    }

    /// Who scores for a router: the table of the pool file, or the model that
    /// is lent where there is none.
    fn asked(&self, rule: &Rule<'_>) -> Asked<'_> {
        let in_role = |role: &str| self.endpoints.iter().find(|one| one.role == role);
        match rule.asks() {
            Some(JUDGE) => match in_role(JUDGE) {
                Some(judge) => asked(judge, found(judge)),
                None => self.lent(),
            },
            Some(PRM) => match in_role(PRM) {
                Some(prm) => asked(prm, found(prm)),
                None => Asked::Missing,
            },
            // Questions can always be read: by n-grams, which need no model.
            Some(QUERY) => Asked::Model {
                name: ngrams::NAME,
                found: Found::Ready(None),
            },
            _ => Asked::Missing,
        }
    }

    /// The last model of the pool as a judge; that it is down is told of the
    /// pool already.
    fn lent(&self) -> Asked<'_> {
        let mut models = self.endpoints.iter().filter(|one| one.role == MODEL);
        match models.next_back() {
            Some(last) if last.state == State::Ready => asked(last, found(last)),
            Some(last) => asked(last, Found::Unknown),
            None => Asked::Missing,
        }
    }

    /// What is odd about a router here beyond what the pool lacks for it.
    fn odd(&self, spec: &RouterSpec) -> Option<String> {
        let embeddings = self.endpoints.iter().find(|one| one.role == EMBEDDINGS)?;
        let is_down = matches!(spec, RouterSpec::Query(_)) && embeddings.state != State::Ready;
        is_down.then(|| {
            format!(
                "{} cannot be used: one that reads questions by it cannot run, `calibrate query \
                 --encoder ngrams` makes one that needs no model",
                embeddings.name
            )
        })
    }
}

fn asked<'a>(endpoint: &'a Endpoint, found: Found<'a>) -> Asked<'a> {
    Asked::Model {
        name: &endpoint.name,
        found,
    }
}

fn found(endpoint: &Endpoint) -> Found<'_> {
    match &endpoint.error {
        // Why is told of the endpoint: not again of every router.
        Some(_) => Found::Down("its own row says why"),
        None => Found::Ready(endpoint.capabilities.as_ref()),
    }
}

/// What a router that could not be built for this pool needs.
fn file(spec: &RouterSpec) -> Option<String> {
    Some(match spec {
        RouterSpec::Percentile { .. } | RouterSpec::Steer { .. } => {
            let name = spec.name();
            format!(
                "needs a calibration file made on this pool: `pointsman calibrate {name} --log LOG \
                 --out FILE`, then `file=FILE`"
            )
        }
        RouterSpec::Query(_) => {
            "needs a folder trained on this pool: `pointsman calibrate query --log LOGS --out \
             DIR`, then `file=DIR`"
                .to_owned()
        }
        RouterSpec::Policy { .. } => {
            "needs a checkpoint trained on this pool: `pointsman train --out DIR`, then `path=DIR`"
                .to_owned()
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::endpoint::Capabilities;
    use crate::trace::record::{Continuation, Usage, ValueKind};

    fn endpoint(name: &str, role: &'static str, can: Result<ValueKind, &str>) -> Endpoint {
        Endpoint {
            name: name.into(),
            role,
            place: None,
            server: "vllm",
            base_url: None,
            model: None,
            key: None,
            state: match can {
                Ok(_) => State::Ready,
                Err(_) => State::Failed,
            },
            error: can.err().map(str::to_owned),
            capabilities: can.ok().map(|values| Capabilities {
                cached_count: true,
                ..Capabilities::bare(Continuation::Exact, values)
            }),
            said: None,
            usage: Usage::default(),
            seconds: 0.0,
            facts: ModelFacts::new(name, "vllm"),
        }
    }

    fn allowed(endpoints: &[Endpoint]) -> Vec<String> {
        let pool = Pool {
            scorers: crate::model::pool::Scorers::default(),
            ..Pool::embedded()
        };
        let rows = Known::new(&pool, endpoints).rows();
        assert_eq!(rows.len(), ROUTERS.len(), "every spec parses");
        let allowed = rows.into_iter().filter(|row| row.allowed);
        let told = allowed.map(|row| match row.signal {
            Some(signal) => format!("{} {signal}", row.router),
            None => row.router.to_owned(),
        });
        told.collect()
    }

    #[test]
    fn a_pool_is_told_what_it_allows() {
        let before = Ok(ValueKind::LogprobPreTemperature);
        let nothing = Ok(ValueKind::None);
        let pool = [endpoint("a", MODEL, before), endpoint("b", MODEL, before)];
        let ask_nobody = ["small", "large", "random"];
        let by_probability = ["threshold prob", "percentile prob"];
        let with_judge = ["specreason", "query", "policy prob"];
        let expected = [&ask_nobody[..], &by_probability, &with_judge].concat();
        assert_eq!(allowed(&pool), expected);
        let pool = [
            endpoint("a", MODEL, nothing),
            endpoint("b", MODEL, nothing),
            endpoint("p", PRM, nothing),
        ];
        let asks = ["rsd", "specreason", "query"];
        assert_eq!(allowed(&pool), [&ask_nobody[..], &asks].concat());
        let down = Err("nobody listens");
        let pool = [endpoint("a", MODEL, before), endpoint("b", MODEL, down)];
        assert_eq!(allowed(&pool), Vec::<String>::new());
        let pool = [
            endpoint("a", MODEL, nothing),
            endpoint("b", MODEL, nothing),
            endpoint("j", JUDGE, down),
        ];
        assert_eq!(allowed(&pool), ["small", "large", "random", "query"]);
    }
}
