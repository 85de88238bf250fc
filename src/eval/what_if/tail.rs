//! What every step leads to where nothing has to be asked on the way: most
//! steps of a log have one continuation, down to an outcome, and for which
//! values a rule follows it to there is known before anybody asks.

use crate::problem::answer::Verdict;

use super::lattice::{Lattice, Node};
use super::way::Values;

/// A step and one way on from it, down to its end: the first that is found of
/// those that one draw of a model begins. For values that lead elsewhere, and
/// where several draws have to be averaged, the steps are asked one by one.
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
        cost: 0.0,
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
        let after = Self::next(lattice, node, tails)?;
        Some(Self {
            values: stands.and(after.values),
            cost: after.cost + node.cost,
            verdict: after.verdict,
        })
    }

    /// The first way on from a step.
    fn next(lattice: &Lattice, node: &Node, tails: &[Self]) -> Option<Self> {
        node.children.iter().find_map(|&child| {
            let model = usize::from(lattice.nodes[child as usize].model?);
            // Of several by one model the mean counts.
            if only_by(lattice, node, model) != Some(child) {
                return None;
            }
            let wanted = Values::from(node.next.values_of(model));
            let within = |tail: Self| {
                let values = wanted.and(tail.values);
                (!values.is_none()).then_some(Self { values, ..tail })
            };
            let stood = within(tails[child as usize]);
            stood.or_else(|| within(Self::again(lattice, node, child, tails)?))
        })
    }

    /// The way on from a step where a draft after it is written again.
    fn again(lattice: &Lattice, node: &Node, draft: u32, tails: &[Self]) -> Option<Self> {
        let drafted = &lattice.nodes[draft as usize];
        let writer = usize::from(drafted.model?);
        let ruling = drafted.ruling.as_ref().filter(|_| !drafted.unruled)?;
        let model = ruling.other(writer)?;
        let other = only_by(lattice, node, model).filter(|&other| lattice.stands(other))?;
        let tail = tails[other as usize];
        Some(Self {
            values: tail.values.and(ruling.values_of(model).into()),
            cost: tail.cost + lattice.rejected(draft),
            ..tail
        })
    }
}

/// The step after another by a model, where there is one and no other.
fn only_by(lattice: &Lattice, node: &Node, model: usize) -> Option<u32> {
    let written = node.children.iter().copied();
    let mut written = written.filter(|&child| lattice.is_by(child, model));
    written.next().filter(|_| written.next().is_none())
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

    use crate::eval::sample_runs::{decision, head, outcome, score, step};
    use crate::eval::what_if::{Band, Changed, Outlook, Rule, WhatIf};
    use crate::router::for_pool;
    use crate::survey::{Fact, Survey};
    use crate::trace::record::{Purpose, Record};
    use crate::train::params::CostLedger;

    use super::super::way::Leads;
    use super::*;

    /// A number from 0 to 1 that belongs to a step.
    fn number(step: &str, salt: u64) -> f64 {
        let hash = step.bytes().fold(salt, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        (hash >> 7) as f64 % 101.0 / 100.0
    }

    /// A trajectory: its run, its problem, the writers of its steps, whether the
    /// small model drafted each step of another, and how it came out.
    type Told = (usize, usize, Vec<usize>, bool, usize);

    fn tell(survey: &mut Survey, (run, problem, letters, drafted, verdict): &Told) {
        let mut add = |record: &Record| survey.add(Fact::of(record).unwrap());
        let (run, problem) = (["a", "b", "c"][*run], format!("p{problem}"));
        let path: String = letters
            .iter()
            .map(|&letter| ["s", "l", "S", "L"][letter])
            .collect();
        let write = |id: &str| {
            let mut step = step(run, &problem, id, number(id, 5));
            // Nobody counted the prompts of some.
            step.usage.prompt = if number(id, 2) > 0.1 { 3 } else { 0 };
            step.usage.cached = Some(0);
            step.seed = (number(id, 6) * 3.0) as u64 + run.len() as u64;
            step
        };
        for at in 1..=path.len() {
            let id = &path[..at];
            let mut stands = write(id);
            let draft = format!("{}s", &path[..at - 1]);
            if *drafted && draft != id {
                let mut draft = write(&draft);
                (draft.kept, draft.purpose) = (false, Purpose::Draft);
                add(&Record::Step(Arc::new(draft)));
                // Few of those that were rejected lack a score.
                let id = format!("{}s", &path[..at - 1]);
                if number(&id, 4) > 0.1 {
                    add(&score(run, &problem, &id, number(&id, 9)));
                }
                stands.purpose = Purpose::Regenerated;
            }
            add(&Record::Step(Arc::new(stands)));
            if number(id, 3) > 0.2 {
                add(&score(run, &problem, id, number(id, 9)));
            }
            if at < path.len() {
                let next = path[at..=at].to_lowercase();
                let propensity = if number(id, 8) > 0.5 { 0.5 } else { 1.0 };
                add(&decision(run, &problem, id, &next, propensity));
            }
        }
        let verdict = [Verdict::Correct, Verdict::Wrong, Verdict::Ungraded][*verdict];
        add(&outcome(run, &problem, &path, verdict, path.len() as f64));
    }

    /// Every figure of an outlook, none as NaN.
    fn figures(of: &Outlook) -> Vec<f64> {
        let known = |value: Option<f64>| value.unwrap_or(f64::NAN);
        let [low, high] = of.estimate.interval.unwrap_or([f64::NAN; 2]);
        let counts = [of.unchanged, of.branched, of.unknown, of.unpriced];
        let mut figures: Vec<f64> = counts.map(|count| count as f64).into();
        figures.extend([of.correct, of.wrong, of.ungraded, of.open]);
        figures.extend([known(of.known_cost), known(of.estimate.cost)]);
        figures.extend([known(of.estimate.accuracy), of.estimate.unlike, low, high]);
        figures
    }

    fn is_near(a: f64, b: f64) -> bool {
        a.is_nan() && b.is_nan() || (a - b).abs() < 1e-9
    }

    /// A rule over three problems that three trajectories go through.
    #[test]
    fn short_cuts_are_there_to_be_taken() {
        let mut survey = Survey::default();
        for run in ["a", "b"] {
            survey.add(Fact::Run(Box::new(head(run, "threshold:t=0.5"))));
        }
        for told in [
            (0, 0, vec![0, 0, 0], false, 0),
            (1, 0, vec![0, 1, 0], false, 1),
        ] {
            tell(&mut survey, &told);
        }
        let pool = survey.runs()[0].head.as_ref().unwrap().pool.clone();
        let router = for_pool(&"threshold:t=0.5".parse().unwrap(), &pool).unwrap();
        let made = WhatIf::new(&survey, 0, &Rule::Of(&*router), CostLedger::Published).unwrap();
        assert!(made.lattice.tails.iter().all(|tail| !tail.values.is_none()));
        let elsewhere = made.lattice.taken.iter().map(|taken| taken.elsewhere);
        let elsewhere: Vec<Option<bool>> = elsewhere
            .map(|other| other.map(|other| matches!(other.to, Leads::To(_))))
            .collect();
        assert_eq!(elsewhere, [None, Some(true), Some(false)]);
    }

    /// The same of a rule on drafts: each is kept or written again.
    #[test]
    fn rulings_have_short_cuts_too() {
        let mut survey = Survey::default();
        for run in ["a", "b"] {
            survey.add(Fact::Run(Box::new(head(run, "rsd:delta=0.5"))));
        }
        for told in [
            (0, 0, vec![0, 0, 1, 0], true, 0),
            (1, 0, vec![0, 1, 1], true, 1),
        ] {
            tell(&mut survey, &told);
        }
        // Every draft has a score.
        for (run, id) in [
            ("a", "s"),
            ("a", "ss"),
            ("a", "sss"),
            ("a", "ssls"),
            ("b", "sls"),
        ] {
            survey.add(Fact::of(&score(run, "p0", id, 0.5)).unwrap());
        }
        let pool = survey.runs()[0].head.as_ref().unwrap().pool.clone();
        let router = for_pool(&"rsd:delta=0.5".parse().unwrap(), &pool).unwrap();
        let made = WhatIf::new(&survey, 0, &Rule::Of(&*router), CostLedger::Full).unwrap();
        let elsewhere = made.lattice.taken.iter().map(|taken| taken.elsewhere);
        let to: Vec<Option<bool>> = elsewhere
            .map(|other| other.map(|other| matches!(other.to, Leads::To(_))))
            .collect();
        // A draft that would stand is paid for before what nobody knows; one that
        // would be rejected is in the full ledger.
        let drafted = made
            .lattice
            .taken
            .iter()
            .map(|taken| taken.elsewhere.unwrap().drafted);
        // Each is of one token, and reads three.
        assert_eq!(drafted.collect::<Vec<f64>>(), [4.0; 4]);
        let Leads::Nowhere { state, model } = made.lattice.taken[2].elsewhere.unwrap().to else {
            panic!("what follows the third draft is nowhere");
        };
        let draft = made.lattice.trajectories[0].draft(2).unwrap();
        assert_eq!(state, made.expectations.state(&made.lattice, draft));
        assert_eq!(usize::from(model), made.lattice.first_writer);
        // The second draft is written again in the other run; the third one was
        // rejected, and what follows it is nowhere.
        assert_eq!(to, [Some(false), Some(true), Some(false), Some(false)]);
        // What was written in its place is followed through the rulings on it.
        let Some(Leads::To(again)) = made.lattice.taken[1].elsewhere.map(|other| other.to) else {
            panic!("checked above");
        };
        assert_eq!(made.lattice.tails[again as usize].verdict, Verdict::Wrong);
        assert!(!made.lattice.tails[again as usize].values.is_none());
    }

    /// What need not be asked has no end.
    #[test]
    fn a_long_way_is_followed_to_its_end() {
        let mut survey = Survey::default();
        for run in ["a", "b"] {
            survey.add(Fact::Run(Box::new(head(run, "threshold:t=0.5"))));
        }
        tell(&mut survey, &(0, 0, vec![0, 1], false, 0));
        tell(&mut survey, &(1, 0, vec![0; 1500], false, 1));
        let pool = survey.runs()[0].head.as_ref().unwrap().pool.clone();
        let router = for_pool(&"threshold:t=0.5".parse().unwrap(), &pool).unwrap();
        let made = WhatIf::new(&survey, 0, &Rule::Of(&*router), CostLedger::Published).unwrap();
        let now = made.at(-1.0);
        assert_eq!((now.branched, now.wrong), (1, 1.0));
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
                (
                    0_usize..3,
                    0_usize..8,
                    prop::collection::vec(0_usize..4, 1..6),
                    prop::bool::weighted(0.3),
                    0_usize..3,
                ),
                1..60,
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
                let [a, b] = [&quick, &slow].map(|of| figures(&of.at(value)));
                let near = a.iter().zip(&b).all(|(a, b)| is_near(*a, *b));
                prop_assert!(near, "at {}: {:?} {:?}", value, a, b);
                for band in Band::ALL {
                    let [a, b] = [&quick, &slow].map(|of| of.changed(value, band, usize::MAX));
                    prop_assert_eq!(a.len(), b.len());
                    for (a, b) in a.iter().zip(&b) {
                        let told = |of: &Changed| (of.place, of.step, of.model, of.verdict);
                        prop_assert_eq!(told(a), told(b));
                        let correct = |of: &Changed| of.correct.unwrap_or(f64::NAN);
                        prop_assert!(is_near(a.known, b.known));
                        prop_assert!(is_near(correct(a), correct(b)));
                    }
                    let first = quick.changed(value, band, 2);
                    prop_assert_eq!(&first[..], &a[..a.len().min(2)]);
                }
            }
        }
    }
}
