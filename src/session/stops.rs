//! Places at which a run stops on its way: what a debugger calls breakpoints.
//!
//! A run stops *at* a step: it is written, and the next one is not. What a
//! condition says of a step is known then, as it is of a condition that is run
//! until. Where that cannot be said because a field is not known, the run goes
//! on and the step is counted, so that nothing passes in silence.

use std::collections::BTreeMap;

use crate::expr::{Expr, Field, Trajectory, Value};
use crate::trace::NodeIndex;

use super::Session;

/// A place at which runs stop.
#[derive(Debug, Clone, PartialEq)]
pub struct Stop {
    /// What whoever set it knows it by.
    pub id: u32,
    pub at: StopAt,
}

/// Where that is.
#[derive(Debug, Clone, PartialEq)]
pub enum StopAt {
    /// Every step of this number, from 1, on whichever branch.
    Step(u32),
    /// Every step at which the condition holds.
    When(Box<Expr>),
    /// A condition that cannot be asked here: it names a model that this pool
    /// does not have.
    Never,
}

/// What a run met.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Met {
    /// The stops that hold at the step it stopped at.
    pub hit: Vec<u32>,
    /// By stop: the steps it passed at which that could not be said.
    pub undecided: BTreeMap<u32, Undecided>,
}

/// Steps at which nobody knows whether a condition holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Undecided {
    pub steps: usize,
    /// What is not known there; empty for [`StopAt::Never`].
    pub fields: Vec<Field>,
}

impl Session {
    /// Sets where runs stop from now on, the one that is on included.
    pub fn set_stops(&mut self, stops: Vec<Stop>) {
        self.stops = stops;
    }

    /// What the last run met, once.
    pub fn take_met(&mut self) -> Met {
        std::mem::take(&mut self.met)
    }

    /// Begins a run.
    pub fn forget_met(&mut self) {
        self.met = Met::default();
        self.is_stopped = false;
    }

    /// Whether a run stops at the cursor.
    pub fn meets_here(&mut self) -> bool {
        let Some(node) = self.cursor.filter(|_| !self.stops.is_empty()) else {
            return false;
        };
        let path = self.followed_path();
        let at = path.iter().position(|&step| step == node);
        at.is_some_and(|at| self.meets(&path, at))
    }

    /// The stops that hold at the step at `place` of a path, for whoever shows
    /// them; nothing is counted.
    pub fn stops_at(&self, path: &[NodeIndex], place: usize) -> Vec<u32> {
        let held = self
            .stops
            .iter()
            .filter(|stop| matches!(self.asked(stop, path, place), Value::Flag(true)));
        held.map(|stop| stop.id).collect()
    }

    /// Whether a run stops at the step at `place` of a path.
    pub(super) fn meets(&mut self, path: &[NodeIndex], place: usize) -> bool {
        let mut met = std::mem::take(&mut self.met);
        met.hit.clear();
        for stop in &self.stops {
            match self.asked(stop, path, place) {
                Value::Flag(true) => met.hit.push(stop.id),
                Value::Unknown => self.count(&mut met, stop, path, place),
                _ => {}
            }
        }
        self.met = met;
        self.is_stopped = !self.met.hit.is_empty();
        self.is_stopped
    }

    fn count(&self, met: &mut Met, stop: &Stop, path: &[NodeIndex], place: usize) {
        let known = met.undecided.entry(stop.id).or_default();
        known.steps += 1;
        if let StopAt::When(condition) = &stop.at {
            let fields = condition.unknown_at(&self.so_far(path, place), place);
            for field in fields {
                if !known.fields.contains(&field) {
                    known.fields.push(field);
                }
            }
        }
    }

    /// Whether a stop holds at a step, where that is known.
    fn asked(&self, stop: &Stop, path: &[NodeIndex], place: usize) -> Value<'static> {
        match &stop.at {
            StopAt::Step(number) => {
                let step = path.get(place).map(|&node| self.tree.node(node).step.index);
                Value::Flag(step == Some(*number))
            }
            StopAt::When(condition) => match condition.of_step(&self.so_far(path, place), place) {
                Value::Flag(flag) => Value::Flag(flag),
                _ => Value::Unknown,
            },
            StopAt::Never => Value::Unknown,
        }
    }

    /// A path as it was when the step at `place` had been written.
    pub fn so_far<'s>(&'s self, path: &'s [NodeIndex], place: usize) -> Trajectory<'s> {
        Trajectory::new(Some(&self.settings.run), &self.tree, path).up_to(place)
    }
}
