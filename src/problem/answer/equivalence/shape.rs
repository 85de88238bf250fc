//! Lists, sets, tuples, matrices: compared piece by piece.

use super::Matcher;
use super::outcome::Outcome;
use super::region::is_region;
use super::signs::signs;
use super::vector::{is_interval, rows_of, scaled, unlabelled, vector};
use crate::problem::answer::fraction::Fraction;
use crate::problem::answer::math::node::{Bracket, Node, Relation};
use crate::problem::answer::value::exact;

/// An item of a set, with its value where that is rational and plain.
struct Item<'n> {
    node: &'n Node,
    value: Option<Fraction>,
}

impl Matcher<'_> {
    /// Any two answers.
    pub(super) fn nodes(&self, gold: &Node, answer: &Node) -> Outcome {
        if self.budget.spend(200).is_err() {
            return super::expression::exhausted();
        }
        if gold == answer && !gold.any(&|node| matches!(node, Node::Quotient(..))) {
            return Outcome::Equal("same-form");
        }
        let written_out = (signs(gold), signs(answer));
        if written_out.0.is_some() || written_out.1.is_some() {
            let gold = written_out.0.unwrap_or_else(|| gold.clone());
            let answer = written_out.1.unwrap_or_else(|| answer.clone());
            return self.nodes(&gold, &answer);
        }
        if let Some(outcome) = self.quantities(gold, answer) {
            return outcome;
        }
        if let Some(outcome) = empty_set(gold, answer) {
            return outcome;
        }
        if let Some(outcome) = self.words(gold, answer) {
            return outcome;
        }
        let (gold, answer) = (member_of(gold), member_of(answer));
        if (is_equation(gold) || is_equation(answer))
            && let Some(outcome) = self.equations(gold, answer)
        {
            return outcome;
        }
        let (gold, answer) = (&*scaled(unlabelled(gold)), &*scaled(unlabelled(answer)));
        if is_region(gold) || is_region(answer) {
            if let Some(outcome) = self.regions(gold, answer) {
                return outcome;
            }
            if let (Node::Relation(..), Node::Relation(..)) = (gold, answer) {
                return self.inequalities(gold, answer);
            }
            let is_set = |node: &Node| {
                is_region(node) || matches!(node, Node::Group { .. } | Node::Set(_) | Node::List(_))
            };
            return match is_set(gold) && is_set(answer) {
                true => Outcome::unknown("a set of numbers that is not understood"),
                false => Outcome::Different("shape"),
            };
        }
        self.shapes(gold, answer)
    }

    fn shapes(&self, gold: &Node, answer: &Node) -> Outcome {
        match (gold, answer) {
            (Node::Set(gold) | Node::List(gold), Node::Set(answer) | Node::List(answer)) => {
                self.unordered(gold, answer)
            }
            (
                Node::Group {
                    open: o,
                    close: c,
                    items: gold,
                },
                Node::Group { open, close, items },
            ) => {
                // Of vectors the kind of bracket says nothing.
                let round = |bracket: Bracket| match bracket {
                    Bracket::Angle => Bracket::Round,
                    other => other,
                };
                let kinds =
                    items.len() != 2 || (round(*o) == round(*open) && round(*c) == round(*close));
                if !kinds {
                    return Outcome::Different("interval");
                }
                self.ordered(gold, items, "tuple")
            }
            (Node::Group { items, .. }, Node::List(list)) if !is_interval(gold) => {
                self.ordered(items, &by_name(list), "tuple")
            }
            (Node::List(list), Node::Group { items, .. }) if !is_interval(answer) => {
                self.unordered(list, items)
            }
            (Node::Matrix(gold), Node::Matrix(answer)) => self.matrices(gold, answer),
            (Node::Matrix(gold), Node::Group { items, .. }) if rows_of(items).is_some() => {
                self.matrices(gold, &rows_of(items).unwrap_or_default())
            }
            (Node::Matrix(_), group) | (group, Node::Matrix(_)) if is_interval(group) => {
                Outcome::Different("shape")
            }
            (Node::Matrix(rows), Node::Group { items, .. }) => match vector(rows) {
                Some(vector) => self.ordered(&vector, items, "vector"),
                None => Outcome::Different("shape"),
            },
            (Node::Group { items, .. }, Node::Matrix(rows)) => match vector(rows) {
                Some(vector) => self.ordered(items, &vector, "vector"),
                None => Outcome::Different("shape"),
            },
            (
                Node::InBase { digits, base },
                Node::InBase {
                    digits: other,
                    base: other_base,
                },
            ) => {
                let plain = |digits: &str| digits.trim_start_matches('0').to_uppercase();
                let same = base == other_base && plain(digits) == plain(other);
                Outcome::decided(same, "base")
            }
            (Node::InBase { digits, base: 10 }, other) => self.nodes(&decimal(digits), other),
            (other, Node::InBase { digits, base: 10 }) => self.nodes(other, &decimal(digits)),
            (Node::InBase { .. }, _) | (_, Node::InBase { .. }) => Outcome::Different("base"),
            (Node::Ratio(gold), Node::Ratio(answer)) => self.ratios(gold, answer),
            // 5 is no 5:1, but 5/3 is 5:3.
            (Node::Ratio(_), other) | (other, Node::Ratio(_)) if is_whole(other) => {
                Outcome::Different("ratio")
            }
            (Node::Ratio(terms), _) | (_, Node::Ratio(terms)) if is_clock_time(terms) => {
                Outcome::Different("time")
            }
            (Node::Ratio(terms), other) if terms.len() == 2 && other.is_expression() => {
                let quotient = Node::quotient(terms[0].clone(), terms[1].clone());
                self.value(&quotient, other).within("ratio")
            }
            (other, Node::Ratio(terms)) if terms.len() == 2 && other.is_expression() => {
                let quotient = Node::quotient(terms[0].clone(), terms[1].clone());
                self.value(other, &quotient).within("ratio")
            }
            (Node::NumberSet(gold), Node::NumberSet(answer)) => {
                Outcome::decided(gold == answer, "number-set")
            }
            // A set of one is its element.
            (Node::Set(items) | Node::List(items), other) => {
                self.unordered(items, std::slice::from_ref(other))
            }
            (other, Node::Set(items) | Node::List(items)) => {
                self.unordered(std::slice::from_ref(other), items)
            }
            (gold, answer) if gold.is_expression() && answer.is_expression() => {
                self.expression(gold, answer)
            }
            (gold, answer) if std::mem::discriminant(gold) != std::mem::discriminant(answer) => {
                Outcome::Different("shape")
            }
            _ => Outcome::unknown("the two are of kinds that are not compared"),
        }
    }

    fn ordered(&self, gold: &[Node], answer: &[Node], rule: &'static str) -> Outcome {
        if gold.len() != answer.len() {
            return Outcome::Different(rule);
        }
        Outcome::all(
            gold.iter()
                .zip(answer)
                .map(|(gold, answer)| self.nodes(gold, answer)),
            rule,
        )
    }

    /// As sets: what is listed twice counts once.
    pub(super) fn unordered(&self, gold: &[Node], answer: &[Node]) -> Outcome {
        const RULE: &str = "set";
        let gold = self.distinct(gold);
        let mut open = self.distinct(answer);
        let mut unknown = None;
        for wanted in &gold {
            let mut found = None;
            for (place, candidate) in open.iter().enumerate() {
                match self.items(wanted, candidate) {
                    Outcome::Equal(_) => {
                        found = Some(place);
                        break;
                    }
                    Outcome::Different(_) => {}
                    Outcome::Unknown(reason) => unknown = Some(reason),
                }
            }
            match found {
                Some(place) => {
                    open.swap_remove(place);
                }
                None => return unknown.map_or(Outcome::Different(RULE), Outcome::Unknown),
            }
        }
        match (open.is_empty(), unknown) {
            (true, _) => Outcome::Equal(RULE),
            (false, Some(reason)) => Outcome::Unknown(reason),
            (false, None) => Outcome::Different(RULE),
        }
    }

    /// The items without those that are equal to one before.
    fn distinct<'n>(&self, items: &'n [Node]) -> Vec<Item<'n>> {
        let mut kept: Vec<Item<'n>> = Vec::new();
        for node in items {
            let value = exact(node, &[], self.budget).ok();
            let item = Item { node, value };
            if !kept.iter().any(|known| self.items(known, &item).is_equal()) {
                kept.push(item);
            }
        }
        kept
    }

    /// Two items of sets; those with exact values need no more.
    fn items(&self, gold: &Item<'_>, answer: &Item<'_>) -> Outcome {
        match (&gold.value, &answer.value) {
            (Some(gold), Some(answer)) if self.budget.spend(4).is_ok() => {
                Outcome::decided(gold == answer, "exact-rational")
            }
            _ => self.nodes(gold.node, answer.node),
        }
    }

    fn matrices(&self, gold: &[Vec<Node>], answer: &[Vec<Node>]) -> Outcome {
        if gold.len() != answer.len() {
            return Outcome::Different("matrix");
        }
        Outcome::all(
            gold.iter()
                .zip(answer)
                .map(|(gold, answer)| self.ordered(gold, answer, "matrix")),
            "matrix",
        )
    }

    /// `6:2` is `3:1`: all cross products agree.
    fn ratios(&self, gold: &[Node], answer: &[Node]) -> Outcome {
        if gold.len() != answer.len() {
            return Outcome::Different("ratio");
        }
        let (Some(first), Some(other_first)) = (gold.first(), answer.first()) else {
            return Outcome::Different("ratio");
        };
        if is_clock_time(gold) {
            // 5:30 is no ratio of one to six.
            return self.ordered(gold, answer, "time");
        }
        let product = |a: &Node, b: &Node| Node::Product(vec![a.clone(), b.clone()]);
        Outcome::all(
            gold.iter().zip(answer).skip(1).map(|(term, other)| {
                self.value(&product(term, other_first), &product(other, first))
            }),
            "ratio",
        )
    }
}

/// Values of several variables in the order of their names: `y = 1, x = 2` is
/// (2, 1).
fn by_name(items: &[Node]) -> Vec<Node> {
    let name = |item: &Node| match item {
        Node::Relation(first, _) => match &**first {
            Node::Symbol(name) => Some(name.to_string()),
            _ => None,
        },
        _ => None,
    };
    let mut sorted = items.to_vec();
    if items.iter().all(|item| name(item).is_some()) {
        sorted.sort_by_key(name);
    }
    sorted
}

/// `\emptyset` against "no solutions".
fn empty_set(gold: &Node, answer: &Node) -> Option<Outcome> {
    const SAYINGS: [&str; 6] = [
        "no solution",
        "no solutions",
        "no real solution",
        "no real solutions",
        "none",
        "empty set",
    ];
    let is_empty = |node: &Node| matches!(node, Node::Set(items) if items.is_empty());
    let says_so = |node: &Node| {
        matches!(node, Node::Words(words) if SAYINGS.contains(&&*super::text::words_of(words)))
            || matches!(node, Node::Letters(word) if &**word == "none")
    };
    (is_empty(gold) && says_so(answer) || says_so(gold) && is_empty(answer))
        .then_some(Outcome::Equal("empty-set"))
}

fn is_whole(node: &Node) -> bool {
    matches!(node, Node::Number(value) if value.is_integer())
}

fn decimal(digits: &str) -> Node {
    digits.parse::<num_bigint::BigInt>().map_or_else(
        |_| Node::Words(digits.to_owned()),
        |value| Node::Number(Fraction::integer(value)),
    )
}

/// Whether two numbers look like hours and minutes and are no ratio in lowest
/// terms.
fn is_clock_time(terms: &[Node]) -> bool {
    use num_integer::Integer as _;
    let [Node::Number(hours), Node::Number(minutes)] = terms else {
        return false;
    };
    match (hours.to_i64(), minutes.to_i64()) {
        (Some(hours @ 1..=24), Some(minutes @ 10..=59)) => hours.gcd(&minutes) > 1,
        _ => false,
    }
}

fn is_equation(node: &Node) -> bool {
    matches!(node, Node::Relation(_, rest) if rest.iter().any(|(relation, _)| relation.gives_value()))
}

/// S of `x \in S`.
fn member_of(node: &Node) -> &Node {
    match node {
        Node::Relation(_, rest) => match &rest[..] {
            [(Relation::In, set)] => set,
            _ => node,
        },
        other => other,
    }
}
