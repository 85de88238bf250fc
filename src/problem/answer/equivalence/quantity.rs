//! Values with something written after them: units, moduli, conditions.

use super::Matcher;
use super::outcome::Outcome;
use crate::problem::answer::math::node::Node;
use crate::problem::answer::math::words;
use crate::problem::answer::value::exact;

impl Matcher<'_> {
    /// A value with words after it is compared by its value.
    pub(super) fn quantities(&self, gold: &Node, answer: &Node) -> Option<Outcome> {
        match (gold, answer) {
            (
                Node::Quantity { value, unit },
                Node::Quantity {
                    value: other,
                    unit: other_unit,
                },
            ) => {
                let moduli = unit
                    .strip_prefix("mod ")
                    .zip(other_unit.strip_prefix("mod "));
                if let Some((modulus, other_modulus)) = moduli {
                    return Some(self.residues(value, other, modulus, other_modulus));
                }
                if let (Some(unit), Some(other)) = (words::unit(unit), words::unit(other_unit))
                    && unit != other
                {
                    return Some(Outcome::unknown("the two have different units"));
                }
                if remarks_differ(value, unit, other_unit) {
                    return Some(Outcome::unknown("the two hold under different conditions"));
                }
                Some(self.nodes(value, other))
            }
            (Node::Quantity { unit, .. }, other) | (other, Node::Quantity { unit, .. })
                if other_unit(unit, other) =>
            {
                Some(Outcome::unknown("the two have different units"))
            }
            (Node::Quantity { unit, .. }, _) | (_, Node::Quantity { unit, .. })
                if is_bound(unit) =>
            {
                Some(Outcome::unknown("a bound is no value"))
            }
            (Node::Quantity { value, unit }, _) | (_, Node::Quantity { value, unit })
                if self.is_unreduced(value, unit) =>
            {
                Some(Outcome::unknown(
                    "a residue that is not reduced is no value",
                ))
            }
            (Node::Quantity { value, .. }, other) => Some(self.nodes(value, other)),
            (other, Node::Quantity { value, .. }) => Some(self.nodes(other, value)),
            _ => None,
        }
    }

    /// Whether it is `100 mod 7`, which may be meant as 2.
    fn is_unreduced(&self, value: &Node, unit: &str) -> bool {
        let modulus = unit
            .strip_prefix("mod ")
            .and_then(|text| text.parse::<i64>().ok());
        let value = exact(value, &[], self.budget)
            .ok()
            .and_then(|value| value.to_i64());
        matches!((value, modulus), (Some(value), Some(modulus)) if !(0..modulus).contains(&value))
    }

    /// `3 (mod 7)` against `10 (mod 7)`.
    fn residues(&self, gold: &Node, answer: &Node, modulus: &str, other: &str) -> Outcome {
        use num_integer::Integer as _;
        if modulus != other {
            return Outcome::Different("modulus");
        }
        let whole = |node: &Node| exact(node, &[], self.budget).ok()?.to_i64();
        match (whole(gold), whole(answer), modulus.parse::<i64>()) {
            (Some(gold), Some(answer), Ok(modulus)) if modulus > 0 => {
                let same = gold.mod_floor(&modulus) == answer.mod_floor(&modulus);
                Outcome::decided(same, "modulus")
            }
            _ => self.nodes(gold, answer),
        }
    }
}

/// Whether what is written after two values makes other answers of them:
/// conditions, or words after something that is no number.
fn remarks_differ(value: &Node, unit: &str, other: &str) -> bool {
    let is_condition = |unit: &str| unit.starts_with("where:");
    unit != other
        && (is_condition(unit) && is_condition(other)
            || is_bound(unit) != is_bound(other)
            || value.has_variables()
                && !words::is_unit(unit)
                && !words::is_unit(other)
                && !is_condition(unit)
                && !is_condition(other))
}

/// Whether words after a number make a bound of it.
fn is_bound(unit: &str) -> bool {
    [
        "at most", "at least", "or more", "or less", "or fewer", "maximum", "minimum",
    ]
    .iter()
    .any(|words| unit.starts_with(words))
}

/// Whether the last letter of a product is another unit than this one: `5 kg`
/// against `5 g`.
fn other_unit(unit: &str, other: &Node) -> bool {
    let Node::Product(factors) = other else {
        return false;
    };
    match (words::unit(unit), factors.last()) {
        (Some(unit), Some(Node::Symbol(letter))) => {
            words::unit(letter).is_some_and(|letter| letter != unit)
        }
        _ => false,
    }
}
