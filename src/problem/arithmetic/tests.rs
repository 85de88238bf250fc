//! What is flagged, and above all what is not.

use proptest::prelude::*;

use super::{Holds, equalities, verdict};

fn told(text: &str) -> Vec<(Holds, String)> {
    equalities(text)
        .iter()
        .map(|found| (found.holds, found.told(text, str::to_owned)))
        .collect()
}

fn wrong(text: &str) -> Vec<String> {
    let all = told(text).into_iter();
    all.filter(|(holds, _)| *holds == Holds::Wrong)
        .map(|(_, told)| told)
        .collect()
}

#[test]
fn what_does_not_hold_is_told_with_its_value() {
    for (text, said) in [
        ("12 \\times 5 = 50", "12 \\times 5 = 60, the text says 50"),
        ("So 12 × 5 = 50.", "12 × 5 = 60, the text says 50"),
        ("Tom has 3 + 4 = 8 apples.", "3 + 4 = 7, the text says 8"),
        (
            "\\$3.50 + \\$4 = \\$8.50",
            "3.50 + 4 = 7.5, the text says 8.50",
        ),
        ("1. 7 * 8 = 54", "7 * 8 = 56, the text says 54"),
        ("5 x 3 = 16", "5 x 3 = 15, the text says 16"),
        ("$2^3 = 9$", "2^3 = 8, the text says 9"),
        (
            "1,000 + 500 = 1,600",
            "1,000 + 500 = 1500, the text says 1,600",
        ),
        ("20% of 50 = 15", "20% of 50 = 10, the text says 15"),
        ("x = 60 = 12 \\cdot 4", "12 \\cdot 4 = 48, the text says 60"),
        ("4(40) - 13 = 157", "4(40) - 13 = 147, the text says 157"),
        ("a total of 3 + 4 = 8", "3 + 4 = 7, the text says 8"),
        ("7/2 = 5", "7/2 = 3.5, the text says 5"),
        (
            "495 students * $15/student = $7455",
            "495 students * 15 = 7425, the text says 7455",
        ),
        (
            "95 (red) - 25 (blue) = 60",
            "95 (red) - 25 = 70, the text says 60",
        ),
    ] {
        assert_eq!(wrong(text), [said], "{text}");
    }
    let fraction = "\\frac{3}{4} + 0.25 = 2";
    assert_eq!(
        wrong(fraction),
        ["\\frac{3}{4} + 0.25 = 1, the text says 2"]
    );
}

#[test]
fn chains_are_judged_sign_by_sign() {
    let lines = "\\begin{align*} 3 + 4 &= 7 \\\\ &= 2 \\times 4 \\end{align*}";
    assert_eq!(wrong(lines), ["2 \\times 4 = 8, the text says 7"]);
    let holds: Vec<Holds> = equalities("3 + 4 = 14 / 2 = 7")
        .iter()
        .map(|e| e.holds)
        .collect();
    assert_eq!(holds, [Holds::Right, Holds::Right]);
    // A calculation that goes on behind its result is no claim of equality.
    assert!(wrong("3 + 4 = 7 × 2 = 14").is_empty());
    assert_eq!(wrong("8 - 3 = 6 + 1 = 7"), ["8 - 3 = 5, but 6 + 1 = 7"]);
}

#[test]
fn what_holds_is_right() {
    for text in [
        "\\frac{3}{4} + 0.25 = 1",
        "1/3 = 0.333",
        "2/3 = 0.67 and 2/3 = 0.66",
        "0.75 × 100 = 75%",
        "3/4 = 75%",
        "456 × 7 ≈ 3200",
        "5! = 120",
        "\\binom{5}{2} = 10",
        "\\sqrt{16} + 1 = 5",
        "5² + 12² = 13²",
        "-3 + 5 = 2",
        "5 - (-3) = 8",
        "3.33 × 3 = 10",
        "3*4 = <<3*4=12>>12",
        "180° - 60° - 60° = 60°",
        "60 miles/hour × 3 hours = 180 miles",
    ] {
        assert_eq!(verdict(text), Some(Holds::Right), "{text}");
    }
}

#[test]
fn what_may_be_meant_so_is_never_flagged() {
    for text in [
        "x = 5",
        "x + 3 = 8",
        "2x = 12 - 4",
        "3ab = 6 + 1",
        "6 - 2L = 0",
        "f(2) = 4",
        "f(3 + 4) = 9",
        "P(A) = 1/2 + 1/4 = 0.75x",
        "2 1/2 = 2.5",
        "2\\frac{1}{2} = 1",
        "the ratio 3:4 = 0.75 + 1",
        "at 10:30 + 2 = 12:30",
        "7 = 1 (mod 3), 3 + 3 = 1 (mod 5)",
        "3 + 3 = 1 \\pmod 5",
        "17 + 5 = 2 mod 4",
        "3/4/2020 = 1",
        "pages 3–5 = 3",
        "11_2 + 1 = 100_2",
        "0.333... × 3 = 1",
        "0.\\overline{3} \\times 3 = 1",
        "0.1(6) × 6 = 1",
        "100/7 = 14",
        "5 feet + 3 inches = 63 inches",
        "2 hours + 30 minutes = 2.5 hours",
        "5 more than 3 × 4 = 17",
        "twice 3 + 4 = 14",
        "the sum of 5 and 3 × 4 = 17",
        "square root of 16 + 9 = 5",
        "x - 3 + 4 = 8",
        "|3 - 5| = 2",
        "Is 3 + 4 = 8?",
        "3 + 4 = 8 is false",
        "Suppose 3 + 4 = 8",
        "3 + 4 \\neq 8",
        "2^{3^2} + n = 1",
        "-2^2 = 4",
        "6/2(3) = 9",
        "= 3 + 4",
        "3 + 4 =",
        "\\sum_{i=1}^{3} i = 6",
        "!5 = 44 × 1",
        "k < 3/4 ≈ 9 < k",
        "400 degrees = 20 + 8",
        "2^{100000} = 3^{5}",
        "1/0 = 5",
        "\\sqrt{2} + 1 = 3",
    ] {
        assert!(wrong(text).is_empty(), "{text}: {:?}", told(text));
    }
}

#[test]
fn huge_texts_are_cut_and_huge_numbers_left() {
    let long = "3 + 4 = 7, ".repeat(200_000);
    assert!(equalities(&long).len() <= super::MOST_EQUALITIES);
    assert!(equalities(&format!("{} + 1 = 5", "9".repeat(50))).is_empty());
    let nested = format!("{}1{} = 1 + 1", "(".repeat(40), ")".repeat(40));
    assert!(wrong(&nested).is_empty());
    let sum = vec!["1"; 200].join(" + ");
    assert!(
        wrong(&format!("{sum} = 3")).is_empty(),
        "a side of 64 tokens at most"
    );
}

#[test]
fn blanks_without_end_are_one_token_and_what_is_told_is_short() {
    for blanks in ["\n", " \n", "\n& ", "\r\n"] {
        let text = format!("3 + 4 = 7{} 8", blanks.repeat(20_000));
        assert_eq!(super::token::tokens(&text).len(), 7, "{blanks:?}");
        let apart = format!("3 + {}4 = 8", blanks.repeat(20_000));
        for told in wrong(&apart) {
            assert!(told.len() < 60, "{} bytes", told.len());
        }
    }
    // What nobody writes as a word is none.
    let word = "a".repeat(50_000);
    assert!(wrong(&format!("5 {word} + 3 = 9")).is_empty());
    assert!(wrong(&format!("5 \\text{{{word}}} + 3 = 9")).is_empty());
}

#[test]
fn a_text_costs_no_more_than_it_may_and_then_nothing_is_flagged() {
    let hard = "(1.23 * 1.24 * 1.25 * 1.26 * 1.27)^{99} = 3 + 1. ".repeat(300);
    let holds: Vec<Holds> = equalities(&format!("{hard} 3 + 4 = 8."))
        .iter()
        .map(|found| found.holds)
        .collect();
    assert_eq!(holds.len(), 301);
    assert_eq!(holds.last(), Some(&Holds::Undecided));
    assert_eq!(wrong("3 + 4 = 8.").len(), 1);
}

/// A calculation of integers as text, and its value.
fn calculation() -> impl Strategy<Value = (String, i64)> {
    let leaf = (1_i64..500).prop_map(|n| (n.to_string(), n));
    leaf.prop_recursive(3, 12, 3, |inner| {
        (inner.clone(), inner, 0..4).prop_map(|((a, x), (b, y), how)| match how {
            0 => (format!("({a} + {b})"), x + y),
            1 => (format!("({a} - {b})"), x - y),
            2 if x.abs() < 10_000 && y.abs() < 10_000 => (format!("({a} \\times {b})"), x * y),
            _ => (format!("({a} + {b})"), x + y),
        })
    })
    .prop_filter("something is calculated", |(text, _)| text.contains('('))
}

proptest! {
    #[test]
    fn a_true_equality_is_never_flagged_and_a_false_one_always(
        (text, value) in calculation(),
        off in prop_oneof![-50_i64..=-1, 1_i64..=50],
    ) {
        let right = format!("Then we have ${text} = {value}$ in all.");
        prop_assert_eq!(verdict(&right), Some(Holds::Right), "{}", right);
        let wrong_value = value + off;
        let wrong = format!("Then we have ${text} = {wrong_value}$ in all.");
        prop_assert_eq!(verdict(&wrong), Some(Holds::Wrong), "{}", wrong);
    }

    #[test]
    fn rounding_to_the_digits_shown_is_never_flagged(
        a in 1_i64..10_000, b in 1_i64..1_000, places in 1_usize..6,
    ) {
        let rounded = format!("{:.places$}", a as f64 / b as f64);
        let text = format!("so {a} / {b} = {rounded} of them");
        prop_assert_ne!(verdict(&text), Some(Holds::Wrong), "{}", text);
        let far = format!("so {a} / {b} = {:.places$} of them", a as f64 / b as f64 + 1.5);
        prop_assert_eq!(verdict(&far), Some(Holds::Wrong), "{}", far);
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "[0-9a-z=+*/^(){}\\\\ .,$%!≈×²–'\\n-]{0,80}") {
        for found in equalities(&text) {
            prop_assert!(text.get(found.left.clone()).is_some());
            prop_assert!(text.get(found.right.clone()).is_some());
            prop_assert!(found.left.end <= found.right.start);
            let _ = found.told(&text, str::to_owned);
        }
    }
}
