//! The tree as Unicode on one line.

use std::ops::Range;

use super::parse::Node;
use super::symbols::{Class, subscript, superscript};
use super::{Kind, Segment};

/// Renders `nodes`.
pub(super) fn render(nodes: &[Node], kind: Kind) -> Vec<Segment> {
    let mut out = Out {
        segments: Vec::new(),
        kind,
        tight: false,
    };
    out.list(nodes);
    out.segments
}

struct Out {
    segments: Vec<Segment>,
    kind: Kind,
    /// Inside scripts nothing is spaced.
    tight: bool,
}

impl Out {
    fn push(&mut self, text: &str, source: &Range<usize>) {
        if text.is_empty() {
            return;
        }
        self.segments.push(Segment {
            text: text.to_owned(),
            source: source.clone(),
            kind: self.kind,
        });
    }

    /// A space, unless one stands there already.
    fn space(&mut self) {
        let last = self.segments.last_mut();
        if let Some(last) = last.filter(|last| !self.tight && !last.text.ends_with([' ', '\n'])) {
            last.text.push(' ');
        }
    }

    fn list(&mut self, nodes: &[Node]) {
        for (index, node) in nodes.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|before| nodes.get(before));
            self.node(node, before, nodes.get(index + 1));
        }
    }

    fn node(&mut self, node: &Node, before: Option<&Node>, after: Option<&Node>) {
        match node {
            Node::Symbol { text, class, at } => self.symbol(text, *class, at, before, after),
            Node::Space("\n", at) => self.push("\n", at),
            Node::Space(_, _) if self.tight => {}
            Node::Space("", _) => self.space(),
            Node::Space(text, at) => {
                self.space();
                if text.len() > 1 {
                    self.push(" ", at);
                }
            }
            Node::Words(text, at) => self.push(text, at),
            Node::Group(nodes) => self.list(nodes),
            Node::Fraction { over, under, at } => {
                let number = before.is_some_and(|node| ends_in(node, Class::Number));
                if number && is_number(over) && is_number(under) {
                    self.space();
                } else {
                    let beside =
                        before.is_some_and(is_operand) || after.is_some_and(begins_operand);
                    return self.bracketed(beside, at, |out| out.fraction(over, under, at));
                }
                self.fraction(over, under, at);
            }
            Node::Binomial { n, k, at } => {
                self.push("C(", at);
                self.node(n, None, None);
                self.push(", ", at);
                self.node(k, None, None);
                self.push(")", at);
            }
            Node::Root { degree, of, at } => {
                if let Some(degree) = degree {
                    let raised = self.small(degree, superscript);
                    match raised {
                        Some(segments) => self.segments.extend(segments),
                        None => self.bracketed(true, at, |out| out.node(degree, None, None)),
                    }
                }
                self.push("√", at);
                self.bracketed(!is_atom(of), at, |out| out.node(of, None, None));
            }
            Node::Script { base, sub, sup, at } => {
                self.script(base, sub.as_deref(), sup.as_deref(), at, before, after);
            }
            Node::Accent { mark, of } => self.accent(*mark, of),
            Node::Boxed(of, at) => {
                let outside = std::mem::replace(&mut self.kind, Kind::Boxed);
                self.push("⟦", at);
                self.node(of, None, None);
                self.push("⟧", at);
                self.kind = outside;
            }
            Node::Matrix {
                open,
                close,
                rows,
                at,
            } => self.matrix(open, close, rows, at),
        }
    }

    fn symbol(
        &mut self,
        text: &str,
        class: Class,
        at: &Range<usize>,
        before: Option<&Node>,
        after: Option<&Node>,
    ) {
        match class {
            // A minus that has nothing before it is a sign.
            Class::Binary if before.is_some_and(is_operand) => {
                self.space();
                self.push(text, at);
                self.space();
            }
            Class::Relation => {
                if before.is_some() {
                    self.space();
                }
                self.push(text, at);
                if after.is_some() {
                    self.space();
                }
            }
            Class::Punctuation => {
                self.push(text, at);
                if after.is_some() {
                    self.space();
                }
            }
            Class::Operator => {
                // `2 sin x`, not `2sin x`.
                if before.is_some_and(is_operand) && text.chars().count() > 1 {
                    self.space();
                }
                self.push(text, at);
                if after.is_some_and(begins_operand)
                    && !after.is_some_and(|node| begins_with(node, Class::Open))
                {
                    self.space();
                }
            }
            _ => self.push(text, at),
        }
    }

    fn fraction(&mut self, over: &Node, under: &Node, at: &Range<usize>) {
        self.bracketed(!is_product(over), at, |out| out.node(over, None, None));
        self.push("/", at);
        self.bracketed(!is_atom(under), at, |out| out.node(under, None, None));
    }

    fn bracketed(&mut self, brackets: bool, at: &Range<usize>, draw: impl FnOnce(&mut Self)) {
        if brackets {
            self.push("(", at);
        }
        draw(self);
        if brackets {
            self.push(")", at);
        }
    }

    fn script(
        &mut self,
        base: &Node,
        sub: Option<&Node>,
        sup: Option<&Node>,
        at: &Range<usize>,
        before: Option<&Node>,
        after: Option<&Node>,
    ) {
        let operator = ends_in(base, Class::Operator);
        if matches!(base, Node::Symbol { .. }) {
            // What follows the base is its script.
            self.node(base, before, None);
        } else {
            let bare = is_atom(base) || matches!(base, Node::Group(nodes) if nodes.is_empty());
            let bare = bare
                || matches!(
                    base,
                    Node::Matrix { .. } | Node::Boxed(..) | Node::Words(..)
                );
            self.bracketed(!bare, at, |out| out.node(base, None, None));
        }
        if let Some(sub) = sub {
            self.raise(sub, "_", subscript, at);
        }
        if let Some(sup) = sup {
            self.raise(sup, "^", superscript, at);
        }
        if operator
            && after.is_some_and(begins_operand)
            && !after.is_some_and(|node| begins_with(node, Class::Open))
        {
            self.space();
        }
    }

    fn raise(
        &mut self,
        node: &Node,
        mark: &str,
        small: fn(char) -> Option<char>,
        at: &Range<usize>,
    ) {
        if let Some(segments) = self.small(node, small) {
            return self.segments.extend(segments);
        }
        let mut inner = self.inner(node);
        let alone = inner
            .iter()
            .flat_map(|segment| segment.text.chars())
            .count()
            == 1;
        // `90^\circ`
        if let [only] = inner.as_mut_slice()
            && mark == "^"
            && ["∘", "°"].contains(&only.text.as_str())
        {
            only.text = "°".to_owned();
            return self.segments.extend(inner);
        }
        self.push(mark, at);
        self.bracketed(!alone, at, |out| out.segments.append(&mut inner));
    }

    /// `node` drawn tightly on its own.
    fn inner(&self, node: &Node) -> Vec<Segment> {
        let mut out = Self {
            segments: Vec::new(),
            kind: self.kind,
            tight: true,
        };
        out.node(node, None, None);
        out.segments
    }

    /// `node` in small characters, if there is one for each.
    fn small(&self, node: &Node, small: fn(char) -> Option<char>) -> Option<Vec<Segment>> {
        let mut segments = self.inner(node);
        for segment in &mut segments {
            segment.text = segment
                .text
                .chars()
                .map(small)
                .collect::<Option<String>>()?;
        }
        Some(segments)
    }

    fn accent(&mut self, mark: char, of: &Node) {
        for mut segment in self.inner(of) {
            segment.text = segment
                .text
                .chars()
                .flat_map(|c| [Some(c), (c != ' ').then_some(mark)])
                .flatten()
                .collect();
            self.segments.push(segment);
        }
    }

    fn matrix(&mut self, open: &str, close: &str, rows: &[Vec<Node>], at: &Range<usize>) {
        self.push(open, at);
        for (index, row) in rows.iter().enumerate() {
            if index > 0 {
                self.push("; ", at);
            }
            for (column, cell) in row.iter().enumerate() {
                if column > 0 {
                    self.space();
                    if open == "{ " {
                        // Cases: the condition stands apart.
                        self.push(" ", at);
                    }
                }
                self.node(cell, None, None);
            }
        }
        self.push(close, at);
    }
}

/// Whether `node` ends in an operand: a sign behind it is binary.
fn is_operand(node: &Node) -> bool {
    match node {
        Node::Symbol { class, .. } => {
            matches!(
                class,
                Class::Ordinary | Class::Number | Class::Close | Class::Operator
            )
        }
        Node::Space(..) => false,
        Node::Words(text, _) => text.ends_with(char::is_alphanumeric),
        Node::Group(nodes) => nodes.last().is_some_and(is_operand),
        _ => true,
    }
}

/// Whether what `node` begins with would be multiplied with what is before it.
fn begins_operand(node: &Node) -> bool {
    match node {
        Node::Symbol { class, .. } => {
            matches!(
                class,
                Class::Ordinary | Class::Number | Class::Operator | Class::Open
            )
        }
        Node::Space(..) => false,
        Node::Words(text, _) => text.starts_with(char::is_alphanumeric),
        Node::Group(nodes) => nodes.first().is_some_and(begins_operand),
        Node::Script { base, .. } => begins_operand(base),
        _ => true,
    }
}

fn ends_in(node: &Node, wanted: Class) -> bool {
    match node {
        Node::Symbol { class, .. } => *class == wanted,
        Node::Group(nodes) => nodes.last().is_some_and(|node| ends_in(node, wanted)),
        _ => false,
    }
}

fn begins_with(node: &Node, wanted: Class) -> bool {
    match node {
        Node::Symbol { class, .. } => *class == wanted,
        Node::Group(nodes) => nodes.first().is_some_and(|node| begins_with(node, wanted)),
        Node::Script { base, .. } => begins_with(base, wanted),
        _ => false,
    }
}

fn is_number(node: &Node) -> bool {
    match node {
        Node::Symbol { class, .. } => *class == Class::Number,
        Node::Group(nodes) => !nodes.is_empty() && nodes.iter().all(is_number),
        _ => false,
    }
}

/// Whether `node` holds together without brackets whatever stands around it.
fn is_atom(node: &Node) -> bool {
    match node {
        Node::Symbol { class, .. } => *class != Class::Binary && *class != Class::Relation,
        Node::Group(nodes) => matches!(nodes.as_slice(), [only] if is_atom(only)),
        Node::Script { base, .. } => is_atom(base),
        Node::Binomial { .. } | Node::Accent { .. } | Node::Boxed(..) | Node::Matrix { .. } => true,
        Node::Root { of, .. } => is_atom(of),
        Node::Words(text, _) => !text.trim().contains(' '),
        Node::Fraction { .. } | Node::Space(..) => false,
    }
}

/// Whether `node` may stand before a `/` without brackets: `2x`, `−b`.
fn is_product(node: &Node) -> bool {
    match node {
        Node::Group(nodes) => nodes.iter().enumerate().all(|(index, node)| match node {
            Node::Symbol {
                class: Class::Binary,
                ..
            } => index == 0 && nodes.len() > 1,
            Node::Symbol {
                class: Class::Relation | Class::Punctuation | Class::Operator,
                ..
            } => false,
            node => is_atom(node),
        }),
        node => is_atom(node),
    }
}
