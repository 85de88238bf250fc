//! The order and lanes in which a tree is drawn.
//!
//! A trajectory runs straight down one lane. Where it branches, the side
//! branches come first, one lane to the right, and the oldest child goes on
//! below them in its parent's lane:
//!
//! ```text
//! ● step 1
//! ├─○ rejected draft of step 2
//! ├─● step 2 of a branch
//! │ ● step 3 of the branch
//! ● step 2
//! ```

use super::{NodeIndex, Tree};

/// What a row shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    Step,
    /// A rejected draft, beside the path.
    Draft,
    /// The first of a piece whose parent is missing.
    Orphan,
}

/// One line of the drawn tree, top to bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub node: NodeIndex,
    /// Column, 0 leftmost. Every lane left of it runs through this row.
    pub lane: usize,
    /// Whether a branch leaves lane `lane - 1` here.
    pub fork: bool,
    pub kind: RowKind,
}

impl Row {
    /// The lines in front of the row: those of the lanes that run through it,
    /// and the one by which it leaves its own.
    pub fn branches(&self) -> String {
        match (self.lane, self.fork || self.kind == RowKind::Draft) {
            (0, false) => " ".to_owned(),
            (0, true) => "├".to_owned(),
            (lane, true) => format!(" {}├─", "│ ".repeat(lane - 1)),
            (lane, false) => format!(" {}", "│ ".repeat(lane)),
        }
    }
}

impl Tree {
    /// Every node in depth-first order with its lane; orphaned pieces last.
    /// O(nodes), without recursion.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::with_capacity(self.len());
        let mut stack = Vec::new();
        for (index, node) in self.nodes().collect::<Vec<_>>().into_iter().rev() {
            if node.is_orphan() {
                stack.push(Row {
                    node: index,
                    lane: 0,
                    fork: false,
                    kind: RowKind::Orphan,
                });
            }
        }
        self.push_followers(None, 0, &mut stack);
        while let Some(row) = stack.pop() {
            rows.push(row);
            self.push_followers(Some(row.node), row.lane, &mut stack);
        }
        rows
    }

    /// Pushes what follows `node` in reverse order of drawing.
    fn push_followers(&self, node: Option<NodeIndex>, lane: usize, stack: &mut Vec<Row>) {
        let children = self.children(node);
        if let Some(&main) = children.first() {
            stack.push(Row {
                node: main,
                lane,
                fork: false,
                kind: RowKind::Step,
            });
        }
        let side = |node: &NodeIndex, kind| Row {
            node: *node,
            lane: lane + 1,
            fork: true,
            kind,
        };
        let branches = children.iter().skip(1).rev();
        stack.extend(branches.map(|child| side(child, RowKind::Step)));
        let drafts = self.drafts(node).iter().rev();
        stack.extend(drafts.map(|draft| side(draft, RowKind::Draft)));
    }
}
