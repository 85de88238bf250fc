//! The shipped pair: the program's own model code does what the trainer that
//! made the models does.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::path::Path;
use std::sync::Arc;

use pointsman::model::catalog;
use pointsman::model::endpoint::{DELIMITER, Endpoint, NoProgress, StepReply, StepRequest};
use pointsman::model::pool::Pool;
use pointsman::pair::demo::{DEMO_SEED, demo_problems, to_json_lines};
use pointsman::pair::language::Split;
use pointsman::pair::language::solution::{Author, gold};
use pointsman::pair::trainer::checkpoint::import;
use pointsman::pair::trainer::measure::lab::problems;
use pointsman::pair::trainer::network::Network;
use pointsman::pair::trainer::recipe::Recipe;
use pointsman::pair::trainer::sampler::{GeneratedStep, Writers};
use pointsman::pair::vocabulary::Vocabulary;
use pointsman::signal::confidence::{Source, measure};
use pointsman::signal::math_tokens;
use pointsman::trace::record::{Role, StepEnd, Token};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn shipped(author: Author) -> Network {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/pair");
    import(&assets.join(author.name())).unwrap()
}

/// A pattern of authors that hands over in both directions.
fn turns(problem: usize, step: usize) -> Author {
    if (step + problem) % 3 == 1 {
        Author::Large
    } else {
        Author::Small
    }
}

fn endpoints() -> Vec<Arc<dyn Endpoint>> {
    catalog::build(&Pool::embedded(), None).unwrap()
}

fn next_step(endpoint: &dyn Endpoint, question: &str, prefix: &str) -> StepReply {
    let request = StepRequest {
        question: question.to_owned(),
        prefix: prefix.to_owned(),
        temperature: 0.0,
        top_p: 1.0,
        max_tokens: 200,
        seed: 0,
        role: Role::Step,
        affinity: "p".to_owned(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime
        .block_on(endpoint.step(request, &NoProgress))
        .unwrap()
}

/// The two confidences as the program measures them: logit, prob.
fn confidences(mut reply: StepReply) -> [f64; 2] {
    math_tokens::mark(&mut reply.tokens);
    [Source::Logit, Source::Prob].map(|source| {
        let confidence = measure(&reply.tokens, reply.values, reply.coverage, source);
        confidence.value.unwrap()
    })
}

fn compare(question: &str, authors: impl Fn(usize) -> Author, wanted: &[GeneratedStep]) {
    let endpoints = endpoints();
    let mut prefix = String::new();
    for (index, step) in wanted.iter().enumerate() {
        let endpoint = match authors(index) {
            Author::Small => &endpoints[0],
            Author::Large => &endpoints[1],
        };
        let reply = next_step(endpoint.as_ref(), question, &prefix);
        let delimited = reply.end == StepEnd::Delimiter;
        assert_eq!(
            reply.text.clone() + if delimited { DELIMITER } else { "" },
            step.text,
            "step {index} after {prefix:?}"
        );
        prefix.push_str(&step.text);
        let signals = step.signals.unwrap();
        let [logit, prob] = confidences(reply);
        assert!(
            (prob - signals.min_top1).abs() < 2e-3,
            "least top-1 probability {prob} against {} in {:?}",
            signals.min_top1,
            step.text
        );
        assert!(
            (logit - signals.mean_max_logit).abs() < 2e-2,
            "mean max logit {logit} against {} in {:?}",
            signals.mean_max_logit,
            step.text
        );
    }
}

#[test]
fn the_program_writes_the_trainers_greedy_steps_with_the_same_confidence() {
    let vocabulary = Vocabulary::new();
    let (small, large) = (shipped(Author::Small), shipped(Author::Large));
    let mut writers = Writers::new(&vocabulary, &small, &large, 0.0);
    let mut coins = ChaCha8Rng::seed_from_u64(0);
    for (number, problem) in problems(Split::Evaluation, 10, 5).iter().enumerate() {
        let authors = |step: usize| turns(number, step);
        let choose = |steps: &[GeneratedStep], _: &mut _| authors(steps.len());
        let wanted = writers.solve(&problem.question, choose, &mut coins);
        assert!(wanted.steps.len() > 1, "{:?}", problem.question);
        compare(&problem.question, authors, &wanted.steps);
    }
}

#[test]
fn the_trainer_measures_confidence_on_the_programs_math_tokens() {
    let vocabulary = Vocabulary::new();
    for problem in problems(Split::Training, 300, 6) {
        for step in gold(&problem, Author::Large) {
            let ids = vocabulary.encode(&step).unwrap();
            let token = |&id: &u32| Token {
                text: vocabulary.text(id).into(),
                logprob: None,
                max_logit: None,
                top_logits: Vec::new(),
                top: Vec::new(),
                math: false,
            };
            let mut tokens: Vec<Token> = ids.iter().map(token).collect();
            math_tokens::mark(&mut tokens);
            for (id, token) in ids.into_iter().zip(tokens) {
                assert_eq!(
                    vocabulary.is_math(id),
                    token.math,
                    "{:?} in {step:?}",
                    token.text
                );
            }
        }
    }
}

/// The record of how a shipped model was trained.
fn training(author: Author) -> serde_json::Value {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/pair");
    let text = std::fs::read(assets.join(author.name()).join("training.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

#[test]
fn the_recipe_in_the_code_is_the_one_of_the_shipped_models() {
    for author in [Author::Small, Author::Large] {
        let record = training(author);
        let recipe = serde_json::to_value(Recipe::of(author)).unwrap();
        assert_eq!(record["recipe"], recipe, "{}", author.name());
        assert_eq!(record["progress"]["step"], recipe["schedule"]["steps"]);
        let network = shipped(author);
        assert_eq!(record["parameters"], network.weights.len());
        assert_eq!(
            recipe["shape"],
            serde_json::to_value(network.shape).unwrap()
        );
    }
}

#[test]
fn shipped_files_are_what_the_program_would_write_again() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let tokenizer = format!("{:#}\n", Vocabulary::new().tokenizer_json());
    assert_eq!(read("assets/pair/small/tokenizer.json"), tokenizer);
    assert_eq!(read("assets/pair/large/tokenizer.json"), tokenizer);
    let demo = to_json_lines(&demo_problems(20, DEMO_SEED));
    assert_eq!(read("assets/demo/problems.jsonl"), demo);
}
