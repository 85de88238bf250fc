//! Percentile routing on tables worked out by hand.

use super::*;
use crate::router::build;
use crate::router::calibration::{Calibration, FORMAT, SourceFacts};
use std::sync::Arc;

/// Step 1 has the values 0, 1 … 20, step 3 the same plus 100, step 4 too few.
fn made(spec: &str) -> Result<Arc<dyn Router>, String> {
    let names = ["s", "l"].map(str::to_owned);
    let values: Vec<f64> = (0..=20).map(f64::from).collect();
    let later: Vec<f64> = values.iter().map(|value| value + 100.0).collect();
    let tables = vec![
        IndexTable::new(1, &values).unwrap(),
        IndexTable::new(3, &later).unwrap(),
        IndexTable::new(4, &values[..9]).unwrap(),
    ];
    let few = vec![IndexTable::new(1, &values[..9]).unwrap()];
    let calibration = Calibration {
        format: FORMAT,
        kind: Percentiles::NAME.to_owned(),
        version: "0".to_owned(),
        pool: names.iter().map(PoolModel::from).collect(),
        source: SourceFacts {
            logs: Vec::new(),
            splits: Vec::new(),
            problems: 1,
            steps: 51,
            steps_by_model: BTreeMap::new(),
        },
        seed: 0,
        found: Percentiles {
            tables: BTreeMap::from([("prob".to_owned(), tables), ("logit".to_owned(), few)]),
        },
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.json");
    std::fs::write(&path, serde_json::to_vec(&calibration).unwrap()).unwrap();
    let spec = format!("{spec},file={}", path.display());
    build(&spec.parse().unwrap(), &names, None).map_err(|error| error.to_string())
}

fn seen(confidence: Option<f64>, index: u32) -> Observation {
    Observation {
        confidence,
        index,
        difficulty: None,
        has_answer: false,
        tokens: None,
        writer: Some(0),
        models: 2,
    }
}

#[test]
fn the_large_model_goes_on_strictly_below_the_percentile() {
    // Percentile 20 of 0, 1 … 20 is 4; 12.5 is 2.5.
    let router = made("percentile:p=20").unwrap();
    for (u, action) in [(3.999, 1), (4.0, 0), (4.001, 0)] {
        let choice = router.decide(&seen(Some(u), 1), 0.5);
        assert_eq!((choice.action, choice.threshold), (action, Some(4.0)));
        assert!(choice.reason.contains("percentile 20 of step 1"));
    }
    let between = made("percentile:p=12.5").unwrap();
    assert_eq!(
        between.decide(&seen(Some(0.0), 1), 0.5).threshold,
        Some(2.5)
    );
    // Nothing is below the least value, and only the greatest reaches the last.
    let never = made("percentile:p=0").unwrap();
    assert_eq!(never.decide(&seen(Some(0.0), 1), 0.5).action, 0);
    let nearly = made("percentile:p=100").unwrap();
    assert_eq!(nearly.decide(&seen(Some(19.9), 1), 0.5).action, 1);
}

#[test]
fn an_index_without_enough_values_takes_the_last_one_before_and_says_so() {
    let router = made("percentile:p=20").unwrap();
    for (index, whose, level) in [(2, 1, 4.0), (4, 3, 104.0), (99, 3, 104.0)] {
        let choice = router.decide(&seen(Some(50.0), index), 0.5);
        assert_eq!(choice.threshold, Some(level));
        let flag = format!("of step {whose}, the last calibrated before {index}");
        assert!(choice.reason.contains(&flag), "{}", choice.reason);
    }
    let blind = router.decide(&seen(None, 1), 0.5);
    assert_eq!(blind.action, 1);
    assert!(blind.reason.contains("unavailable"));
}

#[test]
fn a_confidence_that_was_not_recorded_often_enough_is_refused() {
    for signal in ["logit", "entropy"] {
        let error = made(&format!("percentile:p=20,signal={signal}"))
            .err()
            .unwrap();
        assert!(error.contains("no step with 10 values"), "{error}");
    }
}
