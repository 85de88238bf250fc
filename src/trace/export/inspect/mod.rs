//! Trajectories as a log of Inspect, version 2 of its format, either as one
//! JSON document or as the archive that it calls `.eval`.
//!
//! A run is an evaluation, a trajectory a sample, a call a model event. What
//! Inspect has no name for stands in `info` events of the source `route`:
//! decisions, what is known of a step, labels. Branches are spans that begin at
//! an anchor. Questions and texts are in it: without them it were no log.

mod archive;
mod document;
mod events;
mod header;
mod sample;

pub use archive::Archive;
pub use document::Document;

use std::io;

use super::Subject;
use header::Totals;

/// What the samples so far come to; every one must be of the same run.
#[derive(Default)]
struct Run {
    id: Option<String>,
    totals: Totals,
}

impl Run {
    fn add(&mut self, subject: &Subject<'_>) -> io::Result<()> {
        let run = subject.tree.run();
        match &self.id {
            Some(id) if id != run => {
                let message =
                    "an Inspect log is of one run, and these are several: --run names one";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            }
            Some(_) => {}
            None => {
                self.id = Some(run.to_owned());
                self.totals.head = subject.head.cloned();
            }
        }
        self.totals.add(subject);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
