//! What was only tried: the rollouts of a tree, apart from what was decided.

use crate::trace::record::DecisionRecord;
use crate::trace::rollouts;

use super::{Node, NodeIndex, Tree};

impl Tree {
    /// What the router, or a person in its place, decided after `node` (about
    /// the first step for `None`), in log order: without rollouts.
    pub fn choices(
        &self,
        node: Option<NodeIndex>,
    ) -> impl DoubleEndedIterator<Item = &DecisionRecord> + Clone {
        let made = self.decisions(node).iter().map(|made| &**made);
        made.filter(|made| !made.rollout)
    }

    /// Whether a rollout begins with the step at `node`.
    pub fn begins_rollout(&self, node: NodeIndex) -> bool {
        self.rollout_that_begins(node).is_some()
    }

    /// The decision by which a rollout begins with the step at `node`.
    pub fn rollout_that_begins(&self, node: NodeIndex) -> Option<&DecisionRecord> {
        if self.rollouts == 0 {
            return None;
        }
        let node = self.node(node);
        let id = node.step.decision.as_deref()?;
        let made = self.decisions(node.parent).iter();
        let mut made = made.filter(|made| made.rollout && made.id == id);
        made.next().map(|made| &**made)
    }

    /// What began the rollout that the step at `node` is of: of several the
    /// last one on the path to it.
    pub fn rollout_of(&self, node: NodeIndex) -> Option<&DecisionRecord> {
        if self.rollouts == 0 {
            return None;
        }
        let mut path = self.path(node).into_iter().rev();
        path.find_map(|at| self.rollout_that_begins(at))
    }

    /// Kept steps after `node` with which no rollout begins, oldest first.
    pub fn own_children(
        &self,
        node: Option<NodeIndex>,
    ) -> impl DoubleEndedIterator<Item = NodeIndex> {
        let children = self.children(node).iter().copied();
        children.filter(|&child| !self.begins_rollout(child))
    }

    /// Where the main line ends.
    pub(super) fn last_own_leaf(&self) -> Option<NodeIndex> {
        let before = |node: &Node| node.parent.map(NodeIndex::get);
        let parents: Vec<Option<usize>> = self.nodes.iter().map(before).collect();
        let begins = |place: usize| {
            u32::try_from(place).is_ok_and(|place| self.begins_rollout(NodeIndex(place)))
        };
        let leaf = rollouts::last_leaf(&parents, |at| self.nodes[at].step.kept, begins)?;
        u32::try_from(leaf).ok().map(NodeIndex)
    }
}
