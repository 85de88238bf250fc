//! The learner of `pointsman train`: threshold-constrained policy optimisation
//! (§3–5 of the algorithm), pure and synchronous.
//!
//! [`params`] says how, [`run`] is the loop, [`learner`] one iteration of it:
//! it turns the [`episode`]s of a [`batch`] into V-trace targets ([`vtrace`])
//! for two [`critic`]s, into the cost gradient and the [`constraint`], and
//! these into a step ([`update`]) of constrained policy optimisation ([`cpo`]
//! with [`conjugate`] gradients, [`search`]) on the stochastic policy of
//! [`soft`]; then the [`threshold`] moves. [`record`] is what a reader sees of
//! it, [`state`] what a resumed run needs.
//!
//! What it learns from is read back from logs ([`forest`]), made ready
//! ([`prepared`]) and rolled out ([`rollout`]) without a call; [`floor`] says
//! how far the large model misses its own answers. After it [`scores`] of the
//! calibration split fix κ, [`evaluate`] computes what rules do on the test
//! split, [`oracle`] what knowing the future would, and [`report`] puts them
//! side by side, with intervals ([`interval`]) and on the [`hull`] of their
//! settings. [`log`] is `training.jsonl`,
//! with the [`surface`] of the policy as it changes.

pub mod batch;
pub mod conjugate;
pub mod constraint;
pub mod cpo;
pub mod critic;
pub mod episode;
pub mod evaluate;
pub mod floor;
pub mod forest;
pub mod hull;
pub mod interval;
pub mod learner;
pub mod log;
pub mod nullable;
pub mod oracle;
pub mod params;
pub mod prepared;
pub mod record;
pub mod report;
pub mod rollout;
pub mod run;
pub mod scores;
pub mod search;
pub mod soft;
pub mod state;
pub mod surface;
#[cfg(test)]
mod tabular;
#[cfg(test)]
mod tests;
pub mod threshold;
pub mod update;
pub mod vtrace;

/// z of a two-sided 95 % interval.
pub(crate) const Z95: f64 = 1.959_963_984_540_054;

/// Wilson score interval at 95 % of a `share` found in `trials`; `None`
/// without trials.
///
/// `(p̂ + z²/2n ± z·√(p̂(1−p̂)/n + z²/4n²)) / (1 + z²/n)`
///
/// `share` may also be the mean of values between 0 and 1: their variance is
/// at most that of ones and zeros with the same mean, so the interval errs on
/// the wide side.
pub fn wilson(share: f64, trials: usize) -> Option<[f64; 2]> {
    if trials == 0 {
        return None;
    }
    let n = trials as f64;
    let z2 = Z95 * Z95;
    let middle = share + z2 / (2.0 * n);
    let half = Z95 * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    let low = ((middle - half) / scale).max(0.0);
    let high = ((middle + half) / scale).min(1.0);
    Some([low, high])
}
