//! The llama.cpp endpoint against a real server, whose address is in
//! `POINTSMAN_LLAMA_CPP_URL`; without it nothing is tested and the test says
//! so. `tests/real_server.sh` starts one and runs this.

// The helpers of a test binary are not test functions to clippy.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pointsman::model::endpoint::{DELIMITER, Endpoint, NoProgress, Progress, StepRequest};
use pointsman::model::http::client::install_crypto;
use pointsman::model::http::served::Served;
use pointsman::model::pool::{ModelSpec, ServerKind};
use pointsman::model::prompt::{LocalTemplate, Template};
use pointsman::model::scorer::judge::Judge;
use pointsman::model::scorer::step::{StepCase, StepScorer as _};
use pointsman::trace::record::{Role, StepEnd, ValueKind};
use serde_json::{Value, json};

const VARIABLE: &str = "POINTSMAN_LLAMA_CPP_URL";

const QUESTIONS: [&str; 6] = [
    "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in \
     May. How many clips did Natalia sell altogether in April and May?",
    "Tom has 3 boxes with 4 apples each and eats 2. How many apples are left? Think step by step.",
    "What is the perimeter of a rectangle with sides 3 and 5? Explain each step.",
    "List three prime numbers and explain why each one is prime.",
    "What is 15% of 80?",
    "A train travels 60 miles in 2 hours. What is its speed?",
];

fn server() -> Option<String> {
    let url = std::env::var(VARIABLE).ok();
    if url.is_none() {
        println!("skipped: {VARIABLE} is not set, so there is no server to test with");
    }
    url
}

fn endpoint(url: &str, template: Option<&str>) -> Served {
    let spec = ModelSpec {
        base_url: Some(url.to_owned()),
        template: template.map(str::to_owned),
        ..ModelSpec::new("real", ServerKind::LlamaCpp)
    };
    let template = Template::for_spec(&spec, None).unwrap();
    Served::new(&spec, Some(template)).unwrap()
}

fn request(question: &str, prefix: &str) -> StepRequest {
    StepRequest {
        question: question.to_owned(),
        prefix: prefix.to_owned(),
        temperature: 0.0,
        top_p: 1.0,
        max_tokens: 200,
        seed: 1,
        role: Role::Step,
        affinity: question.to_owned(),
    }
}

/// The whole greedy answer, its token ids and whether it ended by itself, in one
/// plain request, by way of no code of ours but the template.
async fn one_shot(url: &str, prompt: &str) -> (String, Vec<i64>, bool) {
    let body = json!({
        "prompt": prompt, "n_predict": 250, "temperature": 0.0, "stream": false,
        "repeat_penalty": 1.0, "cache_prompt": false, "return_tokens": true,
    });
    let answer = post(url, "/completion", &body).await;
    let ids = answer["tokens"].as_array().unwrap();
    let ids = ids.iter().map(|id| id.as_i64().unwrap()).collect();
    let text = answer["content"].as_str().unwrap().to_owned();
    (text, ids, answer["stop_type"] == "eos")
}

/// How the tokenizer encodes `text` in front of a letter.
async fn encoded(url: &str, text: &str) -> Vec<i64> {
    let body = json!({ "content": format!("{text}A"), "add_special": true, "parse_special": true });
    let answer = post(url, "/tokenize", &body).await;
    let ids = answer["tokens"].as_array().unwrap();
    let mut ids: Vec<i64> = ids.iter().map(|id| id.as_i64().unwrap()).collect();
    ids.pop();
    ids
}

async fn post(url: &str, path: &str, body: &Value) -> Value {
    install_crypto();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client
        .post(format!("{url}{path}"))
        .json(body)
        .send()
        .await
        .unwrap();
    answer.json().await.unwrap()
}

#[tokio::test]
async fn the_probe_finds_everything() {
    let Some(url) = server() else { return };
    for template in [None, Some("smollm2")] {
        let seen = endpoint(&url, template).probe().await.unwrap();
        println!("{seen:?}");
        assert_eq!(seen.values, ValueKind::LogprobPreTemperature);
        assert_eq!(seen.top, 20);
        assert!(seen.which_stop && seen.cached_count);
        assert!(seen.context.is_some_and(|context| context >= 1024));
    }
}

/// Step by step must give the text of one shot, as long as the model is shown
/// the same tokens. Text is all that a step hands on, so it is shown others
/// where it had sampled a text in another way than the tokenizer encodes it
/// (SmolLM2 now and then writes `"\n\n"` as one token where its tokenizer
/// makes two); from there on the question is not compared. And caching changes
/// the last bits of the logits: where a step differs nevertheless, it must
/// part in a near tie, the two best probabilities within 0.1 of each other.
#[tokio::test]
async fn greedy_steps_are_the_greedy_answer() {
    let Some(url) = server() else { return };
    let endpoint = endpoint(&url, Some("smollm2"));
    let template = LocalTemplate::named("smollm2", None).unwrap();
    let (mut equal, mut continued) = (0, 0);
    for question in QUESTIONS {
        let prompt = template.render(question).unwrap();
        let (answer, sampled, ended) = one_shot(&url, &prompt).await;
        let shared = [encoded(&url, &prompt).await, sampled].concat();
        let mut expected: Vec<&str> = answer.split(DELIMITER).collect();
        if !ended {
            // Cut at the limit of the one shot.
            expected.pop();
        }
        let mut prefix = String::new();
        for (nth, expected) in expected.iter().take(5).enumerate() {
            let shown = encoded(&url, &format!("{prompt}{prefix}")).await;
            if !shared.starts_with(&shown) {
                println!("{} was sampled along another path", nth + 1);
                break;
            }
            let reply = endpoint
                .step(request(question, &prefix), &NoProgress)
                .await
                .unwrap();
            println!("{} {:?} coverage {}", nth + 1, reply.text, reply.coverage);
            assert!(reply.coverage >= 0.8, "{reply:?}");
            assert!(
                reply
                    .tokens
                    .iter()
                    .all(|token| token.logprob.is_some_and(|p| p <= 0.0))
            );
            assert_eq!(reply.usage.prompt, shown.len() as u64);
            let cached = reply.usage.cached.unwrap();
            assert!(
                cached <= reply.usage.prompt && (nth == 0 || cached > 0),
                "{cached}"
            );
            if reply.text != *expected {
                println!("expected {expected:?}");
                assert_near_tie(&reply.tokens, &reply.text, expected);
                break;
            }
            equal += 1;
            continued += usize::from(nth > 0);
            prefix = prefix + &reply.text + DELIMITER;
        }
    }
    println!("{equal} steps agree, {continued} of them behind another step");
    assert!(
        equal >= 5 && continued >= 2,
        "{equal} steps agree, {continued} behind another"
    );
}

/// Where the texts part, the model must have been undecided.
fn assert_near_tie(tokens: &[pointsman::trace::record::Token], text: &str, expected: &str) {
    let common = text
        .bytes()
        .zip(expected.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let mut position = 0;
    let at = tokens.iter().find(|token| {
        position += token.text.len();
        position > common
    });
    // The parting token may be the delimiter itself, which is not listed.
    let Some(token) = at else { return };
    let [first, second, ..] = &token.top[..] else {
        panic!("{token:?}")
    };
    let gap = first.logprob.exp() - second.logprob.exp();
    assert!(gap < 0.1, "the steps part without a tie: {token:?}");
}

#[tokio::test]
async fn seeds_make_sampled_steps_and_usage_adds_up() {
    let Some(url) = server() else { return };
    let endpoint = endpoint(&url, Some("smollm2"));
    let sampled = |seed| StepRequest {
        temperature: 1.0,
        seed,
        ..request(QUESTIONS[0], "")
    };
    let mut texts = Vec::new();
    for seed in [1, 2, 3] {
        let reply = endpoint.step(sampled(seed), &NoProgress).await.unwrap();
        // Every token of the step was generated; the delimiter's come on top.
        let tokens = reply.tokens.len() as u64;
        assert!(reply.usage.output >= tokens, "{reply:?}");
        assert!(reply.coverage >= 0.8, "{reply:?}");
        texts.push(reply.text);
    }
    texts.dedup();
    assert!(texts.len() > 1, "seeds change the text: {texts:?}");
    let limited = StepRequest {
        max_tokens: 5,
        ..request(QUESTIONS[1], "")
    };
    let reply = endpoint.step(limited, &NoProgress).await.unwrap();
    assert_eq!((reply.end, reply.usage.output), (StepEnd::Length, 5));
}

struct Began(Mutex<bool>);

impl Progress for Began {
    fn delta(&self, _: &str) {
        *self.0.lock().unwrap() = true;
    }
}

/// Any chat model can be the judge of `specreason`: a digit with the
/// probabilities of the others, in three tokens at most.
#[tokio::test]
async fn a_judge_gives_a_digit_with_its_probabilities() {
    let Some(url) = server() else { return };
    let judge = Judge::new(Arc::new(endpoint(&url, Some("smollm2"))));
    let score = judge
        .score(StepCase {
            problem: "p".to_owned(),
            question: "What is 6 times 7?".to_owned(),
            before: vec!["We multiply.".to_owned()],
            step: "6 times 7 is 42.".to_owned(),
        })
        .await
        .unwrap();
    let value = score.value.unwrap();
    let note = score.note.unwrap();
    assert!((0.0..=9.0).contains(&value), "{value} {note}");
    assert!(note.contains("expected"), "{note}");
    assert!((1..=3).contains(&score.usage.output), "{:?}", score.usage);
}

#[tokio::test]
async fn cancelling_frees_the_server() {
    let Some(url) = server() else { return };
    let endpoint = endpoint(&url, Some("plain"));
    let began = Began(Mutex::new(false));
    // A list without blank lines: without cancelling it would go on for long.
    let long = StepRequest {
        max_tokens: 1500,
        ..request("1\n2\n3\n4\n5\n6\n7\n8\n9\n10", "1\n2\n3\n4\n5\n6\n7\n")
    };
    {
        let step = endpoint.step(long, &began);
        tokio::pin!(step);
        while !*began.0.lock().unwrap() {
            tokio::select! {
                reply = &mut step => panic!("ended by itself: {reply:?}"),
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
        }
        assert!(busy(&url).await.contains(&QUARRY), "the slot is at work");
    }
    for _ in 0..400 {
        if !busy(&url).await.contains(&QUARRY) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("two seconds after the cancel the server still generates");
}

/// The token limit that tells the cancelled call from other tests' calls.
const QUARRY: u64 = 1500;

/// The token limits of the calls that the server works on.
async fn busy(url: &str) -> Vec<u64> {
    install_crypto();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let slots: Value = client
        .get(format!("{url}/slots"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    slots
        .as_array()
        .unwrap()
        .iter()
        .filter(|slot| slot["is_processing"] == true)
        .filter_map(|slot| slot["params"]["n_predict"].as_u64())
        .collect()
}
