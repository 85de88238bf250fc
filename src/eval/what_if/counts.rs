//! Sums over trajectories, and the means and intervals they give.

use crate::train::wilson;

use super::estimate::Guess;
use super::value::{Band, Estimate, Outlook, Parts};

/// Sums over trajectories.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    outlook: Outlook,
    /// Of what is known and priced, and how much that is.
    cost: f64,
    priced: f64,
    priced_guesses: f64,
    n: f64,
    /// Of the guesses: correct, graded, cost.
    guess: Guess,
    /// Of their squares and of the product.
    correct2: f64,
    graded2: f64,
    both: f64,
    /// Whether any of them is weighed by propensities.
    weighed: bool,
}

impl Counts {
    /// `weighed` by propensities.
    pub fn count(&mut self, band: Band, parts: &Parts, weighed: bool) {
        match band {
            Band::Unchanged => self.outlook.unchanged += 1,
            Band::Branched => self.outlook.branched += 1,
            Band::Unknown => self.outlook.unknown += 1,
        }
        self.outlook.correct += parts.correct;
        self.outlook.wrong += parts.wrong;
        self.outlook.ungraded += parts.ungraded;
        self.outlook.open += parts.open;
        if parts.cost.is_finite() {
            self.cost += parts.cost;
            self.priced += parts.known();
        }
        let mut guess = parts.guess;
        if guess.cost.is_finite() {
            self.priced_guesses += 1.0;
        } else {
            guess.cost = 0.0;
            self.outlook.unpriced += 1;
        }
        self.n += 1.0;
        self.guess = self.guess.plus(guess);
        self.weighed |= weighed;
        if weighed {
            self.correct2 += guess.correct * guess.correct;
            self.graded2 += guess.graded * guess.graded;
            self.both += guess.correct * guess.graded;
        } else {
            // Means of what comes out right or wrong: so does the trajectory
            // itself, and its spread is that of an outcome.
            self.correct2 += guess.correct;
            self.graded2 += guess.graded;
            self.both += guess.correct;
        }
    }

    pub fn add(&mut self, other: &Self) {
        let outlook = &mut self.outlook;
        outlook.unchanged += other.outlook.unchanged;
        outlook.branched += other.outlook.branched;
        outlook.unknown += other.outlook.unknown;
        outlook.correct += other.outlook.correct;
        outlook.wrong += other.outlook.wrong;
        outlook.ungraded += other.outlook.ungraded;
        outlook.open += other.outlook.open;
        outlook.unpriced += other.outlook.unpriced;
        self.cost += other.cost;
        self.priced += other.priced;
        self.priced_guesses += other.priced_guesses;
        self.n += other.n;
        self.guess = self.guess.plus(other.guess);
        self.correct2 += other.correct2;
        self.graded2 += other.graded2;
        self.both += other.both;
        self.weighed |= other.weighed;
    }

    pub fn outlook(mut self) -> Outlook {
        self.outlook.known_cost = (self.priced > 0.0).then_some(self.cost / self.priced);
        self.outlook.estimate = self.estimate();
        self.outlook
    }

    /// The mean of guesses: of correct ones among those that are graded, with
    /// the interval of a ratio of means.
    fn estimate(&self) -> Estimate {
        let n = self.n;
        let mut estimate = Estimate {
            unlike: self.guess.unlike,
            ..Estimate::default()
        };
        // Of what is unlike anything neither is known how it ends nor how far
        // it is to there.
        if self.guess.unlike > 0.0 {
            return estimate;
        }
        if self.priced_guesses > 0.0 {
            let cost = match self.weighed {
                // It may come out below what is known.
                true => self.guess.cost.max(self.cost),
                false => self.guess.cost,
            };
            estimate.cost = Some(cost / self.priced_guesses);
        }
        if self.guess.graded > 0.0 {
            let weighed = self.guess.correct / self.guess.graded;
            // Nor can it be outside of what is certain.
            let [low, high] = self.outlook.bounds().unwrap_or([0.0, 1.0]);
            let accuracy = weighed.clamp(low, high);
            // Σ (correct − weighed · graded)².
            let squares =
                self.correct2 - 2.0 * weighed * self.both + weighed * weighed * self.graded2;
            let variance = squares.max(0.0) / (n - 1.0).max(1.0);
            let reach = 1.96 * (variance / n).sqrt() / (self.guess.graded / n);
            estimate.accuracy = Some(accuracy);
            let end = |to: f64| (accuracy + to).clamp(0.0, 1.0);
            // Of outcomes the spread follows from their mean: Wilson's interval
            // of as many as are known, which holds at the ends as well. Guesses
            // are no data: where much is guessed the interval says so.
            let known = (self.outlook.correct + self.outlook.wrong).round();
            estimate.interval = match (self.weighed && variance > 1e-12, known) {
                (true, _) => Some([end(-reach), end(reach)]),
                (false, 1.0..) => wilson(accuracy, known as usize),
                (false, _) => Some([low, high]),
            };
        }
        estimate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_make_no_interval_narrower() {
        let of = |correct: f64, open: f64| Parts {
            correct: correct * (1.0 - open),
            wrong: (1.0 - correct) * (1.0 - open),
            open,
            guess: Guess {
                correct,
                graded: 1.0,
                cost: 1.0,
                unlike: 0.0,
            },
            ..Parts::default()
        };
        let known = [of(1.0, 0.0), of(1.0, 0.0), of(0.0, 0.0)];
        let mut counts = Counts::default();
        for parts in &known {
            counts.count(Band::Unchanged, parts, false);
        }
        let outlook = counts.outlook();
        assert_eq!(outlook.estimate.interval, wilson(2.0 / 3.0, 3));
        assert!(!outlook.is_mostly_guessed());
        // Nine more of which two in three are expected to be right.
        for _ in 0..9 {
            counts.count(Band::Unknown, &of(2.0 / 3.0, 1.0), false);
        }
        let outlook = counts.outlook();
        let accuracy = outlook.estimate.accuracy.unwrap();
        assert!((accuracy - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(outlook.estimate.interval, wilson(accuracy, 3));
        assert!(outlook.is_mostly_guessed());
        // Of nothing that is known the certain bounds are left.
        let mut counts = Counts::default();
        counts.count(Band::Unknown, &of(0.5, 1.0), false);
        assert_eq!(counts.outlook().estimate.interval, Some([0.0, 1.0]));
    }
}
