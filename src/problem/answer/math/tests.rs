//! Trees of some texts, where their shape is what matters.

use super::node::{Bracket, Node};
use super::{ParseError, Reading, parse};

fn tree(text: &str) -> Node {
    parse(text, Reading::FIRST)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .node
}

#[test]
fn one_thing_written_in_many_ways_is_one_tree() {
    for same in [
        &[
            "\\frac{1}{2}",
            "\\dfrac12",
            "\\tfrac 1 2",
            "$\\frac{1}2$",
            "\\left.\\frac{1}{2}\\right.",
        ][..],
        &["x^{2}", "x^2", "x²", "x**2", "\\boldsymbol{x}^2"],
        &["\\sqrt{5}", "√5", "sqrt(5)", "\\sqrt5"],
        &["-3", "\u{2212}3", "{-3}"],
        &[
            "\\{1, 2\\}",
            "\\left\\{ 1,\\, 2 \\right\\}",
            "\\lbrace 1, 2 \\rbrace",
        ],
        &["x \\le 2", "x <= 2", "x ≤ 2", "x \\leqslant 2"],
        &["\\pi", "π", "pi"],
        &["90^\\circ", "90^{\\circ}", "90°", "90 degrees"],
        &["a, b", "a \\text{ and } b", "a, \\text{ and } b", "a; b"],
        &["1000", "1,000", "1{,}000", "1\\,000"],
    ] {
        for text in same {
            assert_eq!(tree(text), tree(same[0]), "{text} | {}", same[0]);
        }
    }
}

#[test]
fn precedence_is_that_of_mathematics() {
    assert_eq!(tree("-2^2"), tree("-(2^2)"));
    assert_eq!(tree("2^3^2"), tree("2^{3^2}"));
    assert_eq!(tree("a/b c"), tree("(a/b) c"));
    assert_eq!(tree("\\sin 2x + 1"), tree("\\sin(2x) + 1"));
    assert_eq!(tree("\\sin^2 x"), tree("(\\sin x)^2"));
    assert_eq!(tree("2\\sqrt3/3"), tree("(2\\sqrt{3})/3"));
    assert_eq!(tree("{n \\choose 2}"), tree("\\binom{n}{2}"));
}

#[test]
fn brackets_of_an_interval_are_kept() {
    let Node::Group { open, close, items } = tree("[0, \\infty)") else {
        panic!("no group");
    };
    assert_eq!(
        (open, close, items.len()),
        (Bracket::Square, Bracket::Round, 2)
    );
}

#[test]
fn words_after_a_value_are_its_unit() {
    for text in [
        "5 \\text{ cm}^2",
        "5 \\mathrm{~km} / \\mathrm{h}",
        "5 apples",
        "5 m/s^2 \\text{ or so}",
    ] {
        let value = match tree(text) {
            Node::Quantity { value, .. } => *value,
            Node::Quotient(above, _) => *above,
            other => other,
        };
        assert!(
            value.any(&|node| *node == Node::integer(5)),
            "{text}: {value:?}"
        );
    }
    assert!(matches!(tree("5 percent"), Node::Percent(_)));
}

#[test]
fn both_readings_of_a_comma_are_there() {
    let read = |text: &str, thousands: bool| {
        let reading = Reading {
            thousands,
            ..Reading::FIRST
        };
        parse(text, reading).unwrap()
    };
    assert!(matches!(read("1,234", false).node, Node::List(_)));
    assert_eq!(read("1,234", true).node, Node::integer(1234));
    // Only what looks like a list has another reading worth trying.
    for (text, ambiguous) in [
        ("1,234", false),
        ("(1,234)", true),
        ("100,200", true),
        ("1,200,300", true),
        ("1{,}234", false),
    ] {
        assert_eq!(read(text, true).others.thousands, ambiguous, "{text}");
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    let error = |text: &str| parse(text, Reading::FIRST).unwrap_err();
    assert_eq!(error("\\foo{1}"), ParseError::Unknown("foo".to_owned()));
    assert_eq!(error(&"(".repeat(500)), ParseError::TooDeep);
    assert_eq!(error("\\frac{1}"), ParseError::Ended);
    assert!(matches!(error("1 + )"), ParseError::Unexpected(_)));
    assert_eq!(error("3 # 4"), ParseError::Sign('#'));
}
