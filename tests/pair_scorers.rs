//! The pair's scorers inside the program: they say what the trainer measured,
//! and tell wrong drafts from right ones.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;

use pointsman::model::catalog;
use pointsman::model::pool::Pool;
use pointsman::model::scorer::judge::Reading;
use pointsman::model::scorer::step::{StepCase, StepScorer};
use pointsman::pair::language::{Split, prompt};
use pointsman::pair::prm::Head;
use pointsman::pair::trainer::checkpoint::import;
use pointsman::pair::trainer::drafts::{Draft, Source};
use pointsman::pair::trainer::judge::ask;
use pointsman::pair::trainer::measure::scorers::{OF_JUDGE, OF_PRM, measure};
use pointsman::pair::trainer::network::Network;
use pointsman::pair::trainer::prm::features;
use pointsman::pair::trainer::recipe::Recipe;
use pointsman::pair::trainer::sampler::Decoder;
use pointsman::pair::vocabulary::Vocabulary;

/// Enough wrong ones among them for a figure, few enough for a test.
const DRAFTS: usize = 240;
/// Compared with the trainer one by one.
const COMPARED: usize = 40;

fn shipped(name: &str) -> Network {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/pair");
    import(&folder.join(name)).unwrap()
}

fn drafts(vocabulary: &Vocabulary) -> Vec<Draft> {
    let small = shipped("small");
    let source = Source {
        vocabulary,
        small: &small,
        temperature: 0.7,
        split: Split::Demo,
    };
    source.sampled(DRAFTS, 11)
}

/// A draft as the program sees it.
fn case(vocabulary: &Vocabulary, draft: &Draft) -> StepCase {
    let context = vocabulary.decode(&draft.context);
    let (question, answer) = context.split_once("\n\nSolution:\n\n").unwrap();
    let question = question.strip_prefix("Question: ").unwrap().to_owned();
    assert!(context.starts_with(&prompt(&question)));
    StepCase {
        problem: question.clone(),
        question,
        before: answer.split_terminator("\n\n").map(str::to_owned).collect(),
        step: vocabulary.decode(&draft.step),
    }
}

fn scores(scorer: &dyn StepScorer, cases: &[StepCase]) -> Vec<Option<f64>> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let score = |case: &StepCase| runtime.block_on(scorer.score(case.clone())).unwrap().value;
    cases.iter().map(score).collect()
}

#[test]
fn the_reward_model_says_what_the_trainer_measured_and_knows_wrong_steps() {
    let vocabulary = Vocabulary::new();
    let drafts = drafts(&vocabulary);
    let cases: Vec<StepCase> = drafts
        .iter()
        .map(|draft| case(&vocabulary, draft))
        .collect();
    let pool = Pool::embedded();
    let spec = pool.scorers.prm.as_ref().unwrap();
    let (prm, facts) = catalog::reward_model(spec, &pool, None).unwrap();
    assert!(facts.weights.is_some());
    let scores = scores(prm.as_ref(), &cases);

    let large = shipped("large");
    let mut decoder = Decoder::new(&large);
    let text = include_str!("../assets/pair/prm.json");
    let head = Head::parse(text).unwrap();
    for (draft, score) in drafts.iter().zip(&scores).take(COMPARED) {
        let wanted = features(&mut decoder, &vocabulary, draft);
        let wanted = wanted.map(|features| head.probability(&features));
        match (wanted, score) {
            (Some(wanted), Some(score)) => {
                assert!((wanted - score).abs() < 5e-3, "{wanted} {score}");
            }
            (wanted, score) => assert_eq!((wanted, *score), (None, None)),
        }
    }
    let scored = drafts.iter().zip(&scores);
    let found = measure(
        scored.map(|(draft, score)| (*score, 0, draft.right)),
        &OF_PRM,
    );
    assert!(found.wrong > 0.05, "{found:?}");
    assert!(found.auc.value > 0.93, "{found:?}");
}

#[test]
fn the_judge_really_answers_and_knows_wrong_steps() {
    let vocabulary = Vocabulary::new();
    let drafts = drafts(&vocabulary);
    let cases: Vec<StepCase> = drafts
        .iter()
        .map(|draft| case(&vocabulary, draft))
        .collect();
    let pool = Pool::embedded();
    let endpoints = catalog::build(&pool, None).unwrap();
    let described = catalog::facts(&pool, &endpoints).unwrap();
    let last = (endpoints.last().unwrap(), described.last().unwrap());
    let (judge, facts) = catalog::judge(&pool, last, Reading::Expected, None).unwrap();
    assert_eq!(facts.name, "embedded-judge");
    let scores = scores(judge.as_ref(), &cases);
    assert!(
        scores
            .iter()
            .all(|score| score.is_some_and(|score| (0.0..=9.0).contains(&score)))
    );

    let network = shipped("judge");
    let mut decoder = Decoder::new(&network);
    for (draft, score) in drafts.iter().zip(&scores).take(COMPARED) {
        let said = ask(&mut decoder, &vocabulary, draft);
        let (wanted, score) = (said.score.unwrap(), score.unwrap());
        // The program knows the likeliest digits alone.
        assert!(
            (wanted - score).abs() < 0.2,
            "{wanted} {score} {}",
            said.text
        );
    }
    let scored = drafts.iter().zip(&scores);
    let found = measure(
        scored.map(|(draft, score)| (*score, 0, draft.right)),
        &OF_JUDGE,
    );
    assert!(found.auc.value > 0.9, "{found:?}");
    let seven = found.cuts.iter().find(|cut| cut.below == 7.0).unwrap();
    assert!(
        seven.wrong_rejected > 0.8 && seven.right_rejected < 0.15,
        "{found:?}"
    );
}

#[test]
fn the_recipe_in_the_code_is_the_one_of_the_shipped_judge() {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/pair");
    let text = std::fs::read(assets.join("judge/training.json")).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let recipe = serde_json::to_value(Recipe::of_judge()).unwrap();
    assert_eq!(record["recipe"], recipe);
    assert_eq!(record["progress"]["step"], recipe["schedule"]["steps"]);
    let read = |path: &str| std::fs::read_to_string(assets.join(path)).unwrap();
    assert_eq!(read("judge/tokenizer.json"), read("large/tokenizer.json"));
    assert_eq!(read("judge/config.json"), read("large/config.json"));
}
