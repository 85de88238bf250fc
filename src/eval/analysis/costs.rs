//! Where the cost goes: the full ledger taken apart.

use std::collections::{BTreeMap, BTreeSet};

use crate::cost::{Ledger, Unit};
use crate::survey::{Step, Survey, View};
use crate::trace::record::Usage;

/// Means a trajectory, in the unit of the run; of trajectories whose full cost
/// is known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Costs {
    /// `None` where the runs that were looked at have no unit in common.
    pub unit: Option<Unit>,
    pub trajectories: usize,
    /// What each model wrote, in the order of the pools: all that the published
    /// ledger counts but a judge's words.
    pub output: Vec<(String, f64)>,
    /// Prompts read by the model that wrote the step before as well.
    pub prefill: f64,
    /// Prompts read by a model that took over: it has not seen the steps since
    /// it wrote last.
    pub switches: f64,
    /// Prompt tokens that the cache held.
    pub cached: f64,
    /// Drafts that were rejected, prompts included.
    pub drafts: f64,
    /// Scorers, calls that gave nothing, and what servers say they charge
    /// beyond their prices.
    pub other: f64,
    pub full: f64,
    pub published: f64,
    /// Whether some servers do not say what their caches held: prompts are
    /// upper bounds then.
    pub upper_bound: bool,
}

impl Costs {
    pub(super) fn of(survey: &Survey, places: &[usize]) -> Self {
        let mut costs = Self {
            unit: common_unit(survey, places),
            ..Self::default()
        };
        if costs.unit.is_none() {
            return costs;
        }
        let mut output = Output::new();
        let mut ledgers: BTreeMap<u32, Ledger> = BTreeMap::new();
        for &place in places {
            let view = survey.view(place);
            let (Some(head), Some(outcome)) = (view.head(), view.outcome()) else {
                continue;
            };
            let (Some(full), Some(published)) = (outcome.full, outcome.published) else {
                continue;
            };
            let run = view.trajectory().run;
            let ledger = ledgers
                .entry(run)
                .or_insert_with(|| Ledger::new(&head.pool));
            let before = costs.counted();
            costs.trajectories += 1;
            costs.published += published;
            costs.full += full;
            costs.add(survey, &view, ledger, &mut output);
            let written: f64 = costs.counted() - before + costs.written(&view, survey, ledger);
            costs.other += (full - written).max(0.0);
        }
        let n = costs.trajectories.max(1) as f64;
        for part in [
            &mut costs.prefill,
            &mut costs.switches,
            &mut costs.cached,
            &mut costs.drafts,
            &mut costs.other,
            &mut costs.full,
            &mut costs.published,
        ] {
            *part /= n;
        }
        costs.output = output
            .into_iter()
            .map(|((_, name), sum)| (name, sum / n))
            .collect();
        costs
    }

    /// What was counted beside what was written.
    fn counted(&self) -> f64 {
        self.prefill + self.switches + self.cached + self.drafts
    }

    /// What the steps of a trajectory took to write.
    fn written(&self, view: &View<'_>, survey: &Survey, ledger: &Ledger) -> f64 {
        let kept = view.steps().filter(|step| step.kept);
        let cost = |step: &Step| ledger.output(survey.name(step.model), u64::from(step.tokens));
        kept.filter_map(cost).sum()
    }

    fn add(&mut self, survey: &Survey, view: &View<'_>, ledger: &Ledger, output: &mut Output) {
        let mut before = None;
        for step in view.steps().filter(|step| step.kept) {
            let name = survey.name(step.model);
            let call = |usage: Usage| ledger.call(name, usage).unwrap_or(0.0);
            let [uncached, cached] = prompt(step);
            self.upper_bound |= is_upper_bound(step);
            let read = call(Usage {
                prompt: uncached,
                cached: Some(0),
                ..Usage::default()
            });
            match before.is_some_and(|before| before != step.model) {
                true => self.switches += read,
                false => self.prefill += read,
            }
            self.cached += call(Usage {
                prompt: cached,
                cached: Some(cached),
                ..Usage::default()
            });
            before = Some(step.model);
            if let Some(cost) = ledger.output(name, u64::from(step.tokens)) {
                let place = view.writer(step).unwrap_or(usize::MAX);
                *output.entry((place, name.to_owned())).or_default() += cost;
            }
        }
        for draft in view.rejected() {
            let [uncached, cached] = prompt(draft);
            self.upper_bound |= is_upper_bound(draft);
            let usage = Usage {
                prompt: uncached + cached,
                cached: Some(cached),
                output: u64::from(draft.tokens),
                ..Usage::default()
            };
            self.drafts += ledger.call(survey.name(draft.model), usage).unwrap_or(0.0);
        }
    }
}

/// By place in the pool and name.
type Output = BTreeMap<(usize, String), f64>;

/// The unit of the costs of the runs of these trajectories; `None` where they
/// have not the same. A run without one has no costs.
fn common_unit(survey: &Survey, places: &[usize]) -> Option<Unit> {
    let runs: BTreeSet<u32> = places
        .iter()
        .map(|&place| survey.trajectories()[place].run)
        .collect();
    let mut units = runs.into_iter().filter_map(|run| survey.unit_of(run));
    let first = units.next()?;
    units.all(|unit| unit == first).then_some(first)
}

/// Whether nobody says what of its prompt a cache held.
fn is_upper_bound(step: &Step) -> bool {
    step.cached().is_none() && step.prompt > 0
}

/// Prompt tokens that were read anew, and from the cache.
fn prompt(step: &Step) -> [u64; 2] {
    let cached = step.cached().unwrap_or(0).min(step.prompt);
    [u64::from(step.prompt - cached), u64::from(cached)]
}
