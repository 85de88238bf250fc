//! Moving the cursor over what is there: never a call, never a record.

use crate::expr::Expr;
use crate::trace::NodeIndex;

use super::{Refusal, Session};

impl Session {
    pub(super) fn back(&mut self) -> Result<(), Refusal> {
        let at = self.cursor.ok_or(Refusal::AtStart)?;
        self.cursor = self.tree.node(at).parent;
        Ok(())
    }

    /// Back along the path to the last step before this one that fulfils the
    /// condition, or at which a run would stop.
    pub(super) fn back_until(&mut self, condition: Option<&Expr>) -> Result<(), Refusal> {
        let at = self.cursor.ok_or(Refusal::AtStart)?;
        self.forget_met();
        let path = self.followed_path();
        let before = path.iter().position(|&node| node == at).unwrap_or(0);
        let held = (0..before).rev().find(|&place| {
            let stops = self.meets(&path, place);
            let holds = |condition: &Expr| condition.holds_at(&self.so_far(&path, place), place);
            stops || condition.is_some_and(holds)
        });
        let nowhere = || match condition {
            Some(condition) => Refusal::HeldNowhere(condition.text().to_owned()),
            None => Refusal::NoStop,
        };
        self.cursor = Some(path[held.ok_or_else(nowhere)?]);
        Ok(())
    }

    pub(super) fn goto(&mut self, place: Option<NodeIndex>) -> Result<(), Refusal> {
        if place.is_some_and(|node| node.get() >= self.tree.len()) {
            return Err(Refusal::NoStep);
        }
        self.look_at(place);
        Ok(())
    }

    /// Moves the cursor and remembers the branch it lies on, so that stepping
    /// back and forward again stays on it.
    pub(super) fn look_at(&mut self, place: Option<NodeIndex>) {
        self.cursor = place;
        for node in place.map(|node| self.tree.path(node)).unwrap_or_default() {
            let found = self.tree.node(node);
            // A rejected draft is looked at, never followed.
            if found.step.kept {
                self.followed.insert(found.parent, node);
            }
        }
    }

    /// The step after `node` on the branch being followed: of several
    /// children the one last looked at, else the one that was grown last. A
    /// rollout is followed only where somebody looks at it.
    pub fn next_on_branch(&self, node: Option<NodeIndex>) -> Option<NodeIndex> {
        if let Some(&followed) = self.followed.get(&node) {
            return Some(followed);
        }
        self.tree
            .own_children(node)
            .max_by_key(|&child| self.newest_below(child))
    }

    /// The path being looked at: to the cursor, and on from there along the
    /// branch being followed.
    pub fn followed_path(&self) -> Vec<NodeIndex> {
        let mut path = self
            .cursor
            .map(|node| self.tree.path(node))
            .unwrap_or_default();
        let mut at = self.cursor;
        while let Some(next) = self.next_on_branch(at) {
            // A damaged log cannot make a cycle (the tree refuses it), but a
            // step is never visited twice here either way.
            if path.len() > self.tree.len() {
                break;
            }
            path.push(next);
            at = Some(next);
        }
        path
    }

    fn newest_below(&self, node: NodeIndex) -> NodeIndex {
        let mut newest = node;
        let mut open = vec![node];
        while let Some(at) = open.pop() {
            newest = newest.max(at);
            open.extend(self.tree.own_children(Some(at)));
        }
        newest
    }
}
