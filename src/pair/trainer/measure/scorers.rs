//! How well a scorer of steps tells wrong drafts from right ones.

use super::figures::{Figure, auc_of_drafts};

/// Scores below which drafts would be rejected: of a PRM.
pub const OF_PRM: [f64; 5] = [0.3, 0.5, 0.7, 0.8, 0.9];
/// The same of a judge.
pub const OF_JUDGE: [f64; 5] = [2.0, 4.5, 6.0, 7.0, 8.5];

/// Figures of a scorer on held-out drafts.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Measured {
    pub drafts: usize,
    /// Share of them that are wrong.
    pub wrong: f64,
    pub unscored: usize,
    /// Area under the curve of "a low score means a wrong draft".
    pub auc: Figure,
    /// Mean tokens of an answer.
    pub tokens: f64,
    pub cuts: Vec<Cut>,
}

/// What rejecting below a score does.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Cut {
    pub below: f64,
    pub wrong_rejected: f64,
    pub right_rejected: f64,
}

/// Figures of `(score, tokens, right)` and of rejecting below each of `cuts`; a
/// draft without a score counts as rejected.
#[must_use]
pub fn measure(scored: impl Iterator<Item = (Option<f64>, usize, bool)>, cuts: &[f64]) -> Measured {
    let all: Vec<(f64, usize, bool)> = scored
        .map(|(score, tokens, right)| (score.unwrap_or(f64::NEG_INFINITY), tokens, right))
        .collect();
    let count = |wanted: &dyn Fn(&(f64, usize, bool)) -> bool| {
        all.iter().filter(|one| wanted(one)).count() as f64
    };
    let (right, wrong) = (count(&|one| one.2), count(&|one| !one.2));
    let cuts = cuts.iter().map(|&below| Cut {
        below,
        wrong_rejected: count(&|one| !one.2 && one.0 < below) / wrong,
        right_rejected: count(&|one| one.2 && one.0 < below) / right,
    });
    Measured {
        drafts: all.len(),
        wrong: wrong / all.len() as f64,
        unscored: all.iter().filter(|one| one.0 == f64::NEG_INFINITY).count(),
        auc: auc_of_drafts(&all.iter().map(|one| (one.0, !one.2)).collect::<Vec<_>>()),
        tokens: all.iter().map(|one| one.1 as f64).sum::<f64>() / all.len() as f64,
        cuts: cuts.collect(),
    }
}
