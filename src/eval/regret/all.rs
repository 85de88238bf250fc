//! The regrets of a whole log, for its tables, with its A/A control.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::eval::analysis::Failure;
use crate::survey::Survey;
use crate::trace::record::RunRecord;

use super::{Grove, Line, Made};

/// Makes the router of a spec for the pool of a run.
pub type Build<'a> = &'a dyn Fn(&str, &RunRecord) -> Made;

/// What the decisions of a log lost.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Regrets {
    /// By place in the survey: of the decision after each step of the main
    /// line, NaN where unknown; empty where nothing is known.
    pub of: Vec<Box<[f32]>>,
    /// Why each trajectory is not right, likewise.
    pub failures: Vec<Option<&'static str>>,
    pub control: Control,
}

/// Regret against that of choices against themselves.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Control {
    /// Decisions of which a regret is known.
    pub decisions: usize,
    /// Their mean regret.
    pub regret: Option<f64>,
    /// Those of them whose choice was drawn twice or more.
    pub repeated: usize,
    /// Mean regret of these.
    pub of_repeated: Option<f64>,
    /// Mean regret of one half of the draws of these choices against the other
    /// half: what chance alone makes of nothing.
    pub against_itself: Option<f64>,
}

/// Sums for a [`Control`].
#[derive(Default)]
struct Sums {
    regret: (f64, usize),
    repeated: (f64, usize),
    itself: (f64, usize),
}

impl Regrets {
    /// Works the regrets of a survey out and has it keep them.
    pub fn fill(survey: &mut Survey, build: Build<'_>) -> Control {
        let regrets = Self::of(survey, build);
        survey.set_regrets(regrets.of, regrets.failures);
        regrets.control
    }

    /// Of every trajectory of a survey. Only right answers count. `build` makes
    /// the routers of the runs.
    pub fn of(survey: &Survey, build: Build<'_>) -> Self {
        let heads = survey.runs().iter().map(|run| run.head.as_deref());
        let made: Vec<Option<Made>> = heads
            .map(|head| head.map(|head| build(&head.router.spec, head)))
            .collect();
        let mut regrets = Self {
            of: vec![Box::default(); survey.trajectories().len()],
            failures: (0..survey.trajectories().len())
                .map(|place| Failure::of(&survey.view(place), None).map(Failure::name))
                .collect(),
            control: Control::default(),
        };
        let mut sums = Sums::default();
        let mut done = vec![false; survey.trajectories().len()];
        for place in 0..done.len() {
            if done[place] {
                continue;
            }
            let beside = survey.beside(place);
            let own = |other: &usize| {
                let key = |place: usize| survey.view(place).head().map(|head| &head.key);
                key(*other) == key(place)
            };
            let shared: Vec<usize> = beside.iter().copied().filter(own).collect();
            done[place] = true;
            // One path without a branch has nothing beside it.
            let is_alone = beside.len() == 1 && survey.trajectories()[place].is_linear();
            if is_alone {
                continue;
            }
            let run = survey.trajectories()[place].run as usize;
            let made = made.get(run).and_then(Option::as_ref);
            let Some(grove) = Grove::of(survey, place, made) else {
                continue;
            };
            if !grove.has_alternatives() {
                continue;
            }
            for other in shared {
                done[other] = true;
                let view = survey.view(other);
                if let Some(line) = grove.line(&view) {
                    let failure = Failure::of(&view, Some((&grove, &line)));
                    regrets.failures[other] = failure.map(Failure::name);
                    regrets.of[other] = of_line(&grove, &line, &mut sums);
                }
            }
        }
        let mean = |(sum, count): (f64, usize)| (count > 0).then(|| sum / count as f64);
        regrets.control = Control {
            decisions: sums.regret.1,
            regret: mean(sums.regret),
            repeated: sums.itself.1,
            of_repeated: mean(sums.repeated),
            against_itself: mean(sums.itself),
        };
        regrets
    }
}

fn of_line(grove: &Grove, line: &Line, sums: &mut Sums) -> Box<[f32]> {
    let after = 1..=line.path.len();
    let regrets = after.map(|after| {
        let regret = grove.choice(line, after).regret(None);
        if let Some(regret) = &regret {
            sums.regret.0 += regret.value();
            sums.regret.1 += 1;
        }
        if let (Some(regret), Some(itself)) = (&regret, against_itself(grove, line, after)) {
            sums.repeated.0 += regret.value();
            sums.repeated.1 += 1;
            sums.itself.0 += itself;
            sums.itself.1 += 1;
        }
        regret.map_or(f32::NAN, |regret| regret.value() as f32)
    });
    regrets.collect()
}

/// The regret of one half of the draws of a choice against the other.
fn against_itself(grove: &Grove, line: &Line, after: usize) -> Option<f64> {
    let writer = line.writers.get(after).copied().flatten()?;
    let at = line.path.get(after.checked_sub(1)?)?;
    let children = grove.nodes[*at as usize].children.iter();
    let by = children.filter(|&&child| grove.nodes[child as usize].model == Some(writer));
    let drawn = by.filter_map(|&child| {
        let share = grove.values[child as usize].share()?;
        Some(std::iter::repeat_n(
            share,
            grove.nodes[child as usize].draws as usize,
        ))
    });
    let mut drawn: Vec<f64> = drawn.flatten().collect();
    // Draws that are alike stand together.
    drawn.shuffle(&mut ChaCha8Rng::seed_from_u64(u64::from(*at)));
    let (one, other) = drawn.split_at(drawn.len() / 2);
    let mean = |values: &[f64]| {
        let sum: f64 = values.iter().sum();
        (!values.is_empty()).then(|| sum / values.len() as f64)
    };
    // Either half may be the one that was chosen: it loses half of the time.
    Some((mean(other)? - mean(one)?).abs() / 2.0)
}
