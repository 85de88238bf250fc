//! ± written out.

use crate::problem::answer::math::node::Node;

/// Most alternatives that signs ± are written out to.
const MOST_SIGNS: usize = 4;

/// A node with ± as the list of what it stands for.
pub(super) fn signs(node: &Node) -> Option<Node> {
    let mut count = 0;
    let mut opposed = false;
    count_signs(node, &mut count, &mut opposed);
    if count == 0 || count > MOST_SIGNS {
        return None;
    }
    // With ∓ beside ± the signs go together; otherwise each goes its own way.
    let together = opposed && count > 1;
    let choices = if together { 2 } else { 1 << count };
    let alternatives = (0..choices).map(|choice: u32| {
        let bits = match (together, choice) {
            (true, 0) => 0,
            (true, _) => u32::MAX,
            (false, bits) => bits,
        };
        let mut place = 0;
        chosen(node, bits, &mut place)
    });
    let mut all: Vec<Node> = Vec::new();
    for alternative in alternatives {
        match alternative {
            // A ± within a list makes the list longer.
            Node::List(items) | Node::Set(items) => all.extend(items),
            other => all.push(other),
        }
    }
    Some(Node::List(all))
}

fn count_signs(node: &Node, count: &mut usize, opposed: &mut bool) {
    if let Node::PlusMinus { minus_first, .. } = node {
        *count += 1;
        *opposed |= minus_first;
    }
    for child in node.children() {
        count_signs(child, count, opposed);
    }
}

/// The node with each ± replaced as its bit says.
fn chosen(node: &Node, bits: u32, place: &mut u32) -> Node {
    let mut written = node.clone();
    choose(&mut written, bits, place);
    written
}

fn choose(node: &mut Node, bits: u32, place: &mut u32) {
    if let Node::PlusMinus { inner, minus_first } = node {
        let flip = bits >> (*place).min(31) & 1 == 1;
        let inner = (**inner).clone();
        let positive = flip == *minus_first;
        *place += 1;
        *node = if positive { inner } else { inner.negated() };
    }
    for child in node.children_mut() {
        choose(child, bits, place);
    }
}
