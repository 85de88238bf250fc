//! What a problem may be used for in training: train, calibration or test.
//!
//! A problem's split follows from its question alone, never from its place in
//! a file: more problems, fewer of them, another order or another data set
//! with the same question leave it where it was.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The rule by which [`Split::of`] decides, for logs: logs whose rule differs
/// must not be mixed.
pub const RULE: &str = "sha256(pointsman-split-1, question): 60 train, 20 calibration, 20 test";

/// Kept apart from every other hash of the question.
const SALT: &[u8] = b"pointsman-split-1";
/// Shares in percent, in the order of [`Split::ALL`].
const SHARES: [u64; 3] = [60, 20, 20];

/// One of the three parts of the problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Policies learn from these.
    Train,
    /// Thresholds are calibrated on these.
    Calibration,
    /// Figures are reported on these, and nothing is chosen by them.
    Test,
}

impl Split {
    pub const ALL: [Self; 3] = [Self::Train, Self::Calibration, Self::Test];

    /// The split of a question: 60 % train, 20 % calibration, 20 % test.
    /// White space around the question does not count.
    pub fn of(question: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(SALT);
        hash.update(question.trim().as_bytes());
        let digest = hash.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        // 2^64 is so much larger than 100 that the remainder is uniform.
        let mut percent = u64::from_le_bytes(first) % 100;
        for (split, share) in Self::ALL.into_iter().zip(SHARES) {
            if percent < share {
                return split;
            }
            percent -= share;
        }
        Self::Test
    }

    /// The name in logs and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Calibration => "calibration",
            Self::Test => "test",
        }
    }
}

impl std::fmt::Display for Split {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_keeps_its_split_for_ever() {
        // Logs hold these: they must never change.
        let splits = ["1 + 1?", "a", "d", "f"].map(Split::of);
        assert_eq!(splits, FIXED);
        assert_eq!(Split::of(" 1 + 1?\n"), Split::of("1 + 1?"));
    }

    const FIXED: [Split; 4] = [Split::Train, Split::Calibration, Split::Test, Split::Train];

    #[test]
    fn the_shares_are_sixty_twenty_twenty() {
        assert_eq!(SHARES.iter().sum::<u64>(), 100);
        let mut counts = [0_u32; 3];
        for number in 0..10_000 {
            counts[Split::of(&format!("What is {number} + 1?")) as usize] += 1;
        }
        for (count, share) in counts.into_iter().zip(SHARES) {
            let wanted = 100.0 * share as f64;
            // Four standard deviations of a binomial.
            assert!((f64::from(count) - wanted).abs() < 4.0 * 49.0, "{counts:?}");
        }
    }
}
