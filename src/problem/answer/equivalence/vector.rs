//! Vectors and matrices: names, factors and transposes taken in.

use std::borrow::Cow;

use crate::problem::answer::math::node::{Bracket, Node};

/// The coordinates of a point that has a name: `P(1, 2)`.
pub(super) fn unlabelled(node: &Node) -> &Node {
    match node {
        Node::Product(factors) => match &factors[..] {
            [Node::Symbol(_), group @ Node::Group { .. }] => group,
            _ => node,
        },
        other => other,
    }
}

/// A number times a matrix or vector with the number multiplied in.
pub(super) fn scaled(node: &Node) -> Cow<'_, Node> {
    let is_vector = |node: &Node| {
        matches!(node, Node::Matrix(_)) || matches!(node, Node::Group { .. }) && !is_interval(node)
    };
    let by = |factor: Node, vector: &Node| match vector {
        Node::Matrix(rows) => Some(Node::Matrix(
            rows.iter().map(|row| multiplied(&factor, row)).collect(),
        )),
        Node::Group { open, close, items } => Some(Node::Group {
            open: *open,
            close: *close,
            items: multiplied(&factor, items),
        }),
        _ => None,
    };
    let product = match node {
        Node::Power(matrix, exponent) if is_transposed(exponent) => match &**matrix {
            Node::Matrix(rows) => Some(Node::Matrix(transposed(rows))),
            _ => None,
        },
        Node::Neg(inner) if is_vector(inner) => by(Node::integer(-1), inner),
        Node::Quotient(inner, below) if is_vector(inner) && below.is_expression() => {
            by(Node::quotient(Node::integer(1), (**below).clone()), inner)
        }
        Node::Product(factors) => match factors.split_last() {
            Some((vector, rest)) if is_vector(vector) && rest.iter().all(Node::is_expression) => {
                by(Node::product(rest.to_vec()), vector)
            }
            _ => None,
        },
        _ => None,
    };
    product.map_or(Cow::Borrowed(node), Cow::Owned)
}

/// The entries of a row or of a column.
pub(super) fn vector(rows: &[Vec<Node>]) -> Option<Vec<Node>> {
    if rows.iter().all(|row| row.len() == 1) {
        return Some(rows.iter().flatten().cloned().collect());
    }
    match rows {
        [row] => Some(row.clone()),
        _ => None,
    }
}

/// The rows of `[[1, 2], [3, 4]]`.
pub(super) fn rows_of(items: &[Node]) -> Option<Vec<Vec<Node>>> {
    let rows = items.iter().map(|item| match item {
        Node::Group { items, .. } => Some(items.clone()),
        _ => None,
    });
    rows.collect()
}

pub(super) fn is_interval(node: &Node) -> bool {
    matches!(node, Node::Group { open, close, items } if items.len() == 2
        && (*open == Bracket::Square || *close == Bracket::Square))
}

fn is_transposed(exponent: &Node) -> bool {
    matches!(exponent, Node::Symbol(name) if matches!(&**name, "T" | "t"))
}

fn transposed(rows: &[Vec<Node>]) -> Vec<Vec<Node>> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    (0..columns)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column).cloned())
                .collect()
        })
        .collect()
}

fn multiplied(factor: &Node, entries: &[Node]) -> Vec<Node> {
    entries
        .iter()
        .map(|entry| Node::Product(vec![factor.clone(), entry.clone()]))
        .collect()
}
