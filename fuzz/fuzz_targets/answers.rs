//! Extraction, parsing and comparison of answers: no panic, no stack overflow,
//! no endless work, and what holds of every verdict.
//!
//! ```sh
//! cargo install cargo-fuzz
//! RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none answers -- -max_len=4096 -timeout=5
//! ```

#![no_main]

use libfuzzer_sys::fuzz_target;
use pointsman::problem::answer::{Verdict, compare, extract, forms};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    // The first line is the gold answer, the rest the other one.
    let (gold, answer) = text.split_once('\n').unwrap_or((&text, &text));
    let comparison = compare(gold, answer);
    assert_eq!(
        comparison.reason.is_some(),
        comparison.verdict == Verdict::Ungraded
    );
    forms(gold, answer);
    if let Some(found) = extract(&text) {
        assert_eq!(&text[found.span.clone()], found.answer);
        compare(gold, &found.answer);
    }
    // In other clothes it is read and compared, and not found to be different.
    let dressed = gold.replace("\\frac", "\\dfrac");
    if dressed != gold {
        assert_ne!(compare(gold, &dressed).verdict, Verdict::Wrong);
    }
});
