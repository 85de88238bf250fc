//! What a run is watched for while it goes on: probabilities that do not come,
//! and what an endpoint has to say once.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::endpoint::Endpoint;
use crate::trace::record::{JUDGE, PRM, QUERY, Record, RunRecord, StepEnd, StepRecord};

use super::{Exit, Failure};
use crate::router::fit::Rule;

/// Steps before the share without a confidence says anything.
const LEAST_STEPS: u64 = 20;
/// Most percent of steps that may have none.
const MOST_MISSING: u64 = 5;

/// Counts the steps whose confidence could not be measured. A router that reads
/// it would decide by something else there, and the run be of another rule than
/// it says.
///
/// Every step with a text counts: the start-up probe found that each model
/// gives what the router reads, so that whatever is missing was dropped on the
/// way, or could not be aligned. A step without a text has nothing to measure.
pub(super) struct Missing {
    /// `None` where the router reads no confidence.
    run: Option<Reader>,
    /// The router, where it asks a scorer.
    asks: Option<String>,
    counts: Mutex<Counts>,
    scores: Mutex<Counts>,
}

struct Reader {
    router: String,
    signal: String,
}

#[derive(Default)]
struct Counts {
    steps: u64,
    missing: u64,
}

impl Missing {
    pub fn of(run: &RunRecord) -> Self {
        Self {
            run: Rule::of(run).reads_confidence().then(|| Reader {
                router: run.router.spec.clone(),
                signal: run.signal.clone(),
            }),
            asks: Rule::of(run).asks().map(|_| run.router.spec.clone()),
            counts: Mutex::default(),
            scores: Mutex::default(),
        }
    }

    /// Looks at what is recorded; why the run must stop, where it must.
    pub fn look(&self, records: &[Record]) -> Option<Failure> {
        self.unread(records).or_else(|| self.unscored(records))
    }

    /// A scorer that mostly gives no score decides nothing: every draft is
    /// rejected, and the run would be that of the most capable model.
    fn unscored(&self, records: &[Record]) -> Option<Failure> {
        let router = self.asks.as_ref()?;
        let mut scores = lock(&self.scores);
        let mut last = None;
        for record in records {
            if let Record::Score(score) = record
                && matches!(score.scorer.as_str(), PRM | JUDGE | QUERY)
            {
                scores.steps += 1;
                if score.value.is_none() {
                    scores.missing += 1;
                    last = Some(score);
                }
            }
        }
        let too_many = scores.steps >= LEAST_STEPS && scores.missing * 2 > scores.steps;
        let last = last.filter(|_| too_many)?;
        let message = format!(
            "router `{router}` got no score from its {} {} times of {}, the last time: {}",
            last.scorer,
            scores.missing,
            scores.steps,
            last.note.as_deref().unwrap_or("no reason given")
        );
        Some(Failure::new(Exit::Endpoint, message).hint(
            "ask a model that follows instructions, or another router. Everything finished is \
             saved: go on with `--resume`",
        ))
    }

    /// Whether the confidence that the router reads is mostly there.
    fn unread(&self, records: &[Record]) -> Option<Failure> {
        let reader = self.run.as_ref()?;
        let mut counts = lock(&self.counts);
        let mut last = None;
        for record in records {
            if let Record::Step(step) = record
                && has_text(step)
            {
                counts.steps += 1;
                if step.confidence.value.is_none() {
                    counts.missing += 1;
                    last = Some(step);
                }
            }
        }
        let too_many =
            counts.steps >= LEAST_STEPS && counts.missing * 100 > counts.steps * MOST_MISSING;
        too_many.then(|| reader.failure(&counts, last.map(|step| &**step)))
    }
}

fn has_text(step: &StepRecord) -> bool {
    step.end != StepEnd::Error && !step.text.trim().is_empty()
}

impl Reader {
    fn failure(&self, counts: &Counts, last: Option<&StepRecord>) -> Failure {
        let share = counts.missing as f64 * 100.0 / counts.steps as f64;
        let example = last.map_or_else(String::new, |step| {
            let why = step.confidence.unavailable.as_deref();
            format!(", as of `{}`: {}", step.model, why.unwrap_or("no value"))
        });
        let message = format!(
            "probabilities missing in {share:.0} % of steps ({} of {}){example}; router `{}` reads \
             the confidence `{}` and cannot decide without",
            counts.missing, counts.steps, self.router, self.signal
        );
        Failure::new(Exit::Endpoint, message).hint(
            "a gateway may drop them or change providers: pin one that returns log-probabilities, \
             or ask the server itself; or use a router that needs none (small, large, \
             random:p=0.3). Everything finished is saved: go on with `--resume`",
        )
    }
}

/// What the endpoints have to say, each once.
#[derive(Default)]
pub(super) struct Notices {
    told: Mutex<BTreeSet<String>>,
    fresh: Mutex<Vec<String>>,
}

impl Notices {
    /// What is new since the last time.
    pub fn look(&self, endpoints: &[Arc<dyn Endpoint>]) -> Vec<String> {
        let said = endpoints.iter().filter_map(|endpoint| endpoint.notice());
        let mut told = lock(&self.told);
        let news: Vec<String> = said.filter(|text| told.insert(text.clone())).collect();
        lock(&self.fresh).extend(news.iter().cloned());
        news
    }

    /// What nobody was shown yet.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.fresh))
    }
}

/// Counts and texts stay whole whatever panics.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headless::{Launch, Options};

    fn run(router: &str) -> RunRecord {
        let options = Options {
            router: Some(router.parse().unwrap()),
            ..Options::default()
        };
        Launch::prepare(&options).unwrap().run
    }

    /// A recorded step, with or without its confidence.
    fn step(value: Option<f64>) -> Record {
        let mut step: StepRecord = serde_json::from_value(serde_json::json!({
            "run": "r", "id": "a", "parent": null, "problem": "p", "index": 1, "model": "small",
            "text": "1 + 1 = 2", "purpose": "step", "kept": true, "seed": 1, "seconds": 0.1,
            "confidence": { "value": null, "source": "prob", "kind": "none" },
            "usage": { "prompt": 1, "cached": 0, "output": 1 },
            "end": "delimiter", "continuation": "exact",
        }))
        .unwrap();
        step.confidence.value = value;
        step.confidence.unavailable = value.is_none().then(|| "no tokens".to_owned());
        Record::Step(Arc::new(step))
    }

    #[test]
    fn a_twentieth_may_be_missing_and_no_more() {
        let missing = Missing::of(&run("threshold:t=0.8"));
        let (with, without) = (step(Some(0.5)), step(None));
        let look = |record: &Record| missing.look(std::slice::from_ref(record));
        assert!((0..19).all(|_| look(&with).is_none()));
        assert_eq!(look(&without), None, "1 of 20");
        let failure = look(&without).unwrap();
        assert_eq!(failure.exit, Exit::Endpoint);
        assert!(
            failure
                .message
                .contains("missing in 10 % of steps (2 of 21)"),
            "{failure}"
        );
        assert!(failure.message.contains("no tokens"), "{failure}");
        assert!(failure.hint.unwrap().contains("--resume"));
    }

    #[test]
    fn few_steps_say_nothing_and_some_routers_need_none() {
        let (few, none) = (
            Missing::of(&run("threshold:t=0.8")),
            Missing::of(&run("small")),
        );
        let records = vec![step(None); 19];
        assert_eq!(few.look(&records), None);
        assert!(few.look(&records[..1]).is_some());
        assert_eq!(none.look(&vec![step(None); 40]), None);
    }

    #[test]
    fn steps_without_a_text_do_not_count() {
        let missing = Missing::of(&run("threshold:t=0.8"));
        let Record::Step(mut empty) = step(None) else {
            unreachable!()
        };
        let mut failed = empty.clone();
        Arc::make_mut(&mut empty).text = "\n".to_owned();
        Arc::make_mut(&mut failed).end = StepEnd::Error;
        for _ in 0..30 {
            let records = [empty.clone(), failed.clone()].map(Record::Step);
            assert_eq!(missing.look(&records), None);
        }
        assert!(missing.look(&vec![step(None); 20]).is_some());
    }
}
