//! Whether the endpoints can give what the router reads: what they say before a
//! run, and the refusal where that is not enough.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::{Instant, timeout_at};

use crate::model::endpoint::{Capabilities, Endpoint, EndpointError};
use crate::model::probed::{Probed, ProbedScorer};
use crate::router::fit::{Asked, Fit, Found, Lack, Member, Rule, fit, remarks};
use crate::trace::record::{GRADER, RunRecord};

use super::{Exit, Failure, Launch};

/// Makes everybody ready that the run may call, and asks what they can do.
///
/// # Errors
/// The first model of the pool that cannot be reached, else the grader or a
/// scorer that cannot.
pub async fn probe(launch: &Launch) -> Result<Probed, Failure> {
    let mut probed = Probed {
        models: models(&launch.endpoints).await?,
        ..Probed::default()
    };
    if let Some(grader) = grader(launch).await? {
        probed.scorers.insert(GRADER.to_owned(), grader);
    }
    for (role, ready) in launch.scoring.probe().await? {
        if let Some(facts) = launch.run.scorers.get(role) {
            let scorer = ProbedScorer::new(facts, ready);
            probed.scorers.insert(role.to_owned(), scorer);
        }
    }
    Ok(probed)
}

async fn models(
    endpoints: &[Arc<dyn Endpoint>],
) -> Result<BTreeMap<String, Capabilities>, EndpointError> {
    let probes = endpoints.iter().enumerate();
    let mut probes: FuturesUnordered<_> = probes
        .map(|(place, endpoint)| async move { (place, endpoint.probe().await) })
        .collect();
    let mut found = BTreeMap::new();
    let mut failed = BTreeMap::new();
    let mut until = None;
    loop {
        let next = match until {
            None => probes.next().await,
            Some(until) => timeout_at(until, probes.next()).await.unwrap_or_default(),
        };
        match next {
            Some((place, Ok(can))) => {
                found.insert(endpoints[place].name().to_owned(), can);
            }
            Some((place, Err(error))) => {
                failed.insert(place, error);
                until.get_or_insert_with(|| Instant::now() + GRACE);
            }
            None => break,
        }
    }
    match failed.into_values().next() {
        Some(error) => Err(error),
        None => Ok(found),
    }
}

/// How long the others are waited for once a model has failed: the first of the
/// pool that fails is named whoever answers first, but nobody waits for a model
/// that is still loading.
const GRACE: Duration = Duration::from_secs(10);

/// A grader that is not there is told before the run begins, not after its last
/// problem. `None` where nobody grades, or a model of the pool does.
async fn grader(launch: &Launch) -> Result<Option<ProbedScorer>, Failure> {
    let Some(grading) = &launch.grading else {
        return Ok(None);
    };
    let grader = &grading.grader;
    let mut of_pool = launch.endpoints.iter();
    if of_pool.any(|model| Arc::ptr_eq(model, &grader.endpoint)) {
        return Ok(None);
    }
    let probed = grader.endpoint.probe().await.map_err(|error| {
        Failure::from(error).hint("mend the grader, or grade by rules alone: `--grader rules`")
    })?;
    Ok(Some(ProbedScorer::new(&grader.facts, probed.into())))
}

/// Refuses a run whose router needs what its endpoints cannot give.
///
/// Returns what is odd and no reason to stop, as sentences.
///
/// # Errors
/// A sentence that names the router, the model and the way out.
pub fn check(run: &RunRecord, probed: &Probed) -> Result<Vec<String>, Failure> {
    let rule = Rule::of(run);
    let pool: Vec<Member<'_>> = run
        .pool
        .iter()
        .map(|facts| Member {
            facts,
            found: match probed.models.get(&facts.name) {
                Some(can) => Found::Ready(Some(can)),
                None => Found::Unknown,
            },
        })
        .collect();
    let Fit { lacks, warnings } = fit(&rule, &pool, asked(&rule, run, probed));
    match lacks.first() {
        Some(lack) => Err(refusal(&rule, lack)),
        None => Ok(remarks(&pool).into_iter().chain(warnings).collect()),
    }
}

/// The scorer that the router asks, as the run knows it.
fn asked<'a>(rule: &Rule<'_>, run: &'a RunRecord, probed: &'a Probed) -> Asked<'a> {
    let Some((role, facts)) = rule.asks().and_then(|role| run.scorers.get_key_value(role)) else {
        return Asked::Missing;
    };
    // A model of the pool that is lent stands among the models.
    let scorer = probed.scorers.get(role).map(|scorer| &scorer.ready);
    let can = match scorer {
        Some(ready) => ready.capabilities.as_ref(),
        None => probed.models.get(&facts.name),
    };
    Asked::Model {
        name: &facts.name,
        found: Found::Ready(can),
    }
}

/// A lack as a face reports it.
fn refusal(rule: &Rule<'_>, lack: &Lack) -> Failure {
    Failure::new(Exit::Endpoint, rule.refusal(lack)).hint(lack.way_out.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::scorer::step::Ready;
    use crate::trace::record::{
        Continuation, FORMAT, JUDGE, ModelFacts, RouterFacts, Sampling, ValueKind,
    };

    fn model(name: &str) -> ModelFacts {
        ModelFacts::new(name, "vllm")
    }

    fn run(router: &str, signal: &str) -> RunRecord {
        RunRecord {
            format: FORMAT,
            run: "r".into(),
            key: "k".into(),
            started: String::new(),
            version: String::new(),
            command: "solve".into(),
            router: RouterFacts {
                spec: router.into(),
                name: router.into(),
                parameters: BTreeMap::new(),
                files: BTreeMap::new(),
            },
            pool: vec![model("small"), model("large")],
            sampling: Sampling::default(),
            seed: 0,
            signal: signal.into(),
            cost_unit: None,
            dataset: None,
            shard: None,
            grading: None,
            scorers: BTreeMap::new(),
        }
    }

    fn able(values: ValueKind) -> Capabilities {
        Capabilities {
            which_stop: true,
            cached_count: true,
            ..Capabilities::bare(Continuation::Exact, values)
        }
    }

    fn probed(small: ValueKind, large: ValueKind) -> Probed {
        Probed {
            models: BTreeMap::from([("small".into(), able(small)), ("large".into(), able(large))]),
            ..Probed::default()
        }
    }

    #[test]
    fn a_router_is_refused_for_what_one_model_lacks() {
        use ValueKind::{LogprobPreTemperature as Logprob, None as Nothing};
        let threshold = run("threshold", "prob");
        assert_eq!(check(&threshold, &probed(Logprob, Logprob)), Ok(Vec::new()));
        let failure = check(&threshold, &probed(Logprob, Nothing)).unwrap_err();
        assert_eq!(failure.exit, Exit::Endpoint);
        assert!(
            failure.message.contains("large (vllm) gives no"),
            "{failure}"
        );
        assert!(failure.hint.is_some());
        // One that nobody asked lacks nothing.
        let mut one = probed(Logprob, Nothing);
        one.models.remove("large");
        assert_eq!(check(&threshold, &one), Ok(Vec::new()));
    }

    #[test]
    fn a_judge_of_whole_digits_is_warned_of_whoever_it_is() {
        let nothing = ValueKind::None;
        let mut specreason = run("specreason", "prob");
        specreason.scorers.insert(JUDGE.into(), model("large"));
        let lent = check(&specreason, &probed(nothing, nothing)).unwrap();
        assert!(
            lent[0].starts_with("large gives no probabilities"),
            "{lent:?}"
        );
        specreason.scorers.insert(JUDGE.into(), model("judge"));
        let mut other = probed(nothing, nothing);
        let ready = Ready::from(able(ValueKind::LogprobPreTemperature));
        let scorer = ProbedScorer::new(&model("judge"), ready);
        other.scorers.insert(JUDGE.into(), scorer);
        assert_eq!(check(&specreason, &other), Ok(Vec::new()));
    }

    #[test]
    fn what_is_odd_about_the_pool_is_warned_of() {
        let mut silent = probed(ValueKind::RawLogit, ValueKind::RawLogit);
        for can in silent.models.values_mut() {
            can.cached_count = false;
        }
        let warnings = check(&run("small", "prob"), &silent).unwrap();
        assert_eq!(
            warnings,
            [
                "small (vllm) and large (vllm) do not report cached tokens: costs are an upper \
                 bound; start vLLM with `--enable-prompt-tokens-details`"
            ]
        );
    }
}
