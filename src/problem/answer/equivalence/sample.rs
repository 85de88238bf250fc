//! Where two expressions in variables are compared.

use std::collections::BTreeSet;
use std::rc::Rc;

use num_traits::ToPrimitive;

use crate::problem::answer::fraction::Fraction;
use crate::problem::answer::math::node::{Function, Node};
use crate::problem::answer::value::Assignment;

/// Largest number in an expression of floors that sample points go beyond.
const LARGEST_STEP: i64 = 150;
/// Numbers around which functions in pieces are looked at.
const MOST_BREAKS: usize = 12;

/// Values for the variables, or why no points would do: of a function in
/// pieces a few say nothing.
pub(super) fn points(gold: &Node, answer: &Node) -> Result<Vec<Assignment>, &'static str> {
    let mut names = BTreeSet::new();
    gold.variables(&mut names);
    answer.variables(&mut names);
    if names.is_empty() {
        return Ok(vec![Vec::new()]);
    }
    let both = [gold, answer];
    let any = |test: &dyn Fn(&Node) -> bool| both.iter().any(|node| node.any(test));
    let mut points = Vec::new();
    if any(&is_discrete) {
        points.extend(whole_points(&names, gold, answer)?);
        // Names of whole numbers; under other names floors are of reals too.
        if any(&is_step) && !names.iter().all(|name| is_whole_name(name)) {
            points.extend(parts(&names, false));
        }
        return Ok(points);
    }
    let breaks = any(&is_in_pieces);
    // Lengths and the like are positive: √(a²b) is a√b there.
    points.extend(parts(&names, any(&takes_root) && !breaks));
    if breaks {
        points.extend(around_breaks(&names, gold, answer));
    }
    Ok(points)
}

fn assigned(names: &BTreeSet<Rc<str>>, value: &dyn Fn(i64) -> Fraction) -> Assignment {
    let values = names.iter().zip(0..);
    values
        .map(|(name, place)| (Rc::clone(name), value(place)))
        .collect()
}

/// Fractions around 1; without `positive` negative ones too.
fn parts(names: &BTreeSet<Rc<str>>, positive: bool) -> Vec<Assignment> {
    const PARTS: [[i64; 4]; 5] = [
        [23, 31, 41, 17],
        [7, 13, 5, 11],
        [37, 19, 29, 43],
        [-11, 23, -17, 31],
        [13, -29, 37, -7],
    ];
    PARTS
        .iter()
        .filter(|row| !positive || row.iter().all(|part| *part > 0))
        .map(|row| {
            assigned(names, &|place| {
                // Further variables get other values, not far away.
                let part = usize::try_from(place % 4).map_or(1, |place| row[place]);
                let num = num_bigint::BigInt::from(part * 16 + 5 * (place / 4));
                Fraction::new(num, num_bigint::BigInt::from(16 * 19)).unwrap_or_else(Fraction::one)
            })
        })
        .collect()
}

/// Whole numbers: with one variable all up to beyond the largest number in
/// sight, so that every step is seen; with several in every order.
fn whole_points(
    names: &BTreeSet<Rc<str>>,
    gold: &Node,
    answer: &Node,
) -> Result<Vec<Assignment>, &'static str> {
    let steps = [gold, answer].iter().any(|node| node.any(&is_step));
    let largest = literals(gold, answer).into_iter().max().unwrap_or(1);
    if steps && largest > LARGEST_STEP {
        return Err("a function with steps as long is not compared point by point");
    }
    if names.len() == 1 && steps {
        let last = 2 * largest + 20;
        let value = |at: i64| assigned(names, &|_| Fraction::from(at));
        return Ok((1..=last).map(value).collect());
    }
    Ok((0..36)
        .map(|row| {
            assigned(names, &|place| {
                Fraction::from((row * (place * place + 3 * place + 5) + 4 * place) % 19 + 1)
            })
        })
        .collect())
}

/// Beside every number in sight and far beyond all of them, on both sides.
fn around_breaks(names: &BTreeSet<Rc<str>>, gold: &Node, answer: &Node) -> Vec<Assignment> {
    let mut near: Vec<i64> = literals(gold, answer)
        .into_iter()
        .take(MOST_BREAKS)
        .collect();
    let far = near.iter().copied().max().unwrap_or(1).saturating_mul(7);
    near.push(far);
    let third = |thirds: i64| Fraction::new(thirds.into(), 3.into()).unwrap_or_else(Fraction::one);
    let mut points = Vec::new();
    for at in near {
        for (sign, side) in [(1, 1), (1, -1), (-1, 1), (-1, -1)] {
            points.push(assigned(names, &|place| {
                // Variables beside each other are on different sides.
                let turn = if place % 2 == 0 { 1 } else { -1 };
                third(turn * sign * (3 * at + side) + place)
            }));
        }
    }
    points
}

/// Sizes of the numbers in the expressions, each once.
fn literals(gold: &Node, answer: &Node) -> BTreeSet<i64> {
    fn collect(node: &Node, found: &mut BTreeSet<i64>) {
        if let Node::Number(value) = node {
            for part in [value.num(), value.den()] {
                let size = part.to_i64().map_or(i64::MAX / 64, i64::abs);
                found.insert(size.min(i64::MAX / 64));
            }
        }
        for child in node.children() {
            collect(child, found);
        }
    }
    let mut found = BTreeSet::new();
    collect(gold, &mut found);
    collect(answer, &mut found);
    found
}

/// Whether a name is usually one of a whole number.
fn is_whole_name(name: &str) -> bool {
    name.starts_with([
        'i', 'j', 'k', 'l', 'm', 'n', 'p', 'q', 'r', 's', 't', 'K', 'M', 'N',
    ])
}

/// A function with steps.
fn is_step(node: &Node) -> bool {
    matches!(node, Node::Call(Function::Floor | Function::Ceil, arguments)
        if arguments.iter().any(Node::has_variables))
}

/// A function that is another one beyond some point.
fn is_in_pieces(node: &Node) -> bool {
    let is_even = |node: &Node| matches!(node, Node::Number(value) if value.to_i64().is_some_and(|value| value % 2 == 0));
    match node {
        Node::Call(Function::Abs | Function::Max | Function::Min, arguments) => {
            arguments.iter().any(Node::has_variables)
        }
        // √((x − 3)²)
        Node::Root(radicand, index) => {
            is_even(index)
                && matches!(&**radicand, Node::Power(base, power)
                    if is_even(power) && is_sum(base))
        }
        _ => false,
    }
}

/// A sum in variables, or one alone: its sign is not known.
fn is_sum(node: &Node) -> bool {
    matches!(node, Node::Sum(_) | Node::Symbol(_)) && node.has_variables()
}

fn is_discrete(node: &Node) -> bool {
    match node {
        Node::Call(function, arguments) => {
            function.is_discrete() && arguments.iter().any(Node::has_variables)
        }
        // (−1)^n
        Node::Power(base, exponent) => is_negative(base) && exponent.has_variables(),
        _ => false,
    }
}

fn is_negative(node: &Node) -> bool {
    match node {
        Node::Number(value) => value.is_negative(),
        Node::Neg(inner) => !inner.has_variables(),
        _ => false,
    }
}

fn takes_root(node: &Node) -> bool {
    match node {
        Node::Root(radicand, _) => radicand.has_variables(),
        Node::Power(base, exponent) => {
            base.has_variables()
                && !matches!(&**exponent, Node::Number(value) if value.is_integer())
        }
        Node::Call(Function::Ln | Function::Log, arguments) => {
            arguments.iter().any(Node::has_variables)
        }
        _ => false,
    }
}
