//! What does not depend on the value that is asked for, worked out once: where
//! each step of a way stays, and what comes in its place where it does not.

use super::estimate::Expectations;
use super::lattice::Lattice;
use super::tail::Tail;
use super::way::{Elsewhere, Leads, Taken, Values, Way};

impl Lattice {
    /// Works out once all steps are there what [`Taken`] says of those of the
    /// ways, for which values a way stays, how many decisions there are, and
    /// the [`Tail`] of every step: nothing can be asked before.
    pub fn settle(&mut self, expectations: &Expectations) {
        self.decided = 0;
        for number in 0..self.trajectories.len() {
            let way = &self.trajectories[number];
            let (first, length) = (way.first as usize, way.length as usize);
            let mut unchanged = Values::ALL;
            for step in 0..length {
                let settled = self.settled(&self.trajectories[number], step, expectations);
                unchanged = unchanged.and(settled.stays);
                self.taken[first + step] = settled;
            }
            let lead = self.taken[first];
            let drafted = self.trajectories[number].draft(0).is_some();
            let ruled = self.nodes[lead.node as usize].ruling.is_some();
            // Who writes the first step is a matter of course.
            self.decided += length - usize::from(!drafted && !ruled);
            self.trajectories[number].unchanged = unchanged;
        }
        self.tails = Tail::of_all(self);
    }

    fn settled(&self, way: &Way, number: usize, expectations: &Expectations) -> Taken {
        let step = self.steps(way)[number];
        let before = self.before(way, number);
        let stays = match way.fallback(number) {
            Some(silent) => self.falls_back(before, step.node, silent),
            None => self.stays(before, step.node, way.draft(number)),
        };
        Taken {
            stays: stays.into(),
            state: expectations.state(self, before),
            elsewhere: self.elsewhere(way, number, expectations),
            ..step
        }
    }

    /// Where all values lead for which the step of this number is not written by
    /// who wrote it, where that is one place: there is a choice between two
    /// models, and nothing else can change it.
    fn elsewhere(
        &self,
        way: &Way,
        number: usize,
        expectations: &Expectations,
    ) -> Option<Elsewhere> {
        let place = self.steps(way)[number].node;
        let at = &self.nodes[place as usize];
        let before = self.before(way, number);
        let led = self.nodes.get(before as usize);
        let ends = led.is_some_and(|led| led.blind || led.verdict.is_some());
        if ends || at.unruled || way.fallback(number).is_some() {
            return None;
        }
        let writer = usize::from(at.model?);
        let (drafted, model) = match (way.draft(number), &at.ruling) {
            (Some(draft), _) => return self.kept(before, draft, writer, expectations),
            (None, None) => (0.0, led?.next.other(writer)?),
            // The draft stood; elsewhere it is written again.
            (None, Some(ruling)) if self.always_before(before)? == writer => {
                (self.rejected(place), ruling.other(writer)?)
            }
            (None, Some(_)) => return None,
        };
        let mut written = self.written(way.problem, before, model);
        let to = match (written.next(), written.next()) {
            (None, _) => Leads::Nowhere {
                state: expectations.state(self, before),
                model: u8::try_from(model).ok()?,
            },
            // What is written in place of a draft stands; the walk would rule on
            // it, so only one that nobody rules on is named here.
            (Some(other), None) if at.ruling.is_none() || self.stands(other) => Leads::To(other),
            // Of several the mean counts.
            _ => return None,
        };
        Some(Elsewhere { drafted, to })
    }

    /// The same of a step that was written in place of a draft: for all other
    /// values the draft stands.
    fn kept(
        &self,
        before: u32,
        draft: u32,
        writer: usize,
        expectations: &Expectations,
    ) -> Option<Elsewhere> {
        let node = &self.nodes[draft as usize];
        let drafter = usize::from(node.model?);
        let ruled = node.ruling.as_ref().filter(|_| !node.unruled)?;
        if ruled.other(writer)? != drafter || self.always_before(before)? != drafter {
            return None;
        }
        // What follows a draft that was rejected is mostly nowhere.
        let is_end = node.verdict.is_none() && !node.blind && node.children.is_empty();
        Some(match node.next.always().filter(|_| is_end) {
            Some(model) => Elsewhere {
                drafted: node.cost,
                to: Leads::Nowhere {
                    state: expectations.state(self, draft),
                    model: u8::try_from(model).ok()?,
                },
            },
            None => Elsewhere {
                drafted: 0.0,
                to: Leads::To(draft),
            },
        })
    }

    /// Who writes the step after a node whatever the value.
    fn always_before(&self, node: u32) -> Option<usize> {
        match self.nodes.get(node as usize) {
            Some(node) => node.next.always(),
            None => Some(self.first_writer),
        }
    }

    /// The values for which the step at `at` follows the one before it, in
    /// place of a draft where there was one.
    fn stays(&self, before: u32, at: u32, draft: Option<u32>) -> Option<(f64, f64)> {
        let step = &self.nodes[at as usize];
        if step.unruled
            || self
                .nodes
                .get(before as usize)
                .is_some_and(|node| node.blind)
        {
            return None;
        }
        // What a person wrote is no decision of the rule.
        let writer = usize::from(step.model?);
        let all = (f64::NEG_INFINITY, f64::INFINITY);
        if let Some(draft) = draft {
            if self.nodes[draft as usize].unruled {
                return None;
            }
            return self.nodes[draft as usize]
                .ruling
                .as_ref()?
                .values_of(writer);
        }
        let asked = match self.nodes.get(before as usize) {
            Some(node) => node.next.values_of(writer)?,
            None if self.first_writer == writer => all,
            None => return None,
        };
        let stands = match &step.ruling {
            Some(ruling) => ruling.values_of(writer)?,
            None => all,
        };
        let values = (asked.0.max(stands.0), asked.1.min(stands.1));
        (values.0 < values.1).then_some(values)
    }

    /// The values for which the step at `at` follows the one before it where
    /// `silent` had nothing to add: both whoever wants that model and whoever
    /// wants the one that wrote it instead come here.
    fn falls_back(&self, before: u32, at: u32, silent: usize) -> Option<(f64, f64)> {
        let Some(node) = self.nodes.get(before as usize) else {
            return (self.first_writer == silent).then_some((f64::NEG_INFINITY, f64::INFINITY));
        };
        if node.blind {
            return None;
        }
        let instead = usize::from(self.nodes[at as usize].model?);
        let wanted = [silent, instead].map(|model| node.next.values_of(model));
        match wanted {
            [Some(a), Some(b)] if a.1 == b.0 || b.1 == a.0 => Some((a.0.min(b.0), a.1.max(b.1))),
            // Others stand between the two: the values that were the log's.
            [Some(a), _] => Some(a),
            [None, b] => b,
        }
    }
}
