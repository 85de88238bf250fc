//! What a file must be before anything is decided by it.

use super::*;
use crate::router::{RouterSpec, build};

const POOL: [&str; 2] = ["s", "l"];

fn model(name: &str, weights: Option<&str>) -> ModelFacts {
    ModelFacts {
        name: name.to_owned(),
        server: "local".to_owned(),
        model: Some(format!("/models/{name}")),
        params: None,
        price: None,
        template: None,
        template_sha256: None,
        continuation: None,
        context: None,
        extra: serde_json::Map::new(),
        weights: weights.map(str::to_owned),
    }
}

fn pool(weights: [Option<&str>; 2]) -> Vec<ModelFacts> {
    POOL.iter()
        .zip(weights)
        .map(|(name, weights)| model(name, weights))
        .collect()
}

/// A calibration of a pool with two fits: of step 1, and a degenerate one.
pub(in crate::router) fn steer_file(pool: &[ModelFacts]) -> serde_json::Value {
    let pool: Vec<PoolModel> = pool.iter().map(PoolModel::from).collect();
    serde_json::json!({
        "format": 1, "kind": "steer", "version": "0", "pool": pool, "seed": 0,
        "source": {
            "logs": [{ "name": "l.jsonl", "sha256": "00" }], "splits": ["train"],
            "problems": 1, "steps": 40, "steps-by-model": { "s": 40 },
        },
        "signal": "logit", "domain": "math",
        "fits": [
            {
                "index": 1, "n": 20, "dropped": 0, "missing": 0, "steps-by-model": { "s": 20 },
                "mixture": {
                    "unconfident": { "weight": 0.4, "mean": 10.0, "variance": 4.0 },
                    "confident": { "weight": 0.6, "mean": 20.0, "variance": 4.0 },
                },
                "iterations": 3, "converged": true, "log-likelihood": -1.0,
            },
            {
                "index": 2, "n": 4, "dropped": 0, "missing": 0, "steps-by-model": { "s": 4 },
                "mixture": null, "degenerate": "4 values; 10 are needed",
                "iterations": 0, "converged": false, "log-likelihood": null,
            },
        ],
    })
}

/// Writes a file and builds the router of a spec, whose `FILE` it is.
fn built(content: &str, spec: &str, pool: &[ModelFacts]) -> Result<RouterFactsOf, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.json");
    std::fs::write(&path, content).unwrap();
    let spec = spec.replace("FILE", &path.display().to_string());
    let spec: RouterSpec = spec.parse().unwrap();
    match build(&spec, pool, None) {
        Ok(router) => Ok(router.facts()),
        Err(error) => Err(error.to_string()),
    }
}

type RouterFactsOf = crate::trace::record::RouterFacts;

const STEER: &str = "steer:gamma=0.5,file=FILE";

#[test]
fn a_file_is_in_the_facts_by_its_hash() {
    let pool = pool([Some("aa"), Some("bb")]);
    let content = steer_file(&pool).to_string();
    let facts = built(&content, STEER, &pool).unwrap();
    let hashes: Vec<&String> = facts.files.values().collect();
    assert_eq!(hashes, [&sha256(content.as_bytes())]);
    assert_eq!(facts.name, "steer");
    assert_eq!(facts.parameters["gamma"], 0.5);
    assert_eq!(facts.parameters["signal"], "logit");
}

#[test]
fn a_file_of_another_kind_or_format_or_none_at_all_is_refused() {
    let pool = pool([None, None]);
    let content = steer_file(&pool).to_string();
    let error = built(&content, "percentile:p=20,file=FILE", &pool).unwrap_err();
    assert!(error.contains("is a `steer` file"), "{error}");
    assert!(error.contains("calibrate percentile"), "{error}");
    let newer = content.replace("\"format\":1", "\"format\":2");
    let error = built(&newer, STEER, &pool).unwrap_err();
    assert!(error.contains("format 2"), "{error}");
    let error = built("{}", STEER, &pool).unwrap_err();
    assert!(error.contains("no calibration file"), "{error}");
    let spec: RouterSpec = "steer:gamma=0.5,file=/nowhere/c.json".parse().unwrap();
    let error = build(&spec, &pool, None).err().unwrap().to_string();
    assert!(error.contains("cannot read"), "{error}");
}

#[test]
fn a_file_of_another_pool_is_refused_with_what_differs() {
    let fitted = pool([Some("aa"), Some("bb")]);
    let content = steer_file(&fitted).to_string();
    let refused = |here: &[ModelFacts], words: &str| {
        let error = built(&content, STEER, here).unwrap_err();
        assert!(error.contains("logs of another pool"), "{error}");
        assert!(error.contains(words), "{error}");
        assert!(error.contains("calibrate steer"), "{error}");
    };
    refused(&pool([Some("aa"), Some("cc")]), "its `l` has other weights");
    let mut renamed = fitted.clone();
    renamed[0].name = "x".to_owned();
    refused(&renamed, "it has `s` where this one has `x`");
    refused(&fitted[..1], "it has 2 models, this one has 1");
    let mut elsewhere = pool([None, None]);
    elsewhere[1].model = Some("/models/other".to_owned());
    refused(&elsewhere, "its `l` is `/models/l` at `local`");
    // What is not known of either tells nothing; equal weights in another
    // place are the same model.
    assert!(built(&content, STEER, &pool([None, None])).is_ok());
    let mut moved = fitted;
    moved[1].model = Some("/elsewhere/l".to_owned());
    assert!(built(&content, STEER, &moved).is_ok());
}

#[test]
fn a_file_of_another_confidence_is_refused_with_what_to_write() {
    let pool = pool([None, None]);
    let content = steer_file(&pool).to_string();
    let error = built(&content, "steer:gamma=0.5,signal=prob,file=FILE", &pool).unwrap_err();
    assert!(error.contains("`signal=logit`"), "{error}");
    assert!(error.contains("calibrate steer --signal prob"), "{error}");
}

#[test]
fn numbers_that_are_no_mixture_are_refused() {
    let pool = pool([None, None]);
    let content = steer_file(&pool).to_string();
    for (from, to) in [
        ("\"weight\":0.4", "\"weight\":0.9"),
        ("\"variance\":4.0", "\"variance\":0.0"),
        ("\"mean\":10.0", "\"mean\":30.0"),
        ("\"index\":2", "\"index\":1"),
        ("\"domain\":\"math\"", "\"domain\":\"general\""),
    ] {
        assert!(content.contains(from), "{from}");
        let error = built(&content.replacen(from, to, 1), STEER, &pool).unwrap_err();
        assert!(error.contains("c.json: "), "{error}");
    }
}

#[test]
fn a_pool_without_a_file_is_told_how_to_make_one() {
    for spec in ["steer:gamma=0.5", "percentile:p=20"] {
        let parsed: RouterSpec = spec.parse().unwrap();
        let error = build(&parsed, &pool([None, None]), None)
            .err()
            .unwrap()
            .to_string();
        let kind = parsed.name();
        assert!(
            error.contains(&format!("pointsman calibrate {kind} --log")),
            "{error}"
        );
        assert!(error.contains("another pool"), "{error}");
    }
}
