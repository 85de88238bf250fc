use proptest::prelude::*;

use super::*;

fn verdict(gold: &str, answer: &str) -> Verdict {
    compare(gold, answer).verdict
}

#[test]
fn equal_values_in_other_forms_are_correct() {
    for (gold, answer) in [
        ("18", "18"),
        ("18", "018"),
        ("073", "73"),
        ("18", "18.0"),
        ("65,960", "65960"),
        ("65960", "65{,}960"),
        ("12345", "12\\,345"),
        ("12345", "12,\\!345"),
        ("-5", "\u{2212}5"),
        ("0.5", ".5"),
        ("\\frac{1}{2}", "0.5"),
        ("\\frac12", "1/2"),
        ("\\frac 43", "1 \\frac{1}{3}"),
        ("\\frac{25}{2}", "12 1/2"),
        ("-\\frac{3}{4}", "\\frac{-3}{4}"),
        ("-\\frac{5}{2}", "-2\\frac{1}{2}"),
        ("120", "\\$120.00"),
        ("621", "621\\text{ feet}"),
        ("83", "83 ways"),
        ("60^\\circ", "60 degrees"),
        ("6 \\mathrm{~cm}", "6 \\text{ cm}"),
        ("12", "12 \\text{ cm}^2"),
        ("2280", "S = 2280"),
        ("630", "606 + 24 = 630"),
        ("\\frac{1}{2}", "50\\%"),
        ("20\\%", "\\frac{1}{5}"),
        ("20", "20\\%"),
        ("30\\%", "30\\text{ percent}"),
        ("$\\boxed{1999}$", "1999."),
        ("\\text{C}", "(C)"),
        ("\\text{(E)}", "E"),
        ("\\text{Yes}", "yes"),
        ("\\text{No}", "No such matrix exists"),
        ("\\text{odd}", "**Odd**"),
        (
            "\\left( 3, \\frac{\\pi}{2} \\right)",
            "(3,\\dfrac{\\pi}{2})",
        ),
    ] {
        assert_eq!(verdict(gold, answer), Verdict::Correct, "{gold} | {answer}");
    }
}

#[test]
fn different_values_are_wrong() {
    for (gold, answer) in [
        ("18", "19"),
        ("\\frac{1}{3}", "13"),
        ("12345", "12.345"),
        ("1/3", "0.333"),
        ("22.8", "23"),
        ("-4", "4"),
        ("58", "580"),
        ("140", "40^\\circ"),
        ("\\frac12", "0.5\\%"),
        ("20\\%", "0.2\\%"),
        ("21/2", "2 1/2"),
        ("\\text{odd}", "even"),
        ("\\text{(B)}", "A"),
        ("\\text{Yes}", "No"),
    ] {
        assert_eq!(verdict(gold, answer), Verdict::Wrong, "{gold} | {answer}");
    }
}

#[test]
fn what_is_not_understood_is_ungraded_with_a_reason() {
    for (gold, answer) in [
        ("\\sqrt{2}", "2^{1/2}"),
        ("x^2-5", "x^2 - 4"),
        ("2^{2013}", "2^{2012}"),
        ("ab", "ba"),
        ("2x - 4 = 0", "x - 2 = 0"),
        ("x + y = 5", "x - y = 5"),
        ("5", "1/0"),
        ("12", "1,2"),
        ("5", ""),
    ] {
        let comparison = compare(gold, answer);
        assert_eq!(comparison.verdict, Verdict::Ungraded, "{gold} | {answer}");
        assert!(comparison.reason.is_some());
    }
}

#[test]
fn work_is_bounded_whatever_the_input() {
    let nines = "9".repeat(4000);
    assert_eq!(verdict(&nines, &nines), Verdict::Correct);
    let endless = "9".repeat(1 << 20);
    assert_eq!(verdict("5", &endless), Verdict::Ungraded);
    assert_eq!(verdict("5", "9^{9^{9^{9}}}"), Verdict::Ungraded);
    assert_eq!(verdict("5", &"\\frac{".repeat(600)), Verdict::Ungraded);
}

#[test]
fn the_grader_names_what_decided() {
    let grader = RuleGrader;
    assert_eq!(grader.name(), "rules-v1");
    let grade = grader.grade(Some("18"), "so \\boxed{18}");
    assert_eq!(
        (
            grade.verdict,
            grade.rule.as_str(),
            grade.extracted.as_deref()
        ),
        (Verdict::Correct, "exact-rational", Some("18"))
    );
    let grade = grader.grade(None, "so \\boxed{18}");
    assert_eq!(grade.verdict, Verdict::Ungraded);
    assert_eq!(grade.reason.as_deref(), Some("no gold answer"));
    assert_eq!(grade.extracted.as_deref(), Some("18"));
    let grade = grader.grade(Some("18"), "nothing to say");
    assert_eq!(
        (grade.verdict, grade.rule.as_str()),
        (Verdict::Wrong, "no-answer")
    );
    assert!(grade.reason.is_none());
}

proptest! {
    #[test]
    fn any_input_gives_a_verdict_and_a_reason_iff_ungraded(gold in ".{0,60}", answer in ".{0,60}") {
        let comparison = compare(&gold, &answer);
        prop_assert_eq!(comparison.reason.is_some(), comparison.verdict == Verdict::Ungraded);
    }

    #[test]
    fn latex_like_input_never_panics(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "\\frac", "{", "}", "1", "2", "/", " ", "-", ",", ".", "\\text", "%", "$", "=",
                "^\\circ", "x", "cm", "(", ")", "\\boxed", "\u{2212}", "½", "\\",
            ]),
            0..24,
        )
    ) {
        let text = parts.concat();
        compare(&text, "1");
        RuleGrader.grade(Some("1"), &text);
    }

    #[test]
    fn an_integer_equals_itself_in_every_form(n in -1_000_000_i64..1_000_000) {
        let plain = n.to_string();
        prop_assert_eq!(verdict(&plain, &format!("{n}.00")), Verdict::Correct);
        prop_assert_eq!(verdict(&plain, &format!("\\frac{{{}}}{{2}}", 2 * n)), Verdict::Correct);
        prop_assert_eq!(verdict(&plain, &(n + 1).to_string()), Verdict::Wrong);
    }

    #[test]
    fn fractions_compare_by_value(a in 1_i64..500, b in 1_i64..500, k in 1_i64..9) {
        let reduced = format!("\\frac{{{a}}}{{{b}}}");
        let (ka, kb) = (k * a, k * b);
        prop_assert_eq!(verdict(&reduced, &format!("{ka}/{kb}")), Verdict::Correct);
        prop_assert_eq!(verdict(&reduced, &format!("{}/{kb}", ka + 1)), Verdict::Wrong);
    }
}
