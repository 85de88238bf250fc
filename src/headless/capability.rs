//! Whether the endpoints can give what the router reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;

use crate::model::endpoint::{Capabilities, Endpoint, EndpointError};
use crate::router::EXPLORE;
use crate::signal::confidence::Source;
use crate::trace::record::{RunRecord, ValueKind};

use super::{Exit, Failure};

/// What every model of the pool can do, by name.
pub type Probed = BTreeMap<String, Capabilities>;

/// Makes every endpoint ready and asks what it can do.
///
/// # Errors
/// The first endpoint of the pool that cannot be reached.
pub async fn probe(endpoints: &[Arc<dyn Endpoint>]) -> Result<Probed, EndpointError> {
    let probes = endpoints.iter().map(|endpoint| async {
        let found = endpoint.probe().await?;
        Ok((endpoint.name().to_owned(), found))
    });
    // All are asked, so that the same model is named whoever answers first.
    join_all(probes).await.into_iter().collect()
}

/// Refuses a run whose router reads what its endpoints cannot give.
///
/// # Errors
/// A sentence that names the router, the model and the way out.
pub fn check(run: &RunRecord, probed: &Probed) -> Result<(), Failure> {
    if !reads_confidence(run) {
        return Ok(());
    }
    for model in &run.pool {
        let Some(found) = probed.get(&model.name) else {
            continue;
        };
        if let Some(lack) = lack(&run.signal, found.values) {
            return Err(
                refusal(run, &format!("{} ({}) {lack}", model.name, model.server))
                    .hint(way_out(&run.signal)),
            );
        }
    }
    mixed(run, probed)
}

/// Whether the run's router reads the confidence of steps. The anchors look at
/// nothing; an exploration is made to be learnt from.
pub(super) fn reads_confidence(run: &RunRecord) -> bool {
    const READERS: [&str; 5] = ["threshold", "percentile", "steer", "policy", EXPLORE];
    READERS.contains(&run.router.name.as_str())
}

fn lack(signal: &str, values: ValueKind) -> Option<&'static str> {
    match values {
        ValueKind::RawLogit => None,
        ValueKind::None => Some("gives no probabilities of its tokens"),
        _ if needs_logits(signal) => Some("gives log-probabilities, not raw logits"),
        _ => None,
    }
}

fn needs_logits(signal: &str) -> bool {
    signal.parse().is_ok_and(Source::is_logit)
}

fn way_out(signal: &str) -> &'static str {
    if needs_logits(signal) {
        "use `signal=prob`, a local model, or vLLM started with `--logprobs-mode raw_logits`"
    } else {
        "use a server that returns log-probabilities (llama-cpp, vllm, sglang, a local model), \
         or a router that needs none: small, large, random:p=0.3"
    }
}

/// Probabilities before and after temperature are different scales: one
/// threshold must not be held against both.
fn mixed(run: &RunRecord, probed: &Probed) -> Result<(), Failure> {
    let after = |values| values == ValueKind::LogprobPostTemperature;
    let some = probed.values().any(|found| after(found.values));
    let all = probed.values().all(|found| after(found.values));
    // At temperature 1 the two are the same.
    if !some || all || (run.sampling.temperature - 1.0).abs() < f64::EPSILON {
        return Ok(());
    }
    let names: Vec<&str> = probed
        .iter()
        .filter(|(_, found)| after(found.values))
        .map(|(name, _)| name.as_str())
        .collect();
    let what = format!(
        "{} gives log-probabilities after temperature, the others before it",
        names.join(", ")
    );
    Err(refusal(run, &what).hint("use servers of one kind, or `--temperature 1`"))
}

fn refusal(run: &RunRecord, why: &str) -> Failure {
    Failure::new(
        Exit::Endpoint,
        format!(
            "router `{}` reads the confidence `{}`, but {why}",
            run.router.spec, run.signal
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::record::{Continuation, FORMAT, ModelFacts, RouterFacts, Sampling};

    fn run(router: &str, signal: &str, temperature: f64) -> RunRecord {
        let model = |name: &str| ModelFacts {
            name: name.into(),
            server: "vllm".into(),
            model: None,
            params: None,
            price: None,
            template: None,
            template_sha256: None,
            continuation: None,
            extra: serde_json::Map::new(),
            weights: None,
        };
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
            sampling: Sampling {
                temperature,
                ..Sampling::default()
            },
            seed: 0,
            signal: signal.into(),
            cost_unit: None,
            dataset: None,
            shard: None,
            grading: None,
            scorers: BTreeMap::new(),
        }
    }

    fn probed(small: ValueKind, large: ValueKind) -> Probed {
        let able = |values| Capabilities {
            top: 5,
            which_stop: true,
            cached_count: true,
            ..Capabilities::bare(Continuation::Exact, values)
        };
        BTreeMap::from([("small".into(), able(small)), ("large".into(), able(large))])
    }

    fn refused(run: &RunRecord, probed: &Probed, words: &str) {
        let failure = check(run, probed).unwrap_err();
        assert_eq!(failure.exit, Exit::Endpoint);
        assert!(failure.hint.is_some());
        assert!(failure.message.contains(words), "{failure}");
    }

    #[test]
    fn a_router_needs_what_it_reads_of_every_model() {
        use ValueKind::{LogprobPreTemperature as Logprob, None, RawLogit};
        let threshold = run("threshold", "prob", 0.7);
        assert_eq!(check(&threshold, &probed(RawLogit, Logprob)), Ok(()));
        refused(&threshold, &probed(Logprob, None), "large (vllm) gives no");
        let logit = run("threshold", "logit", 0.7);
        assert_eq!(check(&logit, &probed(RawLogit, RawLogit)), Ok(()));
        refused(&logit, &probed(RawLogit, Logprob), "not raw logits");
        let steer = run("steer", "general-logit", 0.7);
        assert_eq!(check(&steer, &probed(RawLogit, RawLogit)), Ok(()));
        refused(&steer, &probed(RawLogit, Logprob), "not raw logits");
        let percentile = run("percentile", "entropy", 0.7);
        assert_eq!(check(&percentile, &probed(Logprob, Logprob)), Ok(()));
        refused(&percentile, &probed(Logprob, None), "large (vllm) gives no");
    }

    #[test]
    fn the_anchors_need_nothing() {
        let nothing = probed(ValueKind::None, ValueKind::None);
        for router in ["small", "large", "random"] {
            assert_eq!(check(&run(router, "prob", 0.7), &nothing), Ok(()));
        }
    }

    #[test]
    fn two_scales_are_not_held_against_one_threshold() {
        use ValueKind::{LogprobPostTemperature as After, LogprobPreTemperature as Before};
        let mixed = probed(Before, After);
        refused(&run("threshold", "prob", 0.7), &mixed, "after temperature");
        assert_eq!(check(&run("threshold", "prob", 1.0), &mixed), Ok(()));
        assert_eq!(
            check(&run("threshold", "prob", 0.7), &probed(After, After)),
            Ok(())
        );
    }
}
