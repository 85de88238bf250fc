//! What a run came to, counted from its log.

mod counter;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::cost::Reported;
use crate::counts::counted;
use crate::problem::shard::Part;
use crate::train;

use super::{Exit, Failure};

pub use counter::Counter;

/// The result of a run. Of a problem with several outcomes (gone on with
/// after a failure) the last one counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    pub run: String,
    pub router: String,
    /// What the run is of all the problems, where it is of a shard: everything
    /// else is counted over these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<Part>,
    /// Problems asked for, in this session of the run or an earlier one.
    pub asked: usize,
    /// Problems with an outcome.
    pub problems: usize,
    pub correct: usize,
    pub wrong: usize,
    /// Neither: no gold answer, an answer the grader cannot judge, or an
    /// endpoint that failed.
    pub ungraded: usize,
    /// correct / (correct + wrong); `null` where nothing was graded.
    pub accuracy: Option<f64>,
    /// Wilson 95 % interval of `accuracy`.
    pub interval: Option<[f64; 2]>,
    /// correct / problems: a lower bound, as if every ungraded one were wrong.
    pub accuracy_all: Option<f64>,
    pub cost: Cost,
    /// What vendors say that calls cost, for the models all of whose calls
    /// they said it of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reported: Vec<Reported>,
    /// Share of the kept steps that the most capable model wrote.
    pub large_share: Option<f64>,
    /// Kept steps of the trajectories that ended.
    pub steps: u64,
    pub steps_by_model: BTreeMap<String, u64>,
    /// Trajectories cut off: step cap, repetition, empty steps, full context.
    pub truncated: usize,
    /// Kept steps that were cut off at their token limit.
    pub length_ended_steps: usize,
    /// Problems that ended because an endpoint failed.
    pub errors: usize,
    /// Why the first of those failed, by id.
    #[serde(skip)]
    pub first_error: Option<String>,
    /// Problems whose grading model failed, so that the rules' outcome stands.
    pub grader_failed: usize,
    /// Lines of the log that could not be read.
    pub damaged_lines: usize,
    /// Numbers of the first of those, from 1.
    pub damaged_at: Vec<u64>,
}

/// Both ledgers, a problem's mean and the total; `null` where any part of it
/// is not known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// `flops` or a currency code.
    pub unit: Option<String>,
    pub published: Option<f64>,
    pub full: Option<f64>,
    pub total_published: Option<f64>,
    pub total_full: Option<f64>,
    /// True where unknown cached prompt tokens were billed as uncached.
    pub upper_bound: bool,
}

impl Summary {
    /// A few aligned lines for people.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<10} {value}");
        };
        line("run", format!("{} · router {}", self.run, self.router));
        if let Some(Part {
            shard,
            problems,
            of,
        }) = self.shard
        {
            let text = "problems, which everything below is of";
            line("shard", format!("{shard}: {problems} of {of} {text}"));
        }
        line("problems", format!("{} of {}", self.problems, self.asked));
        line("accuracy", self.accuracy_text());
        line("cost", self.cost_text());
        for reported in &self.reported {
            line("vendor", reported.to_text());
        }
        let shares: Vec<String> = self
            .steps_by_model
            .iter()
            .map(|(model, steps)| format!("{model} {steps}"))
            .collect();
        let large = self
            .large_share
            .map_or_else(|| "–".into(), |share| format!("{:.1} %", 100.0 * share));
        line(
            "steps",
            format!("{} ({}) · large {large}", self.steps, shares.join(", ")),
        );
        line(
            "cut off",
            format!(
                "{}, {} at their token limit",
                counted(self.truncated, "trajectory"),
                counted(self.length_ended_steps, "step")
            ),
        );
        line("errors", self.errors.to_string());
        if self.grader_failed > 0 {
            let text = "problems; `pointsman regrade` asks again";
            line(
                "no grade",
                format!("the grader failed on {} {text}", self.grader_failed),
            );
        }
        if self.damaged_lines > 0 {
            line(
                "damaged",
                format!(
                    "{} of the log: {}",
                    counted(self.damaged_lines, "line"),
                    self.damaged_text()
                ),
            );
        }
        text
    }

    fn damaged_text(&self) -> String {
        let numbers: Vec<String> = self.damaged_at.iter().map(u64::to_string).collect();
        let more = if self.damaged_lines > numbers.len() {
            " …"
        } else {
            ""
        };
        format!("{}{more}", numbers.join(", "))
    }

    /// Why the run did not do all its work: endpoints failed.
    pub fn failure(&self) -> Option<Failure> {
        if self.errors == 0 {
            return None;
        }
        let mut message = format!("{} of {} problems failed", self.errors, self.problems);
        if let Some(first) = &self.first_error {
            message = format!("{message}: {first}");
        }
        Some(Failure::new(Exit::Endpoint, message).hint("`--resume` tries them again"))
    }

    fn accuracy_text(&self) -> String {
        let counts = format!(
            "{} correct, {} wrong, {} ungraded",
            self.correct, self.wrong, self.ungraded
        );
        match (self.accuracy, self.interval) {
            (Some(accuracy), Some([low, high])) => {
                // What could not be graded may be right or wrong: the share of
                // all is a lower bound, and it is told where it differs.
                let all = self.accuracy_all.filter(|_| self.ungraded > 0);
                let all = all.map_or_else(String::new, |share| {
                    format!(", at least {:.1} % of all", 100.0 * share)
                });
                format!(
                    "{:.1} % of the graded [{:.1}, {:.1}]{all} ({counts})",
                    100.0 * accuracy,
                    100.0 * low,
                    100.0 * high
                )
            }
            _ => format!("– ({counts})"),
        }
    }

    fn cost_text(&self) -> String {
        let Some(unit) = &self.cost.unit else {
            return "unknown: give `params` or `price` for every model of the pool".into();
        };
        let amount = |value: Option<f64>| value.map_or_else(|| "–".into(), |v| format!("{v:.4e}"));
        format!(
            "{} {unit} a problem published, {}{} full",
            amount(self.cost.published),
            if self.cost.upper_bound {
                "at most "
            } else {
                ""
            },
            amount(self.cost.full),
        )
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Wilson score interval at 95 % of `successes` in `trials`; `None` without
/// trials.
pub fn wilson(successes: usize, trials: usize) -> Option<[f64; 2]> {
    train::wilson(share(successes, trials)?, trials)
}

#[cfg(test)]
mod tests;
