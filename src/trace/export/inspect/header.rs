//! What an Inspect log says of the run as a whole.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::problem::answer::Verdict;
use crate::trace::export::Subject;
use crate::trace::export::clock::{Span, nanoseconds, rfc3339};
use crate::trace::record::{RunRecord, Usage};

use super::sample::sample_id;

/// The version of the format.
const VERSION: u32 = 2;

/// The name of the scorer.
pub(super) const VERDICT: &str = "verdict";

/// Counts over all samples.
#[derive(Default)]
pub(super) struct Totals {
    pub head: Option<RunRecord>,
    /// Ids of the samples.
    problems: Vec<String>,
    usage: BTreeMap<String, Usage>,
    completed: u64,
    correct: u64,
    graded: u64,
    /// The rules that graded the first of them.
    grader: Option<String>,
    ended: Option<u64>,
}

impl Totals {
    pub fn add(&mut self, subject: &Subject<'_>) {
        self.problems.push(sample_id(subject.tree.problem_id()));
        for (model, usage) in usage(subject) {
            add(&mut self.usage, &model, usage);
        }
        self.ended = self.ended.max(Some(Span::of(subject).end));
        if let Some(outcome) = subject.outcome() {
            self.completed += 1;
            self.graded += u64::from(outcome.verdict != Verdict::Ungraded);
            self.correct += u64::from(outcome.verdict == Verdict::Correct);
            self.grader.get_or_insert_with(|| outcome.grader.clone());
        }
    }

    /// What an archive says before its first sample.
    pub fn start(&self) -> Value {
        json!({"version": VERSION, "eval": self.eval(), "plan": self.plan()})
    }

    /// The log without its samples.
    pub fn header(&self) -> Map<String, Value> {
        let mut header = Map::new();
        let started = started(self.head.as_ref());
        let ended = self.ended.map_or_else(|| started.clone(), rfc3339);
        header.insert("version".to_owned(), VERSION.into());
        header.insert("status".to_owned(), "success".into());
        header.insert("eval".to_owned(), self.eval());
        header.insert("plan".to_owned(), self.plan());
        header.insert("results".to_owned(), self.results());
        let usage = self.usage.iter();
        let usage = usage.map(|(model, sum)| (model.clone(), tokens(*sum)));
        header.insert(
            "stats".to_owned(),
            json!({
                "started_at": started,
                "completed_at": ended,
                "model_usage": usage.collect::<Map<String, Value>>(),
            }),
        );
        header
    }

    fn eval(&self) -> Value {
        let head = self.head.as_ref();
        let pool = head.map_or(&[][..], |head| &head.pool);
        let names: Vec<&str> = pool.iter().map(|model| model.name.as_str()).collect();
        let models = match names.is_empty() {
            true => "unknown".to_owned(),
            false => names.join(" + "),
        };
        let run = head.map_or("unknown", |head| &head.run);
        let roles = pool.iter().enumerate().map(|(place, model)| {
            let served = model.model.as_deref().unwrap_or(&model.name);
            let role = format!("model {place}: {}", model.name);
            let served = format!("{}/{served}", model.server);
            (role, json!({"model": served, "config": {}, "args": {}}))
        });
        let roles: Map<String, Value> = roles.collect();
        let dataset = head.and_then(|head| head.dataset.as_ref());
        json!({
            "eval_id": run,
            "run_id": run,
            "created": started(head),
            "task": "stepwise routing",
            "task_id": head.map_or("unknown", |head| &head.key),
            "task_version": 0,
            "task_args": {
                "router": head.map(|head| &head.router.spec),
                "signal": head.map(|head| &head.signal),
                "max_steps": head.map(|head| head.sampling.max_steps),
            },
            "dataset": {
                "name": dataset.map(|dataset| &dataset.name),
                "samples": self.problems.len(),
                "sample_ids": self.problems,
                "shuffled": false,
            },
            "model": models,
            "model_generate_config": head.map_or_else(|| json!({}), config),
            "model_args": {},
            "model_roles": roles,
            "config": {},
            "packages": head.map_or_else(|| json!({}), |head| json!({"pointsman": head.version})),
            "metadata": {
                "route": head.map(|head| json!({
                    "router": head.router.name,
                    "parameters": head.router.parameters,
                    "pool": names,
                    "cost_unit": head.cost_unit,
                    "command": head.command,
                    "seed": head.seed.to_string(),
                })),
            },
        })
    }

    fn plan(&self) -> Value {
        let router = self.head.as_ref().map(|head| &head.router);
        let spec = router.map(|router| &router.spec);
        json!({
            "name": "plan",
            "steps": [{"solver": "stepwise_routing", "params": {"router": spec}}],
            "config": {},
        })
    }

    fn results(&self) -> Value {
        let metrics = match self.graded {
            0 => json!({}),
            graded => json!({"accuracy": {
                "name": "accuracy",
                "value": self.correct as f64 / graded as f64,
                "params": {},
            }}),
        };
        json!({
            "total_samples": self.problems.len(),
            "completed_samples": self.completed,
            "scores": [{
                "name": VERDICT,
                "scorer": VERDICT,
                "params": {"grader": self.grader},
                "scored_samples": self.graded,
                "unscored_samples": self.problems.len() as u64 - self.graded,
                "metrics": metrics,
            }],
        })
    }
}

/// How a run samples.
pub(super) fn config(head: &RunRecord) -> Value {
    json!({
        "temperature": head.sampling.temperature,
        "top_p": head.sampling.top_p,
        "max_tokens": head.sampling.max_tokens,
    })
}

/// When a run began; 1970 where nobody knows.
pub(super) fn started(head: Option<&RunRecord>) -> String {
    let at = head.and_then(|head| nanoseconds(&head.started));
    rfc3339(at.unwrap_or(0))
}

/// Tokens by model, drafts and branches included.
pub(super) fn usage(subject: &Subject<'_>) -> BTreeMap<String, Usage> {
    let mut sums: BTreeMap<String, Usage> = BTreeMap::new();
    for (_, node) in subject.tree.nodes() {
        // A person's steps took no tokens.
        if !node.step.usage.is_nothing() {
            add(&mut sums, &node.step.model, node.step.usage);
        }
    }
    sums
}

/// Adds the tokens of a call. A sum begins with the first: of a sum with nothing
/// it were not known how many were cached.
fn add(sums: &mut BTreeMap<String, Usage>, model: &str, usage: Usage) {
    let sum = sums.get(model).map_or(usage, |sum| sum.plus(usage));
    sums.insert(model.to_owned(), sum);
}

/// Tokens as Inspect counts them: cached ones are not among the input.
pub(super) fn tokens(usage: Usage) -> Value {
    let cached = usage.cached.unwrap_or(0);
    let input = usage.prompt.saturating_sub(cached);
    let input = input.saturating_sub(usage.cache_write);
    let reported = usage.reported.map(|amount| amount.to_string());
    let reported = reported.and_then(|amount| amount.parse::<f64>().ok());
    json!({
        "input_tokens": input,
        "output_tokens": usage.output,
        "total_tokens": usage.prompt.saturating_add(usage.output),
        "input_tokens_cache_read": usage.cached,
        "input_tokens_cache_write": (usage.cache_write > 0).then_some(usage.cache_write),
        "total_cost": reported,
    })
}
