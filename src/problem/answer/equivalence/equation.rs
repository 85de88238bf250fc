//! Equations, and values that are said to be the value of something.

use super::Matcher;
use super::outcome::Outcome;
use crate::problem::answer::math::node::{Node, Relation};
use crate::problem::answer::value::Ring;

/// What an equation says.
enum Statement<'n> {
    /// `x = 5`, `f(x) = 2x`, `(x, y) = (1, 2)`: a value and whose it is.
    Named { name: &'n Node, value: &'n Node },
    /// A chain of numbers: the last one.
    Value(&'n Node),
    /// An equation to be fulfilled.
    Equation,
    /// No equation: a value by itself.
    Bare(&'n Node),
}

impl Matcher<'_> {
    /// Compares where at least one side is an equation; `None` where it must
    /// be told by other rules.
    pub(super) fn equations(&self, gold: &Node, answer: &Node) -> Option<Outcome> {
        use Statement as S;
        let (said, given) = (self.statement(gold), self.statement(answer));
        if !matches!(said, S::Bare(_)) && !matches!(given, S::Bare(_)) {
            let as_equations = if gold.has_variables() || answer.has_variables() {
                self.same_equation(gold, answer)
            } else {
                None
            };
            if as_equations.as_ref().is_some_and(Outcome::is_equal) {
                return as_equations;
            }
            if let (S::Equation, _) | (_, S::Equation) = (&said, &given) {
                return Some(as_equations.unwrap_or_else(|| {
                    Outcome::unknown("the equations are not of a kind that is compared")
                }));
            }
        }
        Some(match (said, given) {
            (
                S::Named { name, value },
                S::Named {
                    name: other,
                    value: given,
                },
            ) => {
                if is_variable(name) && is_variable(other) && name != other {
                    return Some(Outcome::Different("other-name"));
                }
                self.nodes(value, given)
            }
            // `r^2 = 6`, `x^2 + y^2 = 6` where that was asked for; but `2x + 1 = 6`
            // is still to be solved.
            (S::Bare(value), S::Equation) => match last_member(answer) {
                Some(last)
                    if !value.has_variables()
                        && !last.has_variables()
                        && !is_to_be_solved(answer) =>
                {
                    self.nodes(value, last)
                }
                _ => Outcome::Different("equation"),
            },
            (S::Named { .. } | S::Value(_), S::Equation) => Outcome::Different("equation"),
            (S::Equation, _) => Outcome::Different("equation"),
            (
                S::Named { value: gold, .. } | S::Value(gold) | S::Bare(gold),
                S::Named { value, .. } | S::Value(value) | S::Bare(value),
            ) => self.nodes(gold, value),
        })
    }

    fn statement<'n>(&self, node: &'n Node) -> Statement<'n> {
        let Node::Relation(first, rest) = node else {
            return Statement::Bare(node);
        };
        if let Some(value) = exact_value(first, rest) {
            return Statement::Value(value);
        }
        let only_equal = rest.iter().all(|(relation, _)| relation.gives_value());
        let Some((_, last)) = rest.last().filter(|_| only_equal) else {
            return Statement::Equation;
        };
        if is_name(first) {
            return Statement::Named {
                name: first,
                value: last,
            };
        }
        let is_constant = |node: &Node| !node.has_variables();
        if is_constant(first) && rest.iter().all(|(_, member)| is_constant(member)) {
            return Statement::Value(last);
        }
        // `5 = x`
        if is_variable(last) && rest.len() == 1 {
            return Statement::Named {
                name: last,
                value: first,
            };
        }
        Statement::Equation
    }

    /// Whether two equations have the same solutions by being equal up to a
    /// constant factor; `None` where a side is no plain equation.
    fn same_equation(&self, gold: &Node, answer: &Node) -> Option<Outcome> {
        let (gold, answer) = (difference(gold)?, difference(answer)?);
        let ring = Ring::new(self.budget);
        if let (Ok(a), Ok(b)) = (ring.form(&gold), ring.form(&answer))
            && let Ok(proportional) = ring.are_proportional(&a, &b)
            && (proportional || ring.is_complete())
        {
            return Some(Outcome::decided(proportional, "equation"));
        }
        let opposite = answer.clone().negated();
        let outcome = self
            .numerically(&gold, &answer)
            .or_else(|| self.numerically(&gold, &opposite));
        // What differs by sign and factor was not looked for: not known.
        Some(match outcome {
            Outcome::Different(_) => Outcome::Different("equation"),
            other => other.within("equation"),
        })
    }

    /// `a < b` against `c < d`, where neither is an interval of numbers.
    pub(super) fn inequalities(&self, gold: &Node, answer: &Node) -> Outcome {
        let (Node::Relation(first, rest), Node::Relation(other_first, other_rest)) = (gold, answer)
        else {
            return Outcome::Different("inequality");
        };
        let unknown = || Outcome::unknown("inequalities that are not solved here");
        if rest.len() != other_rest.len() {
            return unknown();
        }
        let straight = rest.iter().zip(other_rest).all(|((a, _), (b, _))| a == b);
        let gold_members: Vec<&Node> = members(first, rest);
        let answer_members: Vec<&Node> = members(other_first, other_rest);
        let pairwise = |answer: &[&Node]| {
            Outcome::all(
                gold_members
                    .iter()
                    .zip(answer)
                    .map(|(gold, answer)| self.nodes(gold, answer)),
                "inequality",
            )
        };
        if straight {
            let outcome = pairwise(&answer_members);
            // The same thing with another bound is another inequality.
            let same_side = self.nodes(first, other_first).is_equal();
            if outcome.is_equal() || same_side {
                return outcome;
            }
        }
        let turned = rest
            .iter()
            .zip(other_rest.iter().rev())
            .all(|((a, _), (b, _))| *a == b.flipped());
        if turned {
            let reversed: Vec<&Node> = answer_members.into_iter().rev().collect();
            let outcome = pairwise(&reversed);
            if outcome.is_equal() {
                return outcome;
            }
        }
        // Moved from one side to the other.
        if let ([(relation, _)], [(other, _)]) = (&rest[..], &other_rest[..])
            && let (Some(gold), Some(answer)) = (any_difference(gold), any_difference(answer))
        {
            if relation == other {
                let outcome = self.value(&gold, &answer).within("inequality");
                return if outcome.is_equal() {
                    outcome
                } else {
                    unknown()
                };
            }
            if *relation == other.flipped() {
                let outcome = self.value(&gold, &answer.negated()).within("inequality");
                return if outcome.is_equal() {
                    outcome
                } else {
                    unknown()
                };
            }
        }
        unknown()
    }
}

fn members<'n>(first: &'n Node, rest: &'n [(Relation, Node)]) -> Vec<&'n Node> {
    std::iter::once(first)
        .chain(rest.iter().map(|(_, member)| member))
        .collect()
}

/// Left side minus right side of an equation of two expressions.
fn difference(node: &Node) -> Option<Node> {
    match node {
        Node::Relation(_, rest) if matches!(rest[..], [(Relation::Equal, _)]) => {
            any_difference(node)
        }
        _ => None,
    }
}

fn any_difference(node: &Node) -> Option<Node> {
    let Node::Relation(first, rest) = node else {
        return None;
    };
    match &rest[..] {
        [(_, last)] if first.is_expression() && last.is_expression() => {
            Some(Node::Sum(vec![(**first).clone(), last.clone().negated()]))
        }
        _ => None,
    }
}

/// The exact value before an approximate one: 3/7 of `3/7 ≈ 0.43`.
fn exact_value<'n>(first: &'n Node, rest: &'n [(Relation, Node)]) -> Option<&'n Node> {
    let approximate = rest
        .iter()
        .position(|(relation, _)| *relation == Relation::Approximately)?;
    let exact = match approximate {
        0 => first,
        place => &rest[place - 1].1,
    };
    (exact.is_expression() && !exact.has_variables()).then_some(exact)
}

/// Whether the left side is a sum or a multiple of one unknown.
fn is_to_be_solved(node: &Node) -> bool {
    let Node::Relation(first, _) = node else {
        return false;
    };
    let mut names = std::collections::BTreeSet::new();
    first.variables(&mut names);
    let combined = match &**first {
        Node::Sum(_) | Node::Quotient(..) | Node::Neg(_) => true,
        Node::Product(factors) => matches!(factors.first(), Some(Node::Number(_))),
        _ => false,
    };
    names.len() == 1 && combined
}

/// The right side of an equation.
fn last_member(node: &Node) -> Option<&Node> {
    match node {
        Node::Relation(_, rest) => match &rest[..] {
            [(Relation::Equal, last)] => Some(last),
            _ => None,
        },
        _ => None,
    }
}

fn is_variable(node: &Node) -> bool {
    matches!(node, Node::Symbol(_))
}

/// Whether the left side of an equation names what the right side is: letters
/// without numbers (`m + n`), a function's value (`f(2)`), words.
fn is_name(node: &Node) -> bool {
    if matches!(node, Node::Words(_)) {
        return true;
    }
    let has_letters = node.any(&|node| {
        matches!(
            node,
            Node::Symbol(_) | Node::Letters(_) | Node::Constant(_) | Node::Words(_)
        )
    });
    let has_numbers = node.any(&|node| matches!(node, Node::Number(_)));
    if has_letters && !has_numbers {
        return true;
    }
    match node {
        Node::Product(factors) => {
            matches!(&factors[..], [Node::Symbol(name), Node::Number(_) | Node::Group { .. } | Node::Relation(..)]
                if name.chars().next().is_some_and(char::is_alphabetic))
        }
        _ => false,
    }
}
