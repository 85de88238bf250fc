//! What is worked out beside the screen: of the log as a whole. Texts are read
//! by whoever does it; else it is without I/O.

use std::sync::Arc;

use crate::eval::analysis::{Analysis, Ask};
use crate::eval::compare::{Alignment, Sample, Step};
use crate::eval::regret::{Build, Regrets};
use crate::eval::what_if::WhatIf;
use crate::survey::Survey;
use crate::trace::record::StepRecord;

use super::msg::Msg;
use super::table::{TextsOf, TextsWanted};
use super::what_if::Wanted;

/// Something that takes longer than a frame.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// What every decision of the log lost.
    Regrets,
    /// The trajectories at these places as a whole.
    Analyse { places: Vec<usize>, ask: Ask },
    /// The figures of two runs: a thousand resamples.
    Gap { serial: u64, sample: Box<Sample> },
    /// The steps of two trajectories in rows.
    Align {
        serial: u64,
        sides: [Vec<Arc<StepRecord>>; 2],
    },
    /// What expressions over texts come to for some trajectories.
    Texts(Box<TextsWanted>),
    /// A run as another value of the parameter would have had it.
    WhatIf(Box<Wanted>),
    /// The value at which a problem costs this much.
    ForCost { what_if: Arc<WhatIf>, cost: f64 },
}

impl Work {
    /// Does it, on the survey as it is now. `build` makes the routers of runs,
    /// `texts_of` reads the texts of a trajectory.
    pub fn done(self, survey: &Survey, build: Build<'_>, texts_of: TextsOf<'_>) -> Msg {
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
            Self::Align { serial, sides } => {
                let [left, right] = sides.each_ref().map(|steps| steps_of(steps));
                let alignment = Alignment::of(&left, &right);
                Msg::Aligned { serial, alignment }
            }
            Self::Texts(part) => Msg::TextsRead(Box::new(part.read(survey, texts_of))),
            Self::WhatIf(wanted) => {
                let made = wanted.made(survey, build);
                Msg::WhatIf {
                    wanted,
                    made: made.map(Box::new),
                }
            }
            Self::ForCost { what_if, cost } => {
                let value = what_if.for_cost(cost);
                Msg::ForCost {
                    what_if,
                    cost,
                    value,
                }
            }
        }
    }
}

fn steps_of(steps: &[Arc<StepRecord>]) -> Vec<Step<'_>> {
    steps.iter().map(|step| Step::of(step)).collect()
}
