//! Fits the process-reward head of the pair: a logistic regression on the
//! large model's likelihood of drafts that the exact checker has judged.

use super::drafts::Draft;
use super::network::Network;
use super::sampler::Decoder;
use crate::pair::prm::{FEATURES, FORMAT, Head, Training, pooled};
use crate::pair::vocabulary::Vocabulary;

/// Weight of the squared weights, a draft's share: it keeps them finite where
/// the drafts can be told apart without error.
const RIDGE: f64 = 1e-4;
/// Newton steps; the loss is convex and they settle in about ten.
const NEWTON_STEPS: usize = 30;
/// Weights and bias.
const UNKNOWNS: usize = 5;

/// The features of a draft; `None` where it holds no digit.
pub fn features(
    decoder: &mut Decoder<'_>,
    vocabulary: &Vocabulary,
    draft: &Draft,
) -> Option<[f64; 4]> {
    let mut tokens = draft.context.clone();
    let mut scored = Vec::with_capacity(draft.step.len());
    for &token in &draft.step {
        let value = log_probability(decoder.read(&tokens)?, token);
        scored.push((vocabulary.text(token), value));
        tokens.push(token);
    }
    pooled(scored)
}

fn log_probability(logits: &[f32], token: u32) -> f64 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = logits.iter().map(|z| f64::from(z - most).exp()).sum();
    f64::from(logits[token as usize] - most) - total.ln()
}

/// Features and verdicts of all drafts that have some.
#[must_use]
pub fn all_features(
    large: &Network,
    vocabulary: &Vocabulary,
    drafts: &[Draft],
) -> Vec<([f64; 4], bool)> {
    let mut decoder = Decoder::new(large);
    drafts
        .iter()
        .filter_map(|draft| Some((features(&mut decoder, vocabulary, draft)?, draft.right)))
        .collect()
}

/// The head that fits best; `None` where all are right, all wrong, or a
/// feature never varies.
#[must_use]
pub fn fit(scored: &[([f64; 4], bool)], seed: u64, model_sha256: String) -> Option<Head> {
    let n = scored.len() as f64;
    let wrong = scored.iter().filter(|(_, right)| !right).count();
    if wrong == 0 || wrong == scored.len() {
        return None;
    }
    let mut mean = [0.0; 4];
    let mut deviation = [0.0; 4];
    for at in 0..4 {
        mean[at] = scored.iter().map(|(x, _)| x[at]).sum::<f64>() / n;
        let spread = scored
            .iter()
            .map(|(x, _)| (x[at] - mean[at]).powi(2))
            .sum::<f64>()
            / n;
        deviation[at] = spread.sqrt();
    }
    if deviation.contains(&0.0) {
        return None;
    }
    let rows: Vec<([f64; UNKNOWNS], f64)> = scored
        .iter()
        .map(|(x, right)| {
            let mut row = [1.0; UNKNOWNS];
            for at in 0..4 {
                row[at] = (x[at] - mean[at]) / deviation[at];
            }
            (row, f64::from(u8::from(*right)))
        })
        .collect();
    let solution = newton(&rows)?;
    Some(Head {
        format: FORMAT,
        features: FEATURES.map(str::to_owned).to_vec(),
        mean,
        deviation,
        weights: [solution[0], solution[1], solution[2], solution[3]],
        bias: solution[4],
        model_sha256,
        training: Training {
            drafts: scored.len(),
            wrong,
            seed,
            ridge: RIDGE,
        },
    })
}

/// Minimises the mean cross-entropy with a ridge on all but the bias.
fn newton(rows: &[([f64; UNKNOWNS], f64)]) -> Option<[f64; UNKNOWNS]> {
    let n = rows.len() as f64;
    let mut solution = [0.0; UNKNOWNS];
    for _ in 0..NEWTON_STEPS {
        let mut gradient = [0.0; UNKNOWNS];
        let mut hessian = [[0.0; UNKNOWNS]; UNKNOWNS];
        for (x, y) in rows {
            let z: f64 = x.iter().zip(&solution).map(|(x, w)| x * w).sum();
            let p = 1.0 / (1.0 + (-z).exp());
            for i in 0..UNKNOWNS {
                gradient[i] += (p - y) * x[i] / n;
                for j in 0..UNKNOWNS {
                    hessian[i][j] += p * (1.0 - p) * x[i] * x[j] / n;
                }
            }
        }
        for i in 0..UNKNOWNS - 1 {
            gradient[i] += RIDGE * solution[i];
            hessian[i][i] += RIDGE;
        }
        let step = solve(hessian, gradient)?;
        for (weight, step) in solution.iter_mut().zip(step) {
            *weight -= step;
        }
    }
    Some(solution)
}

/// Gaussian elimination with pivoting; `None` for a singular matrix.
fn solve(mut a: [[f64; UNKNOWNS]; UNKNOWNS], mut b: [f64; UNKNOWNS]) -> Option<[f64; UNKNOWNS]> {
    for column in 0..UNKNOWNS {
        let pivot = (column..UNKNOWNS)
            .max_by(|&i, &j| a[i][column].abs().total_cmp(&a[j][column].abs()))?;
        a.swap(column, pivot);
        b.swap(column, pivot);
        if a[column][column].abs() < 1e-14 {
            return None;
        }
        for row in column + 1..UNKNOWNS {
            let factor = a[row][column] / a[column][column];
            let above = a[column];
            for (value, above) in a[row].iter_mut().zip(above).skip(column) {
                *value -= factor * above;
            }
            b[row] -= factor * b[column];
        }
    }
    for row in (0..UNKNOWNS).rev() {
        let known: f64 = (row + 1..UNKNOWNS).map(|k| a[row][k] * b[k]).sum();
        b[row] = (b[row] - known) / a[row][row];
    }
    Some(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fit_is_where_the_gradient_vanishes() {
        let rows: Vec<([f64; 4], bool)> = (0..400)
            .map(|n| {
                let x = f64::from(n % 20) - 10.0;
                let y = f64::from(n % 7) - 3.0;
                let z = f64::from(n % 3);
                (
                    [x, y, z, x * y / 10.0 + z],
                    x + 2.0 * y + f64::from(n % 5) > 3.0,
                )
            })
            .collect();
        let head = fit(&rows, 0, String::new()).unwrap();
        let rate: f64 = rows.iter().map(|(x, _)| head.probability(x)).sum::<f64>() / 400.0;
        let right = rows.iter().filter(|(_, right)| *right).count() as f64 / 400.0;
        // Of a logistic fit with a bias the mean probability is the share.
        assert!((rate - right).abs() < 1e-9, "{rate} {right}");
        assert!(head.weights[0] > 0.0 && head.weights[1] > 0.0);
        assert!(fit(&[([0.0; 4], true)], 0, String::new()).is_none());
    }
}
