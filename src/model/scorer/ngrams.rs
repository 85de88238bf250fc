//! Features of a question that need no model: hashed word and character
//! n-grams and its length.
//!
//! Networks are trained on these numbers and stored, so they must never
//! change: the hash is written out here, and letters are lower-cased and words
//! are split by ASCII alone, whatever later versions of Unicode say.

use super::step::{EncodeFuture, Encoded, QuestionEncoder, Ready, ReadyFuture};
use crate::trace::record::Usage;

/// Buckets the n-grams are hashed into.
pub const BUCKETS: usize = 1 << 12;
/// Features of the length: characters, words and digits.
const LENGTHS: usize = 3;
/// How many features there are.
pub const DIMENSION: usize = BUCKETS + LENGTHS;
/// Name of the encoder, with its version: of other features, another name.
pub const NAME: &str = "ngrams-v1";

/// The encoder.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ngrams;

impl QuestionEncoder for Ngrams {
    fn name(&self) -> &str {
        NAME
    }

    fn probe(&self) -> ReadyFuture<'_> {
        Box::pin(std::future::ready(Ok(Ready::default())))
    }

    fn encode<'a>(&'a self, question: &'a str, _affinity: &'a str) -> EncodeFuture<'a> {
        let encoded = Encoded {
            features: features(question),
            usage: Usage {
                cached: Some(0),
                ..Usage::default()
            },
            ..Encoded::default()
        };
        Box::pin(std::future::ready(Ok(encoded)))
    }
}

/// [`DIMENSION`] features of `text`: in the first [`BUCKETS`] signed counts of
/// its n-grams, of length 1 together (0 where it has none), then ln(1 + n) of
/// its characters, words and digits.
pub fn features(text: &str) -> Vec<f32> {
    let text = text.to_ascii_lowercase();
    let words: Vec<&str> = text
        .split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let mut counts = vec![0.0_f64; BUCKETS];
    for word in &words {
        count(&mut counts, 1, word);
    }
    for pair in words.windows(2) {
        count(&mut counts, 2, &pair.join(" "));
    }
    // Digits and signs of a formula are no words, but they are here.
    let line: Vec<&str> = text.split_ascii_whitespace().collect();
    let line = line.join(" ");
    let starts: Vec<usize> = line
        .char_indices()
        .map(|(at, _)| at)
        .chain([line.len()])
        .collect();
    for length in 3..=5 {
        for ends in starts.windows(length + 1) {
            count(&mut counts, 3, &line[ends[0]..ends[length]]);
        }
    }
    let norm = counts.iter().map(|x| x * x).sum::<f64>().sqrt();
    let scale = if norm > 0.0 { norm.recip() } else { 0.0 };
    let digits = line.bytes().filter(u8::is_ascii_digit).count();
    let lengths = [starts.len() - 1, words.len(), digits];
    let lengths = lengths.map(|n| (n as f64).ln_1p());
    let counts = counts.iter().map(|x| x * scale);
    counts.chain(lengths).map(|x| x as f32).collect()
}

/// Adds ±1 to the bucket of an n-gram: signs keep n-grams that share a bucket
/// from adding up.
fn count(counts: &mut [f64], kind: u8, ngram: &str) {
    let hash = hash(kind, ngram.as_bytes());
    let bucket = (hash % BUCKETS as u64) as usize;
    counts[bucket] += if hash >> 63 == 0 { 1.0 } else { -1.0 };
}

/// FNV-1a of the kind and the bytes, its bits mixed so that all of them depend
/// on all bytes.
fn hash(kind: u8, bytes: &[u8]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in std::iter::once(&kind).chain(bytes) {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(a: &str, b: &str) -> f64 {
        let (a, b) = (features(a), features(b));
        let pairs = a.iter().zip(&b).take(BUCKETS);
        pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    }

    #[test]
    fn equal_questions_have_length_one_and_others_are_apart() {
        let question = "Tom has 3 apples and buys 4 more. How many apples does Tom have?";
        assert!((dot(question, question) - 1.0).abs() < 1e-5);
        let near = dot(
            question,
            "Ann has 5 pears and buys 2 more. How many pears does Ann have?",
        );
        let far = dot(
            question,
            "Prove that every bounded monotone sequence converges.",
        );
        assert!(near > 0.3 && far < 0.2, "{near} {far}");
        assert!((dot("TOM  has\n3", "tom has 3") - 1.0).abs() < 1e-5);
    }

    #[test]
    fn lengths_follow_the_buckets() {
        let found = features("Ab 12");
        assert_eq!(found.len(), DIMENSION);
        let lengths: Vec<f32> = [5.0_f64, 2.0, 2.0].map(|n| n.ln_1p() as f32).to_vec();
        assert_eq!(found[BUCKETS..], lengths);
        assert!(features("").iter().all(|x| *x == 0.0));
        assert!(features("é ∑").iter().all(|x| x.is_finite()));
    }

    /// Worked out by a few lines of another language from the definition above.
    #[test]
    fn the_features_are_the_same_for_ever() {
        assert_eq!(hash(1, b"tom"), HASH_OF_TOM);
        let found = features("Tom");
        let set: Vec<(usize, f32)> = found[..BUCKETS]
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, x)| *x != 0.0)
            .collect();
        let unit = std::f32::consts::FRAC_1_SQRT_2;
        let expected = EXPECTED.map(|(bucket, sign)| (bucket, sign * unit));
        assert_eq!(set, expected);
    }

    const HASH_OF_TOM: u64 = 0xadb4_b085_b97e_6ed9;
    /// The word and the one n-gram of characters.
    const EXPECTED: [(usize, f32); 2] = [(710, -1.0), (3801, -1.0)];
}
