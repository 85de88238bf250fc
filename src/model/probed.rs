//! What the start-up probes of a run found, as the log keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::endpoint::Capabilities;
use super::scorer::step::Ready;
use crate::trace::record::{ModelFacts, NoteRecord, Record};

/// Kind of the note that holds it.
pub const PROBE: &str = "probe";

/// What everybody that a run may call can do.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Probed {
    /// The models of the pool, by name.
    pub models: BTreeMap<String, Capabilities>,
    /// Those that score, by role (`prm`, `judge`, `query`, `grader`); a model of
    /// the pool that scores too stands among the models only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scorers: BTreeMap<String, ProbedScorer>,
}

/// What a model that scores said of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbedScorer {
    pub name: String,
    /// The kind of its server, as the pool names it.
    pub server: String,
    #[serde(flatten)]
    pub ready: Ready,
}

impl ProbedScorer {
    /// What the model of `facts` said.
    pub fn new(facts: &ModelFacts, ready: Ready) -> Self {
        Self {
            name: facts.name.clone(),
            server: facts.server.clone(),
            ready,
        }
    }
}

impl Probed {
    /// The note of it in the log of `run`; `when` is RFC 3339, UTC.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn note(&self, run: &str, when: String) -> Result<Record, serde_json::Error> {
        Ok(Record::Note(NoteRecord {
            run: run.to_owned(),
            problem: None,
            when,
            kind: PROBE.to_owned(),
            text: serde_json::to_string(self)?,
        }))
    }
}
