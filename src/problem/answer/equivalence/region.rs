//! Sets of real numbers: intervals, inequalities, unions, everything but a
//! few points.

use std::cmp::Ordering;

use super::Matcher;
use super::expression::infinite;
use super::outcome::Outcome;
use crate::problem::answer::math::node::{Bracket, Constant, Node, Relation};

/// Most pieces of one set.
const MOST_PIECES: usize = 64;

/// One end of an interval.
#[derive(Debug, Clone)]
struct End {
    at: Node,
    closed: bool,
}

#[derive(Debug, Clone)]
struct Piece {
    low: End,
    high: End,
}

/// A union of intervals, and the name of the variable where one was given.
#[derive(Debug, Clone)]
pub(super) struct Region {
    variable: Option<Node>,
    pieces: Vec<Piece>,
}

/// Whether a node can only be a set of real numbers.
pub(super) fn is_region(node: &Node) -> bool {
    match node {
        Node::Union(_) | Node::Intersection(_) | Node::Difference(..) => true,
        Node::Sum(_) => less(node).is_some(),
        Node::NumberSet(letter) => *letter == 'R',
        Node::List(items) => items.iter().all(is_inequality),
        relation => is_inequality(relation),
    }
}

fn is_inequality(node: &Node) -> bool {
    matches!(node, Node::Relation(_, rest)
        if rest.iter().all(|(relation, _)| relation.is_order() || *relation == Relation::NotEqual))
}

impl Matcher<'_> {
    /// Compares two sets of real numbers; `None` where a side is none.
    pub(super) fn regions(&self, gold: &Node, answer: &Node) -> Option<Outcome> {
        let (gold, answer) = (self.region(gold)?, self.region(answer)?);
        if let (Some(name), Some(other)) = (&gold.variable, &answer.variable)
            && matches!((name, other), (Node::Symbol(_), Node::Symbol(_)))
            && name != other
        {
            return Some(Outcome::Different("other-name"));
        }
        let merged = (
            self.merged(gold.pieces.clone()),
            self.merged(answer.pieces.clone()),
        );
        Some(match merged {
            (Some(gold), Some(answer)) => self.same_pieces(&gold, &answer),
            // Ends that cannot be ordered, as of unknowns: in any order.
            _ => self.same_in_any_order(&gold.pieces, &answer.pieces),
        })
    }

    fn same_in_any_order(&self, gold: &[Piece], answer: &[Piece]) -> Outcome {
        if gold.len() == 1 && answer.len() == 1 {
            return self.same_pieces(gold, answer);
        }
        let mut open: Vec<&Piece> = answer.iter().collect();
        for piece in gold {
            let same = |candidate: &&Piece| {
                let one = |piece: &Piece| std::slice::from_ref(piece).to_vec();
                self.same_pieces(&one(piece), &one(candidate)).is_equal()
            };
            match open.iter().position(same) {
                Some(place) => {
                    open.swap_remove(place);
                }
                None => return Outcome::unknown("intervals whose ends cannot be ordered"),
            }
        }
        match open.is_empty() {
            true => Outcome::Equal("interval"),
            false => Outcome::unknown("intervals whose ends cannot be ordered"),
        }
    }

    fn same_pieces(&self, gold: &[Piece], answer: &[Piece]) -> Outcome {
        const RULE: &str = "interval";
        if gold.len() != answer.len() {
            return Outcome::Different(RULE);
        }
        Outcome::all(
            gold.iter().zip(answer).map(|(gold, answer)| {
                let closed =
                    gold.low.closed == answer.low.closed && gold.high.closed == answer.high.closed;
                if !closed {
                    return Outcome::Different(RULE);
                }
                Outcome::all(
                    [
                        self.end(&gold.low.at, &answer.low.at),
                        self.end(&gold.high.at, &answer.high.at),
                    ],
                    RULE,
                )
            }),
            RULE,
        )
    }

    fn end(&self, gold: &Node, answer: &Node) -> Outcome {
        match (infinite(gold), infinite(answer)) {
            (None, None) => self.value(gold, answer),
            (a, b) => Outcome::decided(a == b, "infinity"),
        }
    }

    pub(super) fn region(&self, node: &Node) -> Option<Region> {
        match node {
            Node::Group { open, close, items } => {
                let [low, high] = &items[..] else {
                    return None;
                };
                if !low.is_expression() || !high.is_expression() {
                    return None;
                }
                Some(Region::of(Piece {
                    low: End {
                        at: low.clone(),
                        closed: *open == Bracket::Square && infinite(low).is_none(),
                    },
                    high: End {
                        at: high.clone(),
                        closed: *close == Bracket::Square && infinite(high).is_none(),
                    },
                }))
            }
            Node::Union(items) => {
                let mut all = Region {
                    variable: None,
                    pieces: Vec::new(),
                };
                for item in items {
                    let part = self.region(item)?;
                    all.variable = one_name(all.variable, part.variable)?;
                    all.pieces.extend(part.pieces);
                }
                (all.pieces.len() <= MOST_PIECES).then_some(all)
            }
            Node::Intersection(items) => {
                let mut parts = items.iter().map(|item| self.region(item));
                let mut all = parts.next()??;
                for part in parts {
                    all = self.intersection(&all, &part?)?;
                }
                Some(all)
            }
            Node::Set(items) => {
                let points = items.iter().map(|item| self.point(item));
                Some(Region {
                    variable: None,
                    pieces: points.collect::<Option<Vec<Piece>>>()?,
                })
            }
            Node::List(items) => self.listed(items),
            Node::Difference(whole, less) => self.difference(whole, less),
            Node::Sum(_) => {
                let (whole, less) = less(node)?;
                self.difference(whole, less)
            }
            Node::NumberSet('R') => Some(Region::of(line())),
            Node::Relation(first, rest) => self.inequality(first, rest),
            other if other.is_expression() && !other.has_variables() => {
                Some(Region::of(self.point(other)?))
            }
            _ => None,
        }
    }

    /// What a comma lists: of `x > 1, x < 3` both hold, as they meet; of
    /// `x < 1, x > 3` and of `(1, 2), (3, 4)` either.
    fn listed(&self, items: &[Node]) -> Option<Region> {
        if let [first, second] = items
            && matches!((first, second), (Node::Relation(..), Node::Relation(..)))
        {
            let (a, b) = (self.region(first)?, self.region(second)?);
            let both = self.intersection(&a, &b)?;
            let bounded = both.pieces.iter().all(|piece| {
                infinite(&piece.low.at).is_none() && infinite(&piece.high.at).is_none()
            });
            if !both.pieces.is_empty() && bounded {
                return Some(both);
            }
        }
        self.region(&Node::Union(items.to_vec()))
    }

    /// What of `whole` is not in `less`.
    fn difference(&self, whole: &Node, less: &Node) -> Option<Region> {
        let whole = self.region(whole)?;
        let pieces = self.merged(self.region(less)?.pieces)?;
        pieces.into_iter().try_fold(whole, |left, piece| {
            self.intersection(&left, &outside(piece))
        })
    }

    fn point(&self, node: &Node) -> Option<Piece> {
        if !node.is_expression() {
            return None;
        }
        let end = End {
            at: node.clone(),
            closed: true,
        };
        Some(Piece {
            low: end.clone(),
            high: end,
        })
    }

    /// `x < 3`, `1 < x \le 2`, `3 > x`, `x \ne 0`.
    pub(super) fn inequality(&self, first: &Node, rest: &[(Relation, Node)]) -> Option<Region> {
        let varies = Node::has_variables;
        match rest {
            [(Relation::In, set)] => {
                let inner = self.region(set)?;
                Some(Region {
                    variable: Some(first.clone()),
                    ..inner
                })
            }
            [(relation, last)] => {
                // The variable is the side that is one; two make no interval.
                let (variable, relation, bound) = if varies(first) && varies(last) {
                    return None;
                } else if varies(first) {
                    (first, *relation, last)
                } else if varies(last) {
                    (last, relation.flipped(), first)
                } else {
                    return None;
                };
                if !bound.is_expression() {
                    return None;
                }
                if !matches!(variable, Node::Symbol(_)) {
                    return self.solved(variable, relation, bound);
                }
                let mut region = match relation {
                    Relation::NotEqual => everything_but(bound),
                    relation => Region::of(half_line(relation, bound)?),
                };
                region.variable = Some(variable.clone());
                Some(region)
            }
            [(low, middle), (high, last)] => {
                if !matches!(middle, Node::Symbol(_)) {
                    let below = Node::Relation(
                        Box::new(middle.clone()),
                        vec![(low.flipped(), first.clone())],
                    );
                    let above =
                        Node::Relation(Box::new(middle.clone()), vec![(*high, last.clone())]);
                    return self.region(&Node::Intersection(vec![below, above]));
                }
                let below = Region::of(half_line(low.flipped(), first)?);
                let above = Region::of(half_line(*high, last)?);
                let mut piece = below.pieces.into_iter().next()?;
                let other = above.pieces.into_iter().next()?;
                // One bounds below and the other above, whichever is written
                // first.
                if infinite(&piece.low.at).is_some() {
                    piece.low = other.low;
                } else {
                    piece.high = other.high;
                }
                Some(Region {
                    variable: Some(middle.clone()),
                    pieces: vec![piece],
                })
            }
            _ => None,
        }
    }

    fn intersection(&self, a: &Region, b: &Region) -> Option<Region> {
        let mut pieces = Vec::new();
        for left in &a.pieces {
            for right in &b.pieces {
                let low = self.outer(&left.low, &right.low, Ordering::Greater)?;
                let high = self.outer(&left.high, &right.high, Ordering::Less)?;
                let order = self.order(&low.at, &high.at)?;
                let is_point = order == Ordering::Equal && low.closed && high.closed;
                if order == Ordering::Less || is_point {
                    pieces.push(Piece { low, high });
                }
            }
        }
        let variable = one_name(a.variable.clone(), b.variable.clone())?;
        (pieces.len() <= MOST_PIECES).then_some(Region { variable, pieces })
    }

    /// Of two ends the one further in; open where either is, at the same place.
    fn outer(&self, a: &End, b: &End, wanted: Ordering) -> Option<End> {
        let order = self.order(&a.at, &b.at)?;
        Some(match order {
            Ordering::Equal => End {
                at: a.at.clone(),
                closed: a.closed && b.closed,
            },
            order if order == wanted => a.clone(),
            _ => b.clone(),
        })
    }

    /// Sorted, with pieces that touch made one; `None` where ends cannot be
    /// ordered.
    fn merged(&self, mut pieces: Vec<Piece>) -> Option<Vec<Piece>> {
        let mut sorted: Vec<Piece> = Vec::with_capacity(pieces.len());
        for piece in pieces.drain(..) {
            let mut place = sorted.len();
            for (at, known) in sorted.iter().enumerate() {
                let order = self.order(&piece.low.at, &known.low.at)?;
                let first = order == Ordering::Less
                    || order == Ordering::Equal && piece.low.closed && !known.low.closed;
                if first {
                    place = at;
                    break;
                }
            }
            sorted.insert(place, piece);
        }
        let mut merged: Vec<Piece> = Vec::new();
        for piece in sorted {
            // A single end that cannot be ordered leaves all as it was.
            self.order(&piece.low.at, &piece.high.at)?;
            let Some(last) = merged.last_mut() else {
                merged.push(piece);
                continue;
            };
            let gap = self.order(&last.high.at, &piece.low.at)?;
            let touches = gap == Ordering::Greater
                || gap == Ordering::Equal && (last.high.closed || piece.low.closed);
            if !touches {
                merged.push(piece);
                continue;
            }
            match self.order(&last.high.at, &piece.high.at)? {
                Ordering::Less => last.high = piece.high,
                Ordering::Equal => last.high.closed |= piece.high.closed,
                Ordering::Greater => {}
            }
        }
        Some(merged)
    }
}

impl Region {
    fn of(piece: Piece) -> Self {
        Self {
            variable: None,
            pieces: vec![piece],
        }
    }
}

/// The one variable of two regions; `None` where they are about two.
fn one_name(a: Option<Node>, b: Option<Node>) -> Option<Option<Node>> {
    match (a, b) {
        (Some(a), Some(b)) if a != b => None,
        (a, b) => Some(a.or(b)),
    }
}

fn infinity() -> Node {
    Node::Constant(Constant::Infinity)
}

fn open(at: Node) -> End {
    End { at, closed: false }
}

fn line() -> Piece {
    Piece {
        low: open(infinity().negated()),
        high: open(infinity()),
    }
}

fn everything_but(point: &Node) -> Region {
    let end = End {
        at: point.clone(),
        closed: true,
    };
    outside(Piece {
        low: end.clone(),
        high: end,
    })
}

/// What is not in a piece.
fn outside(piece: Piece) -> Region {
    let turned = |end: End| End {
        closed: !end.closed && infinite(&end.at).is_none(),
        ..end
    };
    let mut below = line();
    let mut above = line();
    let (has_below, has_above) = (
        infinite(&piece.low.at).is_none(),
        infinite(&piece.high.at).is_none(),
    );
    below.high = turned(piece.low);
    above.low = turned(piece.high);
    let pieces = [(below, has_below), (above, has_above)];
    Region {
        variable: None,
        pieces: pieces
            .into_iter()
            .filter_map(|(piece, is_there)| is_there.then_some(piece))
            .collect(),
    }
}

/// Both sides of `\mathbb{R} - \{0\}`.
fn less(node: &Node) -> Option<(&Node, &Node)> {
    let Node::Sum(terms) = node else {
        return None;
    };
    match &terms[..] {
        [
            whole @ (Node::NumberSet('R') | Node::Group { .. }),
            Node::Neg(less),
        ] if matches!(**less, Node::Set(_)) => Some((whole, less)),
        _ => None,
    }
}

/// What is in that relation to the bound.
fn half_line(relation: Relation, bound: &Node) -> Option<Piece> {
    let mut piece = line();
    let end = End {
        at: bound.clone(),
        closed: matches!(relation, Relation::LessEqual | Relation::GreaterEqual)
            && infinite(bound).is_none(),
    };
    match relation {
        Relation::Less | Relation::LessEqual => piece.high = end,
        Relation::Greater | Relation::GreaterEqual => piece.low = end,
        _ => return None,
    }
    Some(piece)
}
