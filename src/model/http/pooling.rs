//! vLLM's `/pooling` with a process reward model in the manner of
//! Qwen2.5-Math-PRM: every step is followed by a tag, and the reply has one
//! row of two probabilities (bad, good) a tag.

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::service::{PromptUsage, Service, ServiceOptions};
use crate::model::endpoint::{EndpointError, FailureKind};
use crate::model::pool::ModelSpec;
use crate::model::retry::Failure;
use crate::model::scorer::step::{Ready, ReadyFuture, Score, ScoreFuture, StepCase, StepScorer};
use crate::trace::record::{Role, Usage};

const PATH: &str = "/pooling";
/// What the model was trained with.
const SYSTEM: &str = "Please reason step by step, and put your final answer within \\boxed{}.";
/// Ends a step; the model's verdict stands at it.
const TAG: &str = "<extra_0>";
/// Place of "good" in a row.
const GOOD: usize = 1;
/// Numbers in a row.
const LABELS: usize = 2;
/// How far the sum of a row of probabilities may be from 1.
const TOLERANCE: f64 = 1e-2;

/// A process reward model served by vLLM.
#[derive(Debug)]
pub struct Pooling {
    service: Service,
    ready: OnceCell<Ready>,
}

#[derive(Debug, Deserialize)]
struct Reply {
    data: Vec<Pooled>,
    #[serde(default)]
    usage: PromptUsage,
}

#[derive(Debug, Deserialize)]
struct Pooled {
    data: Value,
}

/// The last of the rows.
#[derive(Debug, Clone, Copy, PartialEq)]
struct LastRow {
    good: f64,
    /// Whether the server left the softmax to us.
    raw: bool,
}

impl Pooling {
    /// A scorer with the usual [`ServiceOptions`].
    ///
    /// # Errors
    /// [`FailureKind::Configuration`]; nobody is called.
    pub fn new(spec: &ModelSpec) -> Result<Self, EndpointError> {
        Self::with_options(spec, ServiceOptions::default())
    }

    /// A scorer with `options`.
    ///
    /// # Errors
    /// [`FailureKind::Configuration`]; nobody is called.
    pub fn with_options(spec: &ModelSpec, options: ServiceOptions) -> Result<Self, EndpointError> {
        // The route is not below `/v1`, where people point other clients.
        let base_url = spec.base_url.as_deref().map(|url| {
            let root = url.trim_end_matches('/');
            root.strip_suffix("/v1").unwrap_or(root).to_owned()
        });
        let spec = ModelSpec {
            base_url,
            ..spec.clone()
        };
        Ok(Self {
            service: Service::new(&spec, "vLLM pooling", options)?,
            ready: OnceCell::new(),
        })
    }

    async fn ask(&self, case: &StepCase, role: Role) -> Result<Score, EndpointError> {
        let body = self.body(case);
        let steps = case.before.len() + 1;
        let called = self
            .service
            .call(role, || self.attempt(&body, steps))
            .await?;
        let (row, usage) = called.value;
        let note = row
            .raw
            .then(|| "the rows did not sum to 1: softmax applied here".to_owned());
        Ok(Score {
            value: Some(row.good),
            note,
            usage,
            attempts: called.attempts,
            seconds: called.seconds,
        })
    }

    fn body(&self, case: &StepCase) -> Value {
        let steps = case.before.iter().chain([&case.step]);
        let answer: String = steps.map(|step| format!("{}{TAG}", plain(step))).collect();
        json!({
            "model": self.service.model,
            "messages": [
                { "role": "system", "content": SYSTEM },
                { "role": "user", "content": plain(&case.question) },
                { "role": "assistant", "content": answer },
            ],
            "task": "token_classify",
            "add_generation_prompt": false,
        })
    }

    async fn attempt(&self, body: &Value, steps: usize) -> Result<(LastRow, Usage), Failure> {
        let sent = self.service.post::<Reply>(PATH, body).await;
        let reply = sent.map_err(advised)?;
        let usage = Usage::from(reply.usage);
        let [pooled] = &reply.data[..] else {
            let found = reply.data.len();
            return Err(self.malformed(usage, &format!("{found} results for one text")));
        };
        let rows = rows(&pooled.data).map_err(|problem| self.malformed(usage, problem))?;
        match rows.last() {
            Some(last) if rows.len() == steps => Ok((last_row(*last), usage)),
            _ => Err(self.malformed(
                usage,
                &format!(
                    "{} scores for {steps} steps: the prompt was cut, or the model does not score \
                     at {TAG}",
                    rows.len()
                ),
            )),
        }
    }

    /// An answer that was paid for and cannot be used.
    fn malformed(&self, usage: Usage, problem: &str) -> Failure {
        let url = &self.service.client.site().url;
        Failure {
            usage,
            // The same steps get the same rows.
            retry: Some(false),
            ..Failure::new(
                FailureKind::Malformed,
                format!(
                    "{url}{PATH} gave {problem}; serve Qwen2.5-Math-PRM with a current vLLM and \
                     `--runner pooling`"
                ),
            )
        }
    }
}

impl StepScorer for Pooling {
    fn name(&self) -> &str {
        &self.service.name
    }

    fn probe(&self) -> ReadyFuture<'_> {
        let example = StepCase {
            problem: String::new(),
            question: "What is 1 + 1 + 1?".to_owned(),
            before: vec!["1 + 1 = 2".to_owned()],
            step: "2 + 1 = 3, so the answer is \\boxed{3}.".to_owned(),
        };
        Box::pin(async move {
            let asked = || async {
                let score = self.ask(&example, Role::Probe).await?;
                let value = score.value.unwrap_or_default();
                let said = format!("scores a right step of an example {value:.2}");
                Ok(Ready::answered(said, score.usage, &score.attempts))
            };
            self.ready.get_or_try_init(asked).await.cloned()
        })
    }

    fn score(&self, case: StepCase) -> ScoreFuture<'_> {
        Box::pin(async move { self.ask(&case, Role::Prm).await })
    }
}

/// Text of others without what the tokenizer would take for a tag or for the
/// chat template's own marks: a step could add rows or close its message.
fn plain(text: &str) -> String {
    text.replace(TAG, "<extra 0>").replace("<|", "< |")
}

/// The failure with what to do about it on this route.
fn advised(mut failure: Failure) -> Failure {
    let advice = match failure.kind {
        FailureKind::NotFound => {
            "this server is not serving a pooling model: start vLLM with `--runner pooling`"
        }
        FailureKind::Refused => {
            "if this server is not serving a pooling model, start vLLM with `--runner pooling`"
        }
        FailureKind::Context => {
            "the question and the steps so far do not fit the reward model, so the step has no \
             score"
        }
        _ => return failure,
    };
    failure.message = format!("{}; {advice}", failure.message);
    failure
}

/// The rows (bad, good) of a reply, or what it has instead.
fn rows(data: &Value) -> Result<Vec<[f64; LABELS]>, &'static str> {
    let Value::Array(rows) = data else {
        return Err("no list of rows");
    };
    let numbers = |row: &Value| -> Option<[f64; LABELS]> {
        let numbers: Option<Vec<f64>> = row.as_array()?.iter().map(Value::as_f64).collect();
        numbers?.try_into().ok()
    };
    let rows: Option<Vec<_>> = rows.iter().map(numbers).collect();
    rows.ok_or("rows that are not two numbers (bad, good) each")
}

/// The probability of "good": by a softmax where the row is none of
/// probabilities yet, as with some versions of the server.
fn last_row(row: [f64; LABELS]) -> LastRow {
    let sum: f64 = row.iter().sum();
    let probabilities = row
        .iter()
        .all(|x| (-TOLERANCE..=1.0 + TOLERANCE).contains(x));
    if probabilities && (sum - 1.0).abs() <= TOLERANCE {
        return LastRow {
            good: row[GOOD].clamp(0.0, 1.0),
            raw: false,
        };
    }
    let others = row.iter().enumerate().filter(|(place, _)| *place != GOOD);
    let odds: f64 = others.map(|(_, x)| (x - row[GOOD]).exp()).sum();
    LastRow {
        good: (1.0 + odds).recip(),
        raw: true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_of_probabilities_are_taken_and_logits_are_normalised() {
        let taken = last_row([0.25, 0.75]);
        assert_eq!((taken.good, taken.raw), (0.75, false));
        assert_eq!(last_row([0.0, 1.004]).good, 1.0);
        // e^3 / (e^1 + e^3) = 1 / (1 + e^-2).
        let normalised = last_row([1.0, 3.0]);
        assert!(normalised.raw);
        assert!((normalised.good - 0.880_797_077_977_882).abs() < 1e-12);
        // Sums to 1, but a probability is no -2.
        assert!(last_row([3.0, -2.0]).raw);
        assert_eq!(last_row([1e300, -1e300]).good, 0.0);
        assert_eq!(last_row([-1e300, 1e300]).good, 1.0);
    }

    #[test]
    fn only_lists_of_pairs_are_rows() {
        assert_eq!(
            rows(&json!([[0.1, 0.9], [1, 0]])),
            Ok(vec![[0.1, 0.9], [1.0, 0.0]])
        );
        for other in [
            json!([0.1, 0.9]),
            json!([[0.1]]),
            json!([[0.1, null]]),
            json!([[1, 2, 3]]),
        ] {
            assert!(
                rows(&other).is_err_and(|problem| problem.contains("two numbers")),
                "{other}"
            );
        }
        assert!(rows(&json!("AAAA")).is_err_and(|problem| problem.contains("no list")));
    }

    proptest! {
        #[test]
        fn no_text_holds_a_tag_or_a_mark(text in "(<extra_0>|<\\||<|extra_0>|[a-z|<>_]){0,12}") {
            let plain = plain(&text);
            prop_assert!(!plain.contains(TAG) && !plain.contains("<|"));
        }

        #[test]
        fn every_row_gives_a_probability(bad in -1e3..1e3_f64, good in -1e3..1e3_f64) {
            prop_assert!((0.0..=1.0).contains(&last_row([bad, good]).good));
        }
    }
}
