//! What is worked out beside the screen: of the log as a whole, without I/O.

use crate::eval::analysis::{Analysis, Ask};
use crate::eval::compare::Sample;
use crate::eval::regret::{Build, Regrets};
use crate::survey::Survey;

use super::msg::Msg;

/// Something that takes longer than a frame.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// What every decision of the log lost.
    Regrets,
    /// The trajectories at these places as a whole.
    Analyse { places: Vec<usize>, ask: Ask },
    /// The figures of two runs: a thousand resamples.
    Gap { serial: u64, sample: Box<Sample> },
}

impl Work {
    /// Does it, on the survey as it is now. `build` makes the routers of runs.
    pub fn done(self, survey: &Survey, build: Build<'_>) -> Msg {
        match self {
            Self::Regrets => Msg::Regretted {
                evidence: survey.evidence(),
                regrets: Regrets::of(survey, build),
            },
            Self::Analyse { places, ask } => {
                Msg::Analysed(Box::new(Analysis::of(survey, &places, ask)))
            }
            Self::Gap { serial, sample } => Msg::Gap {
                serial,
                gap: sample
                    .gap()
                    .map(Box::new)
                    .map_err(|error| error.to_string()),
            },
        }
    }
}
