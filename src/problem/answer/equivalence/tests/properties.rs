//! What must hold of any answers: a property suite over random expressions and
//! the rewritings that the label policy allows.

use super::*;

/// A random expression in LaTeX over numbers, π, roots and the variable x.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (-30_i64..30).prop_map(|n| n.to_string()),
        (1_i64..30, 2_i64..12).prop_map(|(a, b)| format!("\\frac{{{a}}}{{{b}}}")),
        (2_i64..20).prop_map(|n| format!("\\sqrt{{{n}}}")),
        Just("\\pi".to_owned()),
        Just("x".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) + ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})({b})")),
            (inner.clone(), 1_u32..4).prop_map(|(a, n)| format!("({a})^{{{n}}}")),
            (inner.clone(), 2_i64..9).prop_map(|(a, n)| format!("\\frac{{{a}}}{{{n}}}")),
        ]
    })
}

fn verdict(gold: &str, answer: &str) -> Verdict {
    compare(gold, answer).verdict
}

/// LaTeX, prose and signs thrown together.
fn soup() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "\\frac",
        "{",
        "}",
        "1",
        "2",
        "/",
        " ",
        "-",
        ",",
        ".",
        "\\text",
        "%",
        "$",
        "=",
        "^\\circ",
        "x",
        "cm",
        "(",
        ")",
        "\\boxed",
        "\u{2212}",
        "½",
        "\\",
        "\\sqrt",
        "^",
        "_",
        "!",
        "|",
        "\\pm",
        "\\le",
        "<",
        "\\cup",
        "\\infty",
        "[",
        "]",
        "\\{",
        "\\}",
        "\\begin{pmatrix}",
        "&",
        "\\\\",
        "\\end{pmatrix}",
        "\\binom",
        "\\choose",
        "\\sin",
        "\\log",
        "\\ln",
        "and",
        " or ",
        ":",
        "\\pmod",
        "\\overline",
        "0.",
        "10",
        "9999",
        "\\sum",
        "e",
        "i",
        "\\pi",
        "é",
        "∞",
        "\\left",
        "\\lfloor",
        "\\rfloor",
        "\\mid",
        "*",
        "yes",
        "(C)",
    ]);
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn anything_gives_a_verdict_and_a_reason_iff_ungraded(gold in soup(), answer in soup()) {
        let comparison = compare(&gold, &answer);
        prop_assert_eq!(comparison.reason.is_some(), comparison.verdict == Verdict::Ungraded);
        forms(&gold, &answer);
    }

    #[test]
    fn any_text_is_taken_without_panic(gold in "(?s).{0,60}", answer in "(?s).{0,60}") {
        compare(&gold, &answer);
    }

    #[test]
    fn an_answer_is_never_different_from_itself_in_braces(text in soup()) {
        prop_assume!(!squeezed(&text).is_empty());
        // Not the same string, so that it is read.
        let other = format!("{{{text}}}");
        if math::parse(&text, Reading::FIRST).is_ok() && math::parse(&other, Reading::FIRST).is_ok() {
            let budget = Budget::new(Budget::PAIR);
            let matcher = Matcher { budget: &budget };
            let node = math::parse(&text, Reading::FIRST).unwrap().node;
            let found = matcher.nodes(&node, &node.clone());
            prop_assert!(!matches!(found, Outcome::Different(_)), "{} {:?}", text, found);
        }
    }

    #[test]
    fn a_lost_pair_of_brackets_is_noticed(a in 2_i64..40, b in 1_i64..40, c in 2_i64..40) {
        for (whole, lost) in [
            (format!("{a}*({b}+sqrt({c}))"), format!("{a}*{b}+sqrt({c})")),
            (format!("{a}(x+{b})"), format!("{a}x+{b}")),
            (format!("(xy)^{c}"), format!("xy^{c}")),
            (format!("({b}+{c})^2 \\text{{ cm}}"), format!("{b}+{c}^2 \\text{{ cm}}")),
        ] {
            prop_assert_ne!(verdict(&whole, &lost), Verdict::Correct, "{} | {}", whole, lost);
        }
    }

    #[test]
    fn a_piece_that_differs_is_noticed(text in expression(), c in 1_i64..60) {
        // Equal below c only.
        let other = format!("({text}) + |x - {c}| - ({c} - x)");
        prop_assert_ne!(verdict(&text, &other), Verdict::Correct);
        let other = format!("({text}) + \\lfloor n / {} \\rfloor", c + 1);
        prop_assert_ne!(verdict(&text, &other), Verdict::Correct);
    }

    #[test]
    fn an_equation_times_a_variable_is_another_one(a in 1_i64..30, b in 1_i64..30) {
        let equation = format!("{a}x + y = {b}");
        let scaled = format!("{}x + 3y = {}", 3 * a, 3 * b);
        prop_assert_eq!(verdict(&equation, &scaled), Verdict::Correct);
        let more = format!("{a}x^2 + xy = {b}x");
        prop_assert_ne!(verdict(&equation, &more), Verdict::Correct);
    }

    #[test]
    fn an_expression_equals_itself_in_other_clothes(text in expression()) {
        let clothes = [
            format!("\\boxed{{{text}}}"),
            format!("${}$.", text.replace("\\frac", "\\dfrac")),
            format!("  {}", text.replace('(', "\\left(").replace(')', "\\right)")),
            format!("\\({}\\)", text.replace(" + ", "+")),
            format!("{{{}}}", text.replace("\\sqrt", "\\sqrt ")),
        ];
        for other in clothes {
            prop_assert_eq!(verdict(&text, &other), Verdict::Correct, "{} | {}", text, other);
        }
    }

    #[test]
    fn equality_of_expressions_is_symmetric(a in expression(), b in expression()) {
        prop_assert_eq!(verdict(&a, &b), verdict(&b, &a));
    }

    #[test]
    fn sums_and_products_commute(a in expression(), b in expression()) {
        let (sum, other) = (format!("({a}) + ({b})"), format!("({b}) + ({a})"));
        prop_assert_eq!(verdict(&sum, &other), Verdict::Correct);
        let (product, other) = (format!("({a})({b})"), format!("({b}) \\cdot ({a})"));
        prop_assert_eq!(verdict(&product, &other), Verdict::Correct);
        let squared = format!("({a})^2 + 2({a})({b}) + ({b})^2");
        prop_assert_eq!(verdict(&format!("(({a}) + ({b}))^2"), &squared), Verdict::Correct);
    }

    #[test]
    fn nothing_equals_its_successor(text in expression()) {
        prop_assert_eq!(verdict(&text, &format!("({text}) + 1")), Verdict::Wrong);
        prop_assert_eq!(verdict(&format!("({text}) - 1"), &text), Verdict::Wrong);
    }

    #[test]
    fn an_integer_equals_itself_in_every_form(n in -1_000_000_i64..1_000_000) {
        let plain = n.to_string();
        prop_assert_eq!(verdict(&plain, &format!("{n}.00")), Verdict::Correct);
        prop_assert_eq!(verdict(&plain, &format!("\\frac{{{}}}{{2}}", 2 * n)), Verdict::Correct);
        prop_assert_eq!(verdict(&plain, &format!("x = {n}")), Verdict::Correct);
        prop_assert_eq!(verdict(&plain, &format!("{n} \\text{{ apples}}")), Verdict::Correct);
        prop_assert_eq!(verdict(&plain, &(n + 1).to_string()), Verdict::Wrong);
        prop_assume!(n != 0);
        prop_assert_eq!(verdict(&plain, &(-n).to_string()), Verdict::Wrong);
        prop_assert_eq!(verdict(&plain, &format!("{n}0")), Verdict::Wrong);
    }

    #[test]
    fn fractions_compare_by_value(a in 1_i64..500, b in 2_i64..500, k in 1_i64..9) {
        let reduced = format!("\\frac{{{a}}}{{{b}}}");
        let (ka, kb) = (k * a, k * b);
        prop_assert_eq!(verdict(&reduced, &format!("{ka}/{kb}")), Verdict::Correct);
        prop_assert_eq!(verdict(&reduced, &format!("{}/{kb}", ka + 1)), Verdict::Wrong);
        if a > b {
            let mixed = format!("{}\\frac{{{}}}{{{b}}}", a / b, a % b);
            prop_assert_eq!(verdict(&reduced, &mixed), Verdict::Correct);
        }
    }

    #[test]
    fn order_matters_in_tuples_only(a in -50_i64..50, b in -50_i64..50) {
        prop_assume!(a != b);
        prop_assert_eq!(verdict(&format!("{a}, {b}"), &format!("\\{{{b}, {a}\\}}")), Verdict::Correct);
        prop_assert_eq!(verdict(&format!("({a}, {b})"), &format!("({b}, {a})")), Verdict::Wrong);
        prop_assert_eq!(verdict(&format!("{a}, {b}"), &a.to_string()), Verdict::Wrong);
        prop_assert_eq!(verdict(&a.to_string(), &format!("{a}, {b}")), Verdict::Wrong);
    }

    #[test]
    fn neighbours_among_huge_powers_are_told_apart(base in 2_u32..20, n in 500_u32..3000) {
        let power = format!("{base}^{{{n}}}");
        prop_assert_eq!(verdict(&power, &format!("{base}^{{{}}}", n + 1)), Verdict::Wrong);
        prop_assert_eq!(verdict(&power, &format!("{power} + 1")), Verdict::Wrong);
        let inverse = format!("\\frac{{1}}{{{power}}}");
        prop_assert_eq!(verdict(&inverse, &format!("{base}^{{-{n}}}")), Verdict::Correct);
    }
}

#[test]
fn work_is_bounded_whatever_the_input() {
    let nest =
        |open: &str, n: usize, close: &str| format!("{}5{}", open.repeat(n), close.repeat(n));
    let inputs = [
        "9^{9^{9^{9}}}".to_owned(),
        "{".repeat(1 << 20),
        nest("{", 400_000, "}"),
        "7".repeat(30_000),
        "7".repeat(10_000),
        nest("(", 3_000, ")"),
        nest("\\frac{1}{", 600, "}"),
        nest("\\sqrt{", 45, "}"),
        format!("2{}", "^2".repeat(5_000)),
        format!("3{}", "!".repeat(5_000)),
        "((9!)!)!".to_owned(),
        "1,".repeat(8_000),
        "\\text{".repeat(4_000),
        "|".repeat(8_000),
        "(x+y+z+w+1)^{40}".to_owned(),
        "\\sum_{k=1}^{2000} \\frac{1}{k^k}".to_owned(),
        "\\sin(10^{100000})".to_owned(),
        "e^{e^{e^{e^{e}}}}".to_owned(),
        "\\pm 1".repeat(200),
        "\\lfloor 10^{500} \\pi \\rfloor".to_owned(),
        "\\sqrt{10^{300}+1}".to_owned(),
        "\\begin{pmatrix}".repeat(1_000),
    ];
    for input in &inputs {
        for other in ["17", "x+1", "\\sqrt{2}, 3"] {
            assert_ne!(
                verdict(input, other),
                Verdict::Correct,
                "{input:.40} | {other}"
            );
            assert_ne!(
                verdict(other, input),
                Verdict::Correct,
                "{other} | {input:.40}"
            );
        }
        let more = format!("{input} + 1");
        assert_ne!(verdict(input, &more), Verdict::Correct, "{input:.40}");
    }
    assert_eq!(verdict("5", "9^{9^{9^{9}}}"), Verdict::Ungraded);
    let long = "7".repeat(10_000);
    assert_eq!(verdict(&long, &format!("{long}.0")), Verdict::Correct);
}
