//! `calibrate policy`: another κ for another α, from the scores that are kept
//! with a policy. No training, no call, no forest.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Value, json};

use crate::policy::Checkpoint;
use crate::train::scores::Scores;
use crate::train::threshold::{Recalibration, recalibrate};

use super::super::{Exit, Failure};

/// What `calibrate policy` is asked for.
#[derive(Debug, Clone)]
pub struct CalibrateOptions {
    /// Folder of the policy; the one that ships where there is none.
    pub policy: Option<PathBuf>,
    pub alpha: f64,
    /// Folder for the policy with its new κ; it is only told where there is
    /// none.
    pub out: Option<PathBuf>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibrated {
    pub alpha: f64,
    pub kappa_before: f64,
    pub recalibration: Recalibration,
    /// What makes the scores worth less than their number says.
    pub caveats: String,
    pub out: Option<PathBuf>,
}

/// Recalibrates κ.
///
/// # Errors
/// A policy that cannot be read or keeps no scores; too few of them for α; a
/// folder that holds something already.
pub fn calibrate(options: &CalibrateOptions) -> Result<Calibrated, Failure> {
    let mut checkpoint = match &options.policy {
        Some(path) => Checkpoint::load(path),
        None => Checkpoint::embedded(),
    }
    .map_err(|error| Failure::usage(error.to_string()))?;
    let scores = scores(&checkpoint)?;
    let found = recalibrate(&scores.scores, options.alpha).map_err(|error| {
        use crate::train::threshold::RecalibrationError as E;
        let exit = match error {
            E::Alpha(_) => Exit::Usage,
            E::TooFew { .. } | E::Score { .. } => Exit::BadData,
        };
        Failure::new(exit, error.to_string())
    })?;
    let before = checkpoint.facts.kappa;
    if let Some(out) = &options.out {
        if std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
            let failure = Failure::usage(format!("{}: the folder is not empty", out.display()));
            return Err(failure.hint("name another: nothing in it is overwritten"));
        }
        checkpoint.facts.kappa = found.kappa;
        let training = &mut checkpoint.facts.training;
        training.insert("recalibration".to_owned(), json!(found));
        let facts = json!({ "alpha": options.alpha, "kappa-before": before });
        training.insert("recalibrated-for".to_owned(), facts);
        // The figures were of the κ before.
        training.remove("test");
        checkpoint.save(out)?;
    }
    Ok(Calibrated {
        alpha: options.alpha,
        kappa_before: before,
        recalibration: found,
        caveats: scores.caveats(),
        out: options.out.clone(),
    })
}

fn scores(checkpoint: &Checkpoint) -> Result<Scores, Failure> {
    let kept = checkpoint.facts.training.get("calibration");
    let Some(kept) = kept.filter(|kept| !Value::is_null(kept)) else {
        return Err(Failure::new(
            Exit::BadData,
            "the policy keeps no scores of calibration problems",
        )
        .hint("train it on a forest whose calibration split has problems"));
    };
    let scores: Scores = serde_json::from_value(kept.clone()).map_err(|error| {
        Failure::new(Exit::BadData, format!("the scores in policy.json: {error}"))
    })?;
    if scores.unjudged == scores.steps {
        return Err(Failure::new(
            Exit::BadData,
            "no step of the calibration problems was judged: the scores say nothing",
        ));
    }
    Ok(scores)
}

impl Calibrated {
    /// For the terminal.
    pub fn to_text(&self) -> String {
        let found = &self.recalibration;
        let mut text = format!(
            "κ = {:.6} for α = {} (before: {:.6}), the {} smallest of {} scores.\n\
             Guarantee: for the next problem, exchangeable with these, the probability that some \
             step judged wrong has no more capable model after it is at most {:.4} = {}/({} + 1), \
             averaged over calibration sets.\n",
            found.kappa,
            self.alpha,
            self.kappa_before,
            ordinal(found.rank),
            found.trajectories,
            found.miss_bound,
            found.rank,
            found.trajectories,
        );
        text.push_str(&self.caveats);
        if found.kappa >= 1.0 {
            text.push_str(&format!(
                "Without any threshold the policy misses in {:.1} % of them already: this α asks \
                 for less than it gives. To pay less, train one for it.\n",
                100.0 * found.miss_rate
            ));
        }
        match &self.out {
            Some(out) => text.push_str(&format!("The policy is in {}\n", out.display())),
            None => text.push_str("Nothing was written: name a folder by `--out`.\n"),
        }
        text
    }
}

fn ordinal(n: usize) -> String {
    let suffix = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_are_english() {
        let all = [1, 2, 3, 4, 11, 12, 13, 21, 112].map(ordinal);
        assert_eq!(
            all,
            [
                "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th"
            ]
        );
    }
}
