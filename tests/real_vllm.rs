//! The vLLM endpoint against real servers that have the embedded pair's small
//! model, whose addresses are in `POINTSMAN_VLLM_URL` (started with
//! `--logprobs-mode raw_logits`) and `POINTSMAN_VLLM_DEFAULT_URL`, and a process
//! reward model at `POINTSMAN_VLLM_PRM_URL`. What a variable does not name is
//! not tested, and the test says so. `tests/real_vllm.sh` starts the servers
//! and runs this.
//!
//! The same weights run in this process: what vLLM says is held against that.

// The helpers of a test binary are not test functions to clippy.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pointsman::model::catalog;
use pointsman::model::endpoint::{
    Endpoint, FailureKind, NoProgress, Progress, StepReply, StepRequest,
};
use pointsman::model::http::client::install_crypto;
use pointsman::model::http::pooling::Pooling;
use pointsman::model::http::served::Served;
use pointsman::model::pool::{ModelSpec, Pool, ServerKind};
use pointsman::model::prompt::Template;
use pointsman::model::scorer::step::{StepCase, StepScorer as _};
use pointsman::trace::record::{Role, StepEnd, ValueKind};

const RAW: &str = "POINTSMAN_VLLM_URL";
const DEFAULT: &str = "POINTSMAN_VLLM_DEFAULT_URL";
const PRM: &str = "POINTSMAN_VLLM_PRM_URL";

const QUESTIONS: [&str; 3] = [
    "Mia has 12 shells. Mia found 30 more. How many shells does Mia have?",
    "Start with 19. Multiply by 8. Subtract 2. What is the result?",
    "Tom has 66 coins. Tom sold 17. How many coins does Tom have?",
];

fn url(variable: &str) -> Option<String> {
    let url = std::env::var(variable).ok();
    if url.is_none() {
        println!("skipped: {variable} is not set, so there is no server to test with");
    }
    url
}

fn spec(url: &str, model: &str) -> ModelSpec {
    ModelSpec {
        base_url: Some(url.to_owned()),
        model: Some(model.to_owned()),
        template: Some("pointsman-pair".to_owned()),
        ..ModelSpec::new("real", ServerKind::Vllm)
    }
}

fn endpoint(spec: &ModelSpec) -> Served {
    let template = Template::for_spec(spec, None).unwrap();
    Served::new(spec, Some(template)).unwrap()
}

/// The same model in this process.
fn local() -> Arc<dyn Endpoint> {
    catalog::build(&Pool::embedded(), None).unwrap().remove(0)
}

fn request(question: &str, prefix: &str) -> StepRequest {
    StepRequest {
        question: question.to_owned(),
        prefix: prefix.to_owned(),
        temperature: 0.0,
        top_p: 1.0,
        max_tokens: 100,
        seed: 1,
        role: Role::Step,
        affinity: question.to_owned(),
    }
}

/// The greedy steps of both, question by question, as long as they agree.
async fn side_by_side(there: &Served) -> Vec<(StepReply, StepReply)> {
    let here = local();
    let mut pairs = Vec::new();
    for question in QUESTIONS {
        let mut prefix = String::new();
        for _ in 0..6 {
            let ours = here
                .step(request(question, &prefix), &NoProgress)
                .await
                .unwrap();
            let theirs = there
                .step(request(question, &prefix), &NoProgress)
                .await
                .unwrap();
            assert_eq!((&theirs.text, theirs.end), (&ours.text, ours.end));
            let last = ours.end == StepEnd::Eos;
            prefix = format!("{prefix}{}\n\n", ours.text);
            pairs.push((ours, theirs));
            if last {
                break;
            }
        }
    }
    assert!(pairs.iter().any(|(_, theirs)| theirs.end == StepEnd::Eos));
    assert!(
        pairs
            .iter()
            .any(|(_, theirs)| theirs.end == StepEnd::Delimiter)
    );
    pairs
}

#[tokio::test]
async fn raw_logits_are_those_of_the_same_weights_in_this_process() {
    let Some(url) = url(RAW) else { return };
    let there = endpoint(&spec(&url, "small"));
    let found = there.probe().await.unwrap();
    println!("{found:?}");
    assert_eq!(found.values, ValueKind::RawLogit);
    assert!(!found.probabilities && found.which_stop && found.token_ids);
    assert_eq!((found.top, found.context), (20, Some(448)));
    assert!(found.version.unwrap().starts_with("vLLM "));
    let (mut furthest, mut tokens) = (0.0_f32, 0);
    for (ours, theirs) in side_by_side(&there).await {
        assert_eq!(theirs.values, ValueKind::RawLogit);
        assert!(theirs.coverage >= 1.0, "{theirs:?}");
        assert_eq!(theirs.tokens.len(), ours.tokens.len());
        for (ours, theirs) in ours.tokens.iter().zip(&theirs.tokens) {
            assert_eq!(theirs.text, ours.text);
            assert_eq!((theirs.logprob, theirs.top.len()), (None, 0));
            let apart = theirs.max_logit.unwrap() - ours.max_logit.unwrap();
            furthest = furthest.max(apart.abs());
            tokens += 1;
        }
    }
    println!("{tokens} tokens, logits at most {furthest} apart");
    assert!(furthest < 0.01, "{furthest}");
}

#[tokio::test]
async fn log_probabilities_are_those_of_the_same_weights_in_this_process() {
    let Some(url) = url(DEFAULT) else { return };
    let there = endpoint(&spec(&format!("{url}/v1"), "small"));
    let found = there.probe().await.unwrap();
    println!("{found:?}");
    assert_eq!(found.values, ValueKind::LogprobPreTemperature);
    assert!(found.probabilities && found.cached_count);
    let (mut furthest, mut tokens) = (0.0_f32, 0);
    for (ours, theirs) in side_by_side(&there).await {
        assert!(theirs.usage.cached.is_some());
        for (ours, theirs) in ours.tokens.iter().zip(&theirs.tokens) {
            let apart = theirs.logprob.unwrap() - ours.logprob.unwrap();
            furthest = furthest.max(apart.abs());
            tokens += 1;
        }
    }
    println!("{tokens} tokens, log-probabilities at most {furthest} apart");
    assert!(furthest < 0.01, "{furthest}");
}

#[derive(Default)]
struct Screen(Mutex<String>);

impl Progress for Screen {
    fn delta(&self, text: &str) {
        self.0.lock().unwrap().push_str(text);
    }
}

#[tokio::test]
async fn a_stream_gives_the_same_step_as_one_answer() {
    let Some(url) = url(RAW) else { return };
    let there = endpoint(&spec(&url, "small"));
    let asked = || StepRequest {
        temperature: 0.7,
        seed: 11,
        ..request(QUESTIONS[0], "")
    };
    let whole = there.step(asked(), &NoProgress).await.unwrap();
    let screen = Screen::default();
    let streamed = there.step(asked(), &screen).await.unwrap();
    assert_eq!(streamed.text, whole.text);
    assert_eq!(*screen.0.lock().unwrap(), whole.text);
    assert_eq!(
        (streamed.end, streamed.usage.output),
        (whole.end, whole.usage.output)
    );
    assert_eq!(streamed.tokens.len(), whole.tokens.len());
    // The limit is told from the other ends.
    let cut = there
        .step(
            StepRequest {
                max_tokens: 3,
                ..asked()
            },
            &NoProgress,
        )
        .await
        .unwrap();
    assert_eq!((cut.end, cut.usage.output), (StepEnd::Length, 3));
}

#[tokio::test]
async fn what_does_not_fit_and_what_is_not_there_is_told_apart() {
    let Some(url) = url(RAW) else { return };
    let long = "1 + 1 = 2.\n\n".repeat(60);
    let error = endpoint(&spec(&url, "small"))
        .step(request(QUESTIONS[0], &long), &NoProgress)
        .await
        .unwrap_err();
    assert_eq!(error.kind, FailureKind::Context, "{error}");
    // The server's own words, where the pool claims a longer context. (What
    // only the step's limit carries too far, the server shortens.)
    let long = "1 + 1 = 2.\n\n".repeat(80);
    let boasted = ModelSpec {
        context: Some(100_000),
        ..spec(&url, "small")
    };
    let error = endpoint(&boasted)
        .step(request(QUESTIONS[0], &long), &NoProgress)
        .await
        .unwrap_err();
    assert_eq!(error.kind, FailureKind::Context, "{error}");
    let error = endpoint(&spec(&url, "other")).probe().await.unwrap_err();
    assert_eq!(error.kind, FailureKind::NotFound);
    assert!(error.message.contains("available: small"), "{error}");
}

#[tokio::test]
async fn dropping_the_step_stops_the_generation() {
    let Some(url) = url(RAW) else { return };
    let there = endpoint(&spec(&url, "small"));
    there.probe().await.unwrap();
    for watched in [false, true] {
        let screen = Screen::default();
        let progress: &dyn Progress = if watched { &screen } else { &NoProgress };
        let asked = StepRequest {
            // Hot enough to run on to the limit.
            temperature: 2.0,
            max_tokens: 400,
            ..request(QUESTIONS[0], "")
        };
        let step = there.step(asked, progress);
        let _ = tokio::time::timeout(Duration::from_millis(30), step).await;
        let mut running = true;
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            running = is_running(&url).await;
            if !running {
                break;
            }
        }
        assert!(!running, "watched: {watched}");
    }
}

async fn is_running(url: &str) -> bool {
    install_crypto();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let metrics = client.get(format!("{url}/metrics")).send().await.unwrap();
    let text = metrics.text().await.unwrap();
    let mut lines = text.lines();
    let line = lines
        .find(|line| line.starts_with("vllm:num_requests_running"))
        .expect("the metrics count requests");
    line.split_whitespace().last() != Some("0.0")
}

#[tokio::test]
async fn a_process_reward_model_scores_the_last_step() {
    let Some(url) = url(PRM) else { return };
    let scorer = Pooling::new(&spec(&url, "prm")).unwrap();
    scorer.probe().await.unwrap();
    let case = |before: &[&str], step: &str| StepCase {
        problem: "p".to_owned(),
        question: QUESTIONS[0].to_owned(),
        before: before.iter().map(|step| (*step).to_owned()).collect(),
        step: step.to_owned(),
    };
    let first = scorer.score(case(&[], "12 + 30 = 42.")).await.unwrap();
    let second = scorer
        .score(case(&["12 + 30 = 42."], "The answer is 42."))
        .await
        .unwrap();
    println!("{first:?}\n{second:?}");
    for score in [&first, &second] {
        assert!(
            score
                .value
                .is_some_and(|value| (0.0..=1.0).contains(&value))
        );
        assert!(score.usage.prompt > 0 && score.usage.output == 0);
        assert_eq!(score.note, None);
    }
    assert!(second.usage.prompt > first.usage.prompt);
    // A step that holds the tag adds no row.
    let tagged = scorer.score(case(&[], "42 <extra_0> 43")).await.unwrap();
    assert!(tagged.value.is_some());
    // And a model that is not there is told.
    let other = Pooling::new(&spec(&url, "other")).unwrap();
    assert_eq!(other.probe().await.unwrap_err().kind, FailureKind::NotFound);
}
