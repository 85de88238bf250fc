use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::router::calibration::PoolModel;

/// Problems that the large model betters where the first feature is above 0;
/// the others say nothing.
fn problems(count: usize, seed: u64) -> Vec<Example> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|_| {
            let features: Vec<f32> = (0..6).map(|_| rng.random_range(-1.0..1.0)).collect();
            let hard = features[0] > 0.0;
            Example {
                features,
                small: if hard { 0.0 } else { 1.0 },
                large: 1.0,
            }
        })
        .collect()
}

fn fitted() -> Fitted {
    let recipe = Recipe {
        epochs: 40,
        seed: 5,
        ..Recipe::default()
    };
    fit(&problems(300, 1), recipe).unwrap()
}

fn about(models: &[&str]) -> About {
    let model = |name: &&str| PoolModel {
        name: (*name).to_owned(),
        server: None,
        model: None,
        weights: Some(format!("hash of {name}")),
    };
    About {
        encoder: "ngrams-v1".to_owned(),
        models: models.iter().map(model).collect(),
        training: BTreeMap::new(),
    }
}

fn trained() -> QueryModel {
    let calibration = problems(200, 2).into_iter().map(|example| example.features);
    QueryModel::new(
        fitted(),
        about(&["small", "large"]),
        &calibration.collect::<Vec<_>>(),
    )
    .unwrap()
}

#[test]
fn a_separable_problem_is_learnt_and_training_is_repeatable() {
    let first = fitted();
    assert!(first.held_out_loss < 0.75 * first.constant_loss);
    assert_eq!((first.trained, first.held_out), (240, 60));
    assert!(fitted() == first);
    let model = trained();
    let unseen = problems(200, 3);
    let right = unseen.iter().filter(|example| {
        let high = model.score(&example.features).unwrap() > 0.75;
        high == (example.small == 0.0)
    });
    assert!(right.count() >= 185);
}

#[test]
fn what_cannot_be_learnt_from_is_refused() {
    let refused = |examples: &[Example]| fit(examples, Recipe::default()).unwrap_err().to_string();
    assert!(refused(&problems(9, 1)).contains("9 problems are too few"));
    let mut examples = problems(20, 1);
    examples[3].features.pop();
    assert!(refused(&examples).contains("problem 3 has 5 features where the first has 6"));
    for spoil in [
        |example: &mut Example| example.features[0] = f32::NAN,
        |example: &mut Example| example.small = 1.5,
        |example: &mut Example| example.large = f64::NAN,
    ] {
        let mut examples = problems(20, 1);
        spoil(&mut examples[7]);
        assert!(refused(&examples).contains("problem 7"));
    }
}

#[test]
fn a_share_becomes_the_threshold_that_so_many_problems_reach() {
    let model = trained();
    assert!(model.threshold(0.0) > 1.0);
    assert_eq!(model.threshold(1.0), 0.0);
    let scores: Vec<f64> = problems(200, 2)
        .iter()
        .map(|example| model.score(&example.features).unwrap())
        .collect();
    for share in [0.1, 0.4, 0.75] {
        let threshold = model.threshold(share);
        let reach = scores.iter().filter(|score| **score >= threshold).count();
        assert!(
            (reach as f64 / 200.0 - share).abs() < 0.011,
            "{share}: {reach}"
        );
    }
}

#[test]
fn a_model_survives_the_disk_and_strangers_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let model = trained();
    model.save(folder.path()).unwrap();
    let again = QueryModel::load(folder.path()).unwrap();
    assert_eq!(again.files.len(), 2);
    let facts = QueryFacts {
        weights: None,
        ..again.facts.clone()
    };
    assert_eq!(facts, model.facts);
    for example in problems(20, 4) {
        let scores = [&again, &model].map(|model| model.score(&example.features).unwrap());
        assert_eq!(scores[0], scores[1]);
    }

    let pool = |weights: &str| about(&["small", weights]).models;
    assert!(QueryModel::find(Some(folder.path()), &pool("large")).is_ok());
    let error = QueryModel::find(Some(folder.path()), &pool("huge")).unwrap_err();
    assert!(error.to_string().contains("another pool"), "{error}");
    let mut other = pool("large");
    other[1].weights = Some("of others".to_owned());
    let error = QueryModel::find(Some(folder.path()), &other).unwrap_err();
    assert!(error.to_string().contains("other weights"), "{error}");
    assert!(again.check_encoder("ngrams-v1").is_ok());
    let error = again.check_encoder("embeddings").unwrap_err().to_string();
    assert!(
        error.contains("6 features of the encoder `ngrams-v1`"),
        "{error}"
    );
    let error = again.score(&[0.0; 5]).unwrap_err().to_string();
    assert!(
        error.contains("reads 6 features") && error.contains("gave 5"),
        "{error}"
    );
    assert!(again.score(&[f32::NAN; 6]).is_err());

    let rewritten = |change: &dyn Fn(&mut serde_json::Value)| {
        let path = folder.path().join("query.json");
        let bytes = std::fs::read(&path).unwrap();
        let mut json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        change(&mut json);
        std::fs::write(&path, json.to_string()).unwrap();
        let error = QueryModel::load(folder.path()).unwrap_err().to_string();
        std::fs::write(&path, bytes).unwrap();
        error
    };
    let error = rewritten(&|json| json["kind"] = "steer".into());
    assert!(
        error.contains("describes `steer`, not a router of the kind `query`"),
        "{error}"
    );
    let error = rewritten(&|json| json["format"] = 2.into());
    assert!(error.contains("format 2"), "{error}");
    let error = rewritten(&|json| json["encoder"]["dimension"] = 7.into());
    assert!(error.contains("normalisation"), "{error}");
    let error = rewritten(&|json| json["percentiles"][0] = 2.into());
    assert!(error.contains("101 rising scores"), "{error}");
    let error = rewritten(&|json| json["weights"] = "0".into());
    assert!(
        error.contains("be those that query.json was written with"),
        "{error}"
    );
    let error = rewritten(&|json| json["zebra"] = 1.into());
    assert!(error.contains("zebra"), "{error}");
    std::fs::remove_file(folder.path().join("query.safetensors")).unwrap();
    let error = QueryModel::load(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("cannot read") && error.contains("query.safetensors"),
        "{error}"
    );
}

#[test]
fn the_rule_chooses_once_and_keeps_to_it() {
    let params = Params {
        cut: Cut::Threshold(0.6),
        file: None,
    };
    let rule = Query::new(Arc::new(trained()), params).unwrap();
    assert_eq!(rule.timing(), Timing::OnQuestion);
    for (score, action) in [
        (Some(0.59), 0),
        (Some(0.6), 1),
        (Some(1.0), 1),
        (None, 1),
        (Some(f64::NAN), 1),
    ] {
        let choice = rule.choose(score, 2);
        assert_eq!(
            (choice.action, choice.threshold),
            (action, Some(0.6)),
            "{score:?}"
        );
    }
    assert!(rule.choose(None, 2).reason.contains("no score"));
    let seen = |writer| super::super::post_hoc::tests::draft(writer, 4);
    assert_eq!(rule.decide(&seen(Some(0)), 0.5).action, 0);
    assert_eq!(rule.decide(&seen(Some(2)), 0.5).action, 2);
    let facts = rule.facts();
    assert_eq!(
        (&facts.parameters["t"], &facts.parameters["label"]),
        (&0.6.into(), &"gain".into())
    );
    assert_eq!(facts.parameters["encoder"], "ngrams-v1");
    assert!(rule.question_model().is_some());
}
