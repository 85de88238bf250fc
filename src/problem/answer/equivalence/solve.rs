//! Inequalities in one variable, solved for it.

use std::cmp::Ordering;

use super::Matcher;
use super::region::Region;
use crate::problem::answer::math::node::{Function, Node, Relation};

impl Matcher<'_> {
    /// `|u| < c`, `x^2 \ge c` and inequalities that are linear in one variable.
    pub(super) fn solved(&self, left: &Node, relation: Relation, bound: &Node) -> Option<Region> {
        if bound.has_variables() {
            return None;
        }
        let absolute = |inner: &Node, size: Node| {
            let below = Node::Relation(Box::new(inner.clone()), vec![(relation, size.clone())]);
            let above = Node::Relation(
                Box::new(inner.clone()),
                vec![(relation.flipped(), size.negated())],
            );
            match relation {
                Relation::Less | Relation::LessEqual => {
                    Some(Node::Intersection(vec![below, above]))
                }
                Relation::Greater | Relation::GreaterEqual => Some(Node::Union(vec![below, above])),
                _ => None,
            }
        };
        let is_positive = || self.order(bound, &Node::integer(0)) == Some(Ordering::Greater);
        match left {
            Node::Call(Function::Abs, arguments) if is_positive() => {
                return self.region(&absolute(arguments.first()?, bound.clone())?);
            }
            Node::Power(base, exponent) if **exponent == Node::integer(2) && is_positive() => {
                let root = Node::Root(Box::new(bound.clone()), Box::new(Node::integer(2)));
                return self.region(&absolute(base, root)?);
            }
            _ => {}
        }
        self.linear(left, relation, bound)
    }

    /// `a·x + b < c` as `x < (c − b)/a`.
    fn linear(&self, left: &Node, relation: Relation, bound: &Node) -> Option<Region> {
        let mut names = std::collections::BTreeSet::new();
        left.variables(&mut names);
        let name = names.pop_first().filter(|_| names.is_empty())?;
        let variable = Node::Symbol(name);
        let at = |value: i64| {
            let mut node = left.clone();
            node.replace(&variable, &Node::integer(value));
            node
        };
        let intercept = at(0);
        let slope = Node::Sum(vec![at(1), intercept.clone().negated()]);
        // Linear iff the line through two points is the whole of it.
        let line = Node::Sum(vec![
            Node::Product(vec![slope.clone(), variable.clone()]),
            intercept.clone(),
        ]);
        if !self.value(&line, left).is_equal() {
            return None;
        }
        let relation = match self.order(&slope, &Node::integer(0))? {
            Ordering::Greater => relation,
            Ordering::Less => relation.flipped(),
            Ordering::Equal => return None,
        };
        let above = Node::Sum(vec![bound.clone(), intercept.negated()]);
        let root = Node::quotient(above, slope);
        self.inequality(&variable, &[(relation, root)])
    }
}
