//! Mathematics that says the same, however it is written: what a comparison of
//! two texts goes by.

use std::fmt::Write as _;
use std::ops::Range;

use super::budget::Budget;
use super::extract;
use super::fraction::Fraction;
use super::math::node::Node;
use super::math::{self, Reading};
use super::value::exact;

/// Longest piece of mathematics that is read, in bytes.
const LONGEST: usize = 400;
/// What reading one may cost, in units of roughly a nanosecond.
const WORK: u64 = 500_000;

/// A formula of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formula {
    /// Its bytes, marks included.
    pub outer: Range<usize>,
    /// Without the marks.
    pub inner: Range<usize>,
}

/// The formulas of a text that stand between marks (`$…$`, `\(…\)`,
/// `\begin{align}…`), in its order; none overlaps another. One pass.
#[must_use]
pub fn formulas(text: &str) -> Vec<Formula> {
    extract::formulas(text)
        .into_iter()
        .map(|(outer, inner)| Formula { outer, inner })
        .collect()
}

/// What two pieces of mathematics share if they say the same: numbers by their
/// value (`0.5`, `1/2` and `\frac{1}{2}`), everything else by its structure,
/// sums and products in any order. `None` for what cannot be read, or not
/// within bounds. Units count: `5` is not `5 cm`.
#[must_use]
pub fn key(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > LONGEST {
        return None;
    }
    // Most numbers are whole: nothing is to be read in them.
    let whole = !text.is_empty()
        && text.len() <= 18
        && (text == "0" || !text.starts_with('0'))
        && text.bytes().all(|byte| byte.is_ascii_digit());
    if whole {
        return Some(format!("#{text}"));
    }
    let budget = Budget::new(WORK);
    let parsed = math::parse(text, Reading::FIRST).ok()?;
    let mut out = String::new();
    write(&parsed.node, &mut out, &budget)?;
    Some(out)
}

fn write(node: &Node, out: &mut String, budget: &Budget) -> Option<()> {
    budget.spend(200 + out.len() as u64).ok()?;
    if let Some(value) = value(node, budget) {
        let _ = write!(out, "#{value}");
        return Some(());
    }
    match node {
        Node::Number(value) => {
            let _ = write!(out, "#{value}");
        }
        Node::Symbol(name) => {
            let _ = write!(out, "x:{name}");
        }
        Node::Letters(letters) => {
            let _ = write!(out, "letters:{letters}");
        }
        Node::Words(words) => {
            let _ = write!(out, "words:{words}");
        }
        Node::Constant(constant) => {
            let _ = write!(out, "{constant:?}");
        }
        Node::NumberSet(name) => {
            let _ = write!(out, "set:{name}");
        }
        Node::InBase { digits, base } => {
            let _ = write!(out, "{digits}_{base}");
        }
        Node::Sum(items) => list("sum", items, true, out, budget)?,
        Node::Product(items) => {
            let is_matrix = |node: &Node| matches!(node, Node::Matrix(_));
            let commutes = !node.any(&is_matrix);
            list("product", items, commutes, out, budget)?;
        }
        Node::Set(items) => list("of", items, true, out, budget)?,
        Node::List(items) => list("list", items, true, out, budget)?,
        Node::Union(items) => list("union", items, true, out, budget)?,
        Node::Intersection(items) => list("meet", items, true, out, budget)?,
        Node::Ratio(items) => list("ratio", items, false, out, budget)?,
        Node::Call(function, items) => list(&format!("{function:?}"), items, false, out, budget)?,
        Node::Group { open, close, items } => {
            list(&format!("{open:?}{close:?}"), items, false, out, budget)?;
        }
        Node::Neg(inner) => of("neg", &[inner], out, budget)?,
        Node::Percent(inner) => of("percent", &[inner], out, budget)?,
        Node::Degrees(inner) => of("degrees", &[inner], out, budget)?,
        Node::PlusMinus { inner, minus_first } => {
            of(&format!("pm:{minus_first}"), &[inner], out, budget)?;
        }
        Node::Quantity { value, unit } => of(&format!("in:{unit}"), &[value], out, budget)?,
        Node::Quotient(a, b) => of("quotient", &[a, b], out, budget)?,
        Node::Power(a, b) => of("power", &[a, b], out, budget)?,
        Node::Root(a, b) => of("root", &[a, b], out, budget)?,
        Node::Difference(a, b) => of("less", &[a, b], out, budget)?,
        Node::Relation(first, rest) => {
            of("relation", &[first], out, budget)?;
            for (relation, member) in rest {
                of(&format!("{relation:?}"), &[member], out, budget)?;
            }
        }
        Node::Matrix(rows) => {
            for row in rows {
                list("row", row, false, out, budget)?;
            }
        }
    }
    Some(())
}

/// The value of a node that is a rational number and nothing else.
fn value(node: &Node, budget: &Budget) -> Option<Fraction> {
    let is_more = |node: &Node| {
        matches!(
            node,
            Node::Quantity { .. } | Node::Degrees(_) | Node::PlusMinus { .. }
        )
    };
    if node.has_variables() || node.any(&is_more) {
        return None;
    }
    let value = exact(node, &[], budget).ok()?;
    // A longer one is written by its length alone.
    (value.bits() <= Fraction::SHOWN_BITS).then_some(value)
}

fn of(name: &str, parts: &[&Node], out: &mut String, budget: &Budget) -> Option<()> {
    out.push_str(name);
    out.push('(');
    for part in parts {
        write(part, out, budget)?;
        out.push(',');
    }
    out.push(')');
    Some(())
}

/// Several nodes, in order or not.
fn list(
    name: &str,
    items: &[Node],
    in_any_order: bool,
    out: &mut String,
    budget: &Budget,
) -> Option<()> {
    let mut keys = Vec::with_capacity(items.len());
    for item in items {
        let mut key = String::new();
        write(item, &mut key, budget)?;
        keys.push(key);
    }
    if in_any_order {
        keys.sort_unstable();
    }
    let _ = write!(out, "{name}({})", keys.join(","));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_a_key_however_they_are_written() {
        for (a, b) in [
            ("0.5", r"\frac{1}{2}"),
            ("0.5", "1/2"),
            (r"\frac12", r"\dfrac{2}{4}"),
            ("1,234", "1234"),
            ("50%", "0.5"),
            ("-3", "- 3"),
            ("2^{10}", "1024"),
            (r"\sqrt{49}", "7"),
            ("½", "0.50"),
            ("0012", "12"),
        ] {
            assert_eq!(key(a), key(b), "{a} and {b}");
            assert!(key(a).is_some(), "{a}");
        }
    }

    #[test]
    fn structures_are_compared_where_there_is_no_value() {
        for (a, b) in [
            (r"\frac{x+1}{2}", r"\dfrac{1 + x}{2}"),
            (r"\left( a, b \right)", "(a,b)"),
            ("x^2 = 4", "x^{2}=4"),
            ("x = 0.5", r"x=\frac{1}{2}"),
        ] {
            assert_eq!(key(a), key(b), "{a} and {b}");
            assert!(key(a).is_some(), "{a}");
        }
    }

    #[test]
    fn what_differs_has_another_key() {
        for (a, b) in [
            ("7", "8"),
            ("x+1", "x-1"),
            ("5", r"5 \text{ cm}"),
            ("(a,b)", "(b,a)"),
            ("x<2", r"x \le 2"),
            (r"\frac{a}{b}", r"\frac{b}{a}"),
            ("x", "y"),
        ] {
            assert_ne!(key(a), key(b), "{a} and {b}");
        }
    }

    #[test]
    fn hostile_mathematics_is_bounded() {
        assert_eq!(key(&"9".repeat(10_000)), None);
        // Too large to be written out: compared by its structure.
        assert!(key("9^{9^{9^9}}").is_none_or(|key| key.len() < 1_000));
        let deep = format!("{}x{}", "(".repeat(190), ")".repeat(190));
        let _ = key(&deep);
        assert_eq!(key(""), None);
        assert_eq!(key(r"\nosuchcommand{"), None);
    }

    #[test]
    fn formulas_stand_in_their_order() {
        let text = r"So $x=1$ and \(y\) cost $5; \[z\]";
        let found = formulas(text);
        let inner: Vec<&str> = found.iter().map(|one| &text[one.inner.clone()]).collect();
        assert_eq!(inner, ["x=1", "y", "z"]);
    }
}
