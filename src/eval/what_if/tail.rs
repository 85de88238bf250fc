//! What every step leads to where nothing has to be asked on the way: most
//! steps of a log have one continuation, and a rule that follows it comes to
//! its end whatever is between.

use crate::problem::answer::Verdict;

use super::lattice::{Lattice, Node};
use super::way::Values;

/// A step and one way on from it, down to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tail {
    /// The values at which the step stands and the rule goes this way.
    pub values: Values,
    /// Of the step and of all that follow it.
    pub cost: f64,
    pub verdict: Verdict,
}

impl Tail {
    /// Where more has to be asked.
    const NONE: Self = Self {
        values: Values::NONE,
        cost: f64::NAN,
        verdict: Verdict::Ungraded,
    };

    /// Of every step of a lattice, in their order.
    pub fn of_all(lattice: &Lattice) -> Vec<Self> {
        let mut tails = vec![Self::NONE; lattice.nodes.len()];
        // A step comes behind the one that it follows.
        for (place, node) in lattice.nodes.iter().enumerate().rev() {
            tails[place] = Self::of(lattice, node, &tails).unwrap_or(Self::NONE);
        }
        tails
    }

    fn of(lattice: &Lattice, node: &Node, tails: &[Self]) -> Option<Self> {
        let stands = stands(node)?;
        if let Some(verdict) = node.verdict {
            return Some(Self {
                values: stands,
                cost: node.cost,
                verdict,
            });
        }
        if node.blind {
            return None;
        }
        let model = |child: u32| lattice.nodes[child as usize].model;
        let ways = node.children.iter().filter_map(|&child| {
            let wanted = usize::from(model(child)?);
            let tail = tails[child as usize];
            let values = Values::from(node.next.values_of(wanted)).and(tail.values);
            // Of several by one model the mean counts.
            let alike = node.children.iter();
            let alone = alike.filter(|&&other| model(other) == model(child)).count() == 1;
            (alone && !values.is_none()).then_some((values, tail))
        });
        let (values, tail) = ways.into_iter().next()?;
        Some(Self {
            values: stands.and(values),
            cost: tail.cost + node.cost,
            verdict: tail.verdict,
        })
    }
}

/// The values at which a step is not written again.
fn stands(node: &Node) -> Option<Values> {
    if node.unruled {
        return None;
    }
    match &node.ruling {
        None => Some(Values::ALL),
        Some(ruling) => Some(ruling.values_of(usize::from(node.model?)).into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use crate::eval::sample_runs::{add, head, step};
    use crate::eval::what_if::{Band, Rule, WhatIf};
    use crate::router::for_pool;
    use crate::survey::{Fact, Survey};
    use crate::trace::record::{Purpose, Record, ScoreRecord, Usage};
    use crate::train::params::CostLedger;

    use super::*;

    /// A number from 0 to 1 that belongs to a step.
    fn number(step: &str, salt: u64) -> f64 {
        let hash = step.bytes().fold(salt, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        (hash >> 7) as f64 % 101.0 / 100.0
    }

    /// A trajectory: its run, its problem, its steps, whether the small model
    /// drafted each of them that another one wrote.
    type Told = (usize, usize, Vec<usize>, bool, usize);

    fn tell(survey: &mut Survey, (run, problem, letters, drafted, verdict): &Told) {
        let (run, problem) = (["a", "b", "c"][*run], ["p", "q"][*problem]);
        let path: String = letters
            .iter()
            .map(|&letter| ["s", "l", "S", "L"][letter])
            .collect();
        let us: Vec<f64> = (1..=path.len()).map(|at| number(&path[..at], 5)).collect();
        for at in 1..=path.len() {
            let draft = format!("{}s", &path[..at - 1]);
            if *drafted && draft != path[..at] {
                let mut draft = step(run, problem, &draft, number(&draft, 5));
                (draft.kept, draft.purpose) = (false, Purpose::Draft);
                survey.add(Fact::of(&Record::Step(Arc::new(draft))).unwrap());
                let mut again = step(run, problem, &path[..at], us[at - 1]);
                again.purpose = Purpose::Regenerated;
                survey.add(Fact::of(&Record::Step(Arc::new(again))).unwrap());
            }
        }
        let verdict = [Verdict::Correct, Verdict::Wrong, Verdict::Ungraded][*verdict];
        add(survey, run, problem, &path, &us, verdict);
        for at in 1..=path.len() {
            let step = &path[..at];
            let score = Record::Score(ScoreRecord {
                run: run.into(),
                step: Some(step.into()),
                problem: problem.into(),
                scorer: "prm".into(),
                model: None,
                value: Some(number(step, 9)),
                note: None,
                usage: Usage::default(),
                attempts: Vec::new(),
                cost: None,
            });
            if number(step, 3) > 0.2 {
                survey.add(Fact::of(&score).unwrap());
            }
        }
    }

    /// One that asks at every step.
    fn step_by_step(what_if: &WhatIf) -> WhatIf {
        let mut other = what_if.clone();
        other.lattice.tails.fill(Tail::NONE);
        for taken in &mut other.lattice.taken {
            taken.elsewhere = None;
        }
        other
    }

    proptest! {
        /// Whatever the logs hold, asking at every step comes to the same.
        #[test]
        fn short_cuts_lead_where_the_way_does(
            told in prop::collection::vec(
                (0_usize..3, 0_usize..2, prop::collection::vec(0_usize..4, 1..6), prop::bool::weighted(0.3), 0_usize..3),
                1..24,
            ),
            spec in prop::sample::select(vec!["threshold:t=0.5", "rsd:delta=0.5"]),
            full in any::<bool>(),
        ) {
            let mut survey = Survey::default();
            for run in ["a", "b", "c"] {
                survey.add(Fact::Run(Box::new(head(run, spec))));
            }
            told.iter().for_each(|told| tell(&mut survey, told));
            let pool = survey.runs()[0].head.as_ref().unwrap().pool.clone();
            let router = for_pool(&spec.parse().unwrap(), &pool).unwrap();
            let ledger = if full { CostLedger::Full } else { CostLedger::Published };
            let Ok(quick) = WhatIf::new(&survey, 0, &Rule::Of(&*router), ledger) else {
                // The first run has no trajectory.
                return Ok(());
            };
            let slow = step_by_step(&quick);
            for nth in 0..=20 {
                let value = f64::from(nth) / 20.0;
                let (a, b) = (quick.at(value), slow.at(value));
                let counts = |of: &crate::eval::what_if::Outlook| (of.unchanged, of.branched, of.unknown, of.unpriced);
                prop_assert_eq!(counts(&a), counts(&b), "at {}", value);
                let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
                for (a, b) in [(a.correct, b.correct), (a.wrong, b.wrong), (a.ungraded, b.ungraded), (a.open, b.open)] {
                    prop_assert!(near(a, b), "{} {} at {}", a, b, value);
                }
                for (a, b) in [
                    (a.known_cost, b.known_cost),
                    (a.estimate.cost, b.estimate.cost),
                    (a.estimate.accuracy, b.estimate.accuracy),
                ] {
                    prop_assert_eq!(a.is_some(), b.is_some());
                    prop_assert!(near(a.unwrap_or_default(), b.unwrap_or_default()), "at {}", value);
                }
                for band in Band::ALL {
                    let places = |of: &WhatIf| of.changed(value, band, usize::MAX).iter().map(|changed| changed.place).collect::<Vec<_>>();
                    prop_assert_eq!(places(&quick), places(&slow));
                }
            }
        }
    }
}
