//! A step that a provider filtered, or a model refused to write: another model
//! takes over.
//!
//! Who may still be asked is read from the decisions at that place, so that a
//! run that was killed in between goes on where it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::router::Choice;
use crate::trace::record::{FILTERED, Record};

use super::machine::Place;
use super::{Output, Session};

impl Session {
    /// Has another model write the step at `place`, whose model's answer was
    /// filtered: the next more capable one, else the next less capable, each at
    /// most once. `None` where no model is left.
    pub(super) fn hand_over(&mut self, place: &Place) -> Option<Vec<Output>> {
        let left = self.not_asked(place);
        let capable = left.iter().find(|&&model| model > place.model);
        let &next = capable.or(left.last())?;
        let name = |model| self.settings.model_name(model);
        let choice = Choice {
            probabilities: Vec::new(),
            threshold: None,
            action_set: left.clone(),
            action: next,
            reason: format!(
                "filtered by the provider of `{}`; handed to `{}`",
                name(place.model),
                name(next)
            ),
            propensity: 1.0,
        };
        let mut decision = self.decision_record(place.after, BTreeMap::new(), choice);
        // Not the router's own: nobody may learn from it as such.
        decision.router = FILTERED.to_owned();
        self.keep_apart(&mut decision, place);
        let place = Place {
            after: place.after,
            model: next,
            decision: Some(decision.id.clone()),
        };
        let mut outputs = vec![self.record(vec![Record::Decision(Arc::new(decision))])];
        outputs.extend(self.launch(place));
        Some(outputs)
    }

    /// The models, in pool order, that were not asked for the step at `place`.
    fn not_asked(&self, place: &Place) -> Vec<usize> {
        let mut made = self.tree.decisions(place.after).iter();
        let led = made.find(|decision| {
            decision.router == FILTERED && Some(&decision.id) == place.decision.as_ref()
        });
        let mut left: Vec<usize> = match led {
            Some(decision) => {
                let names = decision.action_set.iter();
                names.filter_map(|name| self.settings.place(name)).collect()
            }
            None => (0..self.settings.models()).collect(),
        };
        left.retain(|&model| model != place.model);
        left
    }
}
