//! Which part of a data set one of several jobs works on.
//!
//! A problem's shard follows from its id alone, never from its place in the
//! file: the shards of a data set are disjoint, and together they are the
//! whole of it, whatever order it is read in and on whatever machine.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Kept apart from every other hash of an id.
const SALT: &[u8] = b"pointsman-shard-1";

/// Part `index` of `count`, written `index/count` and counted from 1.
///
/// A problem is in the shard whose number is, from 0, the first eight bytes of
/// SHA-256 over `pointsman-shard-1` and its id, as a little-endian number,
/// modulo `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    index: u32,
    count: u32,
}

/// What is no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    #[error("`{0}` is no shard: write it i/n, e.g. 2/4 for the second of four")]
    Form(String),
    #[error("there is no shard {index} of {count}: shards are counted from 1, up to their number")]
    Range { index: u32, count: u32 },
}

impl Shard {
    /// Part `index` of `count`.
    ///
    /// # Errors
    /// [`ShardError::Range`] unless 1 ≤ `index` ≤ `count`.
    pub fn new(index: u32, count: u32) -> Result<Self, ShardError> {
        if index == 0 || index > count {
            return Err(ShardError::Range { index, count });
        }
        Ok(Self { index, count })
    }

    /// Its number, from 1.
    #[must_use]
    pub fn index(self) -> u32 {
        self.index
    }

    /// How many there are.
    #[must_use]
    pub fn count(self) -> u32 {
        self.count
    }

    /// Whether the problem of this id is in it.
    #[must_use]
    pub fn holds(self, id: &str) -> bool {
        let mut hash = Sha256::new();
        hash.update(SALT);
        hash.update(id.as_bytes());
        let digest = hash.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        // 2^64 is so much larger than any number of shards that they are of
        // about one size.
        u64::from_le_bytes(first) % u64::from(self.count) == u64::from(self.index - 1)
    }

    /// All shards of as many.
    pub fn all(self) -> impl Iterator<Item = Self> {
        let count = self.count;
        (1..=count).map(move |index| Self { index, count })
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let number = |text: &str| {
            // `parse` would take a sign.
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u32>().ok().filter(|_| digits)
        };
        let parts = text.split_once('/');
        let parts = parts.and_then(|(index, count)| number(index).zip(number(count)));
        let (index, count) = parts.ok_or_else(|| ShardError::Form(text.to_owned()))?;
        Self::new(index, count)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl TryFrom<String> for Shard {
    type Error = ShardError;

    fn try_from(text: String) -> Result<Self, ShardError> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

/// What a shard holds of the problems asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Part {
    pub shard: Shard,
    /// Problems of this shard.
    pub problems: usize,
    /// Problems of all shards together.
    pub of: usize,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            shard,
            problems,
            of,
        } = self;
        write!(f, "shard {shard}: {problems} of {of} problems")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::btree_set;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_problem_keeps_its_shard_for_ever() {
        // Logs of shards that ran are put together by these: they must never
        // change.
        let of_three = |id: &str| {
            let all = Shard::new(1, 3).unwrap().all();
            let found: Vec<u32> = all.filter(|s| s.holds(id)).map(Shard::index).collect();
            assert_eq!(found.len(), 1);
            found[0]
        };
        assert_eq!(["p1", "p2", "gsm8k-17", "ä"].map(of_three), FIXED);
    }

    const FIXED: [u32; 4] = [1, 1, 3, 3];

    #[test]
    fn what_is_no_shard_is_refused_with_a_sentence() {
        for text in ["1/1", "2/4", "4294967295/4294967295"] {
            assert_eq!(text.parse::<Shard>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "/",
            "1",
            "1/",
            "/4",
            "+1/4",
            "1/-4",
            "1 / 4",
            "1/4/4",
            "a/b",
            "1/4294967296",
        ] {
            let error = text.parse::<Shard>().unwrap_err().to_string();
            assert!(error.contains("write it i/n"), "{text}: {error}");
        }
        for text in ["0/4", "5/4", "0/0", "1/0"] {
            let error = text.parse::<Shard>().unwrap_err().to_string();
            assert!(error.contains("counted from 1"), "{text}: {error}");
        }
        assert!(serde_json::from_str::<Shard>("\"5/4\"").is_err());
    }

    #[test]
    fn shards_are_of_about_one_size() {
        let mut counts = [0_u32; 8];
        for number in 0..8_000 {
            let id = format!("gsm8k_test-{number}");
            for shard in Shard::new(1, 8).unwrap().all() {
                counts[shard.index() as usize - 1] += u32::from(shard.holds(&id));
            }
        }
        // Four standard deviations of a binomial.
        assert!(
            counts.iter().all(|count| count.abs_diff(1_000) < 120),
            "{counts:?}"
        );
    }

    proptest! {
        #[test]
        fn shards_are_disjoint_and_together_the_whole(
            ids in btree_set("\\PC{0,12}", 0..60),
            count in 1_u32..20,
            turned in any::<prop::sample::Index>(),
        ) {
            let mut order: Vec<&String> = ids.iter().collect();
            if !order.is_empty() {
                let by = turned.index(order.len());
                order.rotate_left(by);
            }
            let mut seen = BTreeSet::new();
            for shard in Shard::new(1, count).unwrap().all() {
                let of = |order: &[&String]| -> BTreeSet<String> {
                    let held = order.iter().filter(|id| shard.holds(id));
                    held.map(|id| (*id).clone()).collect()
                };
                let held = of(&order);
                let in_file_order: Vec<&String> = ids.iter().collect();
                prop_assert_eq!(&held, &of(&in_file_order));
                for id in held {
                    prop_assert!(seen.insert(id), "in two shards");
                }
            }
            prop_assert_eq!(seen, ids);
        }
    }
}
