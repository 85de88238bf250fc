//! Forests grown by models that a test makes up: what they say follows from
//! the request alone, as it does with real ones.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::model::endpoint::{StepReply, StepRequest};
use crate::problem::Problem;
use crate::router::{Explore, RouterSpec, build};
use crate::session::Settings;
use crate::session::tests::script;
use crate::trace::record::{Record, RunRecord, StepEnd};

use super::{Forest, Shape, Wave};

pub use crate::session::tests::script::NOW;

/// Settings of an exploration of at most eight steps.
pub fn settings() -> Settings {
    let mut settings = script::live("threshold:t=0.5", 8);
    let spec: RouterSpec = "threshold:t=0.5".parse().unwrap();
    let router = build(&spec, &["small", "large"].map(str::to_owned), None).unwrap();
    let router = Arc::new(Explore::new(router, 0.6).unwrap());
    let engine = settings.engine.as_mut().unwrap();
    engine.router = router;
    let mut run = RunRecord::clone(&settings.run);
    run.command = "explore".into();
    run.router = engine.router.facts();
    settings.run = Arc::new(run);
    settings
}

/// A problem of this id; its answer is 7.
pub fn problem(id: &str) -> Problem {
    Problem {
        id: id.into(),
        question: format!("What is 2 + 2 + 3, {id}?"),
        ..script::problem()
    }
}

/// Says one of three things, each with a confidence of its own; after two to
/// four steps an answer, of the small model a wrong one more often. As with a
/// real model the confidence follows from the text and what stands before it.
pub fn speak(model: usize, request: &StepRequest) -> StepReply {
    let steps = request.prefix.matches("\n\n").count();
    let dice = (request.seed >> 7) as usize;
    if steps >= 2 + dice % 3 {
        let wrong = dice % 7 < if model == 0 { 4 } else { 1 };
        let text = if wrong { r"\boxed{8}" } else { r"\boxed{7}" };
        return StepReply {
            end: StepEnd::Eos,
            ..script::step(text, 0.9)
        };
    }
    let confidence = 0.1 + 0.2 * ((dice % 3 + model + steps) % 4) as f64;
    script::step(&format!("step {steps} says {}", dice % 3), confidence)
}

/// A forest being grown, with everything it recorded and called for.
pub struct Grower {
    pub forest: Forest,
    pub log: Vec<Record>,
    pub calls: usize,
    /// Answers the calls of a wave last first.
    pub backwards: bool,
}

impl Grower {
    pub fn new(id: &str, shape: Shape) -> Self {
        Self::opened(problem(id), shape, Vec::new())
    }

    /// Goes on from what is recorded.
    pub fn opened(problem: Problem, shape: Shape, recorded: Vec<Record>) -> Self {
        let mut forest = Forest::open(settings(), problem, shape, recorded.clone());
        let mut log = recorded;
        log.extend(forest.settle());
        Self {
            forest,
            log,
            calls: 0,
            backwards: false,
        }
    }

    /// Records a wave and answers its calls; false where there was nothing to
    /// do.
    pub fn turn(&mut self, answer: impl Fn(usize, &StepRequest) -> StepReply) -> bool {
        let Wave { records, calls } = self.forest.advance();
        if records.is_empty() && calls.is_empty() {
            return false;
        }
        self.log.extend(records);
        let mut calls: VecDeque<_> = calls.into();
        while let Some(call) = if self.backwards {
            calls.pop_back()
        } else {
            calls.pop_front()
        } {
            self.calls += 1;
            let reply = answer(call.model, &call.request);
            self.log.extend(self.forest.take(&call, reply, NOW));
        }
        true
    }

    /// Grows it to its end.
    pub fn grown(mut self) -> Self {
        while self.turn(speak) {}
        self
    }
}
