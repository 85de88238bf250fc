//! STEER's decisions, worked out on paper.

use super::*;
use crate::router::build;
use crate::router::calibration::tests::steer_file;
use crate::trace::record::ModelFacts;
use std::sync::Arc;

fn pool(models: usize) -> Vec<ModelFacts> {
    let model = |n: usize| ModelFacts::new(format!("m{n}"), "vllm");
    (0..models).map(model).collect()
}

/// At step 1: unconfident 0.4 · N(10, 2²), confident 0.6 · N(20, 2²); the fit
/// of step 2 is degenerate, beyond it there is none.
fn router(gamma: f64, models: usize) -> Arc<dyn Router> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steer.json");
    std::fs::write(&path, steer_file(&pool(models)).to_string()).unwrap();
    let spec = format!("steer:gamma={gamma},file={}", path.display());
    build(&spec.parse().unwrap(), &pool(models), None).unwrap()
}

fn seen(confidence: Option<f64>, index: u32, models: usize) -> Observation {
    Observation {
        confidence,
        index,
        difficulty: None,
        has_answer: false,
        tokens: Some(5),
        writer: Some(0),
        models,
    }
}

// With equal variances the posterior is logistic:
//   ln(p / (1 − p)) = ln(0.6 / 0.4) + ((u − 10)² − (u − 20)²) / (2 · 4)
//                   = ln 1.5 + (20 u − 300) / 8 = 0.405465 + 2.5 (u − 15).
//   u = 14:   0.405465 − 2.5  = −2.094535, p = 1 / (1 + e^2.094535)  = 0.109629
//   u = 14.8: 0.405465 − 0.5  = −0.094535, p = 1 / (1 + e^0.094535)  = 0.476384
//   u = 15:   0.405465,                    p = 0.6 (both densities are equal)
//   u = 16:   0.405465 + 2.5  =  2.905465, p = 1 / (1 + e^−2.905465) = 0.948116
const POSTERIORS: [(f64, f64); 4] = [
    (14.0, 0.109_629),
    (14.8, 0.476_384),
    (15.0, 0.6),
    (16.0, 0.948_116),
];

#[test]
fn the_posterior_is_the_one_on_paper() {
    let found: Mixtures = serde_json::from_value(steer_file(&pool(2))).unwrap();
    for (u, wanted) in POSTERIORS {
        let posterior = found.posterior(1, u).unwrap();
        assert!((posterior - wanted).abs() < 1e-6, "{u}: {posterior}");
    }
    assert!(
        found
            .posterior(2, 15.0)
            .unwrap_err()
            .contains("10 are needed")
    );
    assert!(
        found
            .posterior(3, 15.0)
            .unwrap_err()
            .contains("the last is for step 2")
    );
}

#[test]
fn a_sequence_of_confidences_is_routed_as_on_paper() {
    // γ = 0.5: 0.110 and 0.476 are below it, 0.600 and 0.948 reach it.
    for (gamma, wanted) in [
        (0.5, [1, 1, 0, 0]),
        (0.4, [1, 0, 0, 0]),
        (0.9, [1, 1, 1, 0]),
    ] {
        let router = router(gamma, 2);
        for ((u, posterior), action) in POSTERIORS.into_iter().zip(wanted) {
            let choice = router.decide(&seen(Some(u), 1, 2), 0.5);
            assert_eq!(choice.action, action, "γ = {gamma}, u = {u}");
            assert_eq!(choice.threshold, Some(gamma));
            assert_eq!(choice.probabilities, Vec::<f64>::new());
            assert_eq!(choice.propensity, 1.0);
            let said = format!("Pr(confident) = {posterior:.3}");
            assert!(choice.reason.contains(&said), "{}", choice.reason);
        }
    }
    // Step 2 is degenerate, step 3 has no fit, and no confidence says nothing:
    // the large model, however confident the step is.
    let router = router(0.0, 2);
    for (u, index, why) in [
        (
            Some(30.0),
            2,
            "degenerate mixture at step 2 (4 values; 10 are needed)",
        ),
        (Some(30.0), 3, "no mixture for step 3"),
        (None, 1, "confidence unavailable"),
    ] {
        let choice = router.decide(&seen(u, index, 2), 0.5);
        assert_eq!(choice.action, 1);
        assert!(choice.reason.contains(why), "{}", choice.reason);
    }
}

#[test]
fn an_unconfident_first_draft_is_written_again_by_the_large_model() {
    let router = router(0.5, 3);
    let draft = |u, index, writer| Observation {
        writer: Some(writer),
        ..seen(Some(u), index, 3)
    };
    assert_eq!(router.review(&draft(14.0, 1, 0)), Review::Observed);
    assert_eq!(router.review(&draft(14.0, 1, 1)), Review::Observed);
    // The large model's own first step stands, and so do all later ones.
    assert_eq!(router.review(&draft(14.0, 1, 2)), Review::None);
    assert_eq!(router.review(&draft(14.0, 2, 0)), Review::None);
    assert_eq!(router.rule_on(&draft(14.8, 1, 0), None, 0.5).action, 2);
    assert_eq!(router.rule_on(&draft(15.0, 1, 0), None, 0.5).action, 0);
    assert_eq!(router.rule_on(&draft(15.0, 1, 1), None, 0.5).action, 1);
    let blind = router.rule_on(&seen(None, 1, 3), None, 0.5);
    assert_eq!(blind.action, 2);
}
