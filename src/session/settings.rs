//! What all sessions of one run share.

use std::sync::Arc;

use crate::cost::Ledger;
use crate::problem::answer::Grader;
use crate::router::{Panel, Router};
use crate::trace::record::RunRecord;

/// The facts of a run, and the engine where the session is live.
#[derive(Clone)]
pub struct Settings {
    pub run: Arc<RunRecord>,
    pub ledger: Ledger,
    /// `None` in a replay: nothing can be generated, no file of the router is needed.
    pub engine: Option<Engine>,
    /// The rules that are asked beside the one that routes.
    pub panel: Arc<Panel>,
}

/// What a live session decides and grades with.
#[derive(Clone)]
pub struct Engine {
    pub router: Arc<dyn Router>,
    pub grader: Arc<dyn Grader>,
    /// Who overrides, for the log.
    pub who: String,
}

impl Settings {
    /// Settings of a live run.
    pub fn live(run: RunRecord, engine: Engine) -> Self {
        Self {
            ledger: Ledger::new(&run.pool),
            panel: usual(&run),
            run: Arc::new(run),
            engine: Some(engine),
        }
    }

    /// Settings to look at a recorded run.
    pub fn recorded(run: RunRecord) -> Self {
        Self {
            ledger: Ledger::new(&run.pool),
            panel: usual(&run),
            run: Arc::new(run),
            engine: None,
        }
    }

    /// The settings with other rules beside the one that routes.
    #[must_use]
    pub fn with_panel(self, panel: Arc<Panel>) -> Self {
        Self { panel, ..self }
    }

    /// Number of models in the pool.
    pub fn models(&self) -> usize {
        self.run.pool.len()
    }

    /// Name of a model; its place where a damaged log names fewer.
    pub fn model_name(&self, place: usize) -> String {
        self.run
            .pool
            .get(place)
            .map_or_else(|| format!("model {place}"), |m| m.name.clone())
    }

    /// Whether going from one model to the other is an escalation.
    pub fn escalates(&self, from: &str, to: &str) -> bool {
        self.run.escalates(from, to)
    }

    /// Place of a model in the pool.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.run.place(name)
    }
}

/// The usual rules, made when they are first asked.
fn usual(run: &RunRecord) -> Arc<Panel> {
    Arc::new(Panel::new(&run.pool, &[]))
}
