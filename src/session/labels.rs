//! What people say of the steps that are there: kept with them, and never in
//! the log of the run.

use crate::trace::NodeIndex;
use crate::trace::label::Label;
use crate::trace::record::{LabelRecord, Record};

use super::Session;

impl Session {
    /// A label of the step at `node`, to be [added](Session::add_label) and
    /// written.
    pub fn label(&self, node: NodeIndex, label: Label, who: &str, now: &str) -> LabelRecord {
        LabelRecord {
            run: self.settings.run.run.clone(),
            step: self.tree.node(node).step.id.clone(),
            problem: self.problem.id.clone(),
            who: who.to_owned(),
            when: now.to_owned(),
            label: label.name().to_owned(),
            note: None,
        }
    }

    /// Takes a label of one of its steps.
    pub fn add_label(&mut self, label: LabelRecord) {
        self.tree.add(Record::Label(label));
    }

    /// Forgets a label that could not be written; whether it was there.
    pub fn remove_label(&mut self, label: &LabelRecord) -> bool {
        self.tree.remove_label(label)
    }
}
