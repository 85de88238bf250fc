//! What a rule would do on the problems of a forest, by exact expectation over
//! its continuations: no sampling, no call.
//!
//! Where the rule picks a model that the forest did not follow, or where a
//! trajectory ends ungraded, nobody knows how it comes out. The probability of
//! that is reported, and the figures are over the rest; a forest that was
//! grown to its end has none.

use serde::{Deserialize, Serialize};

use super::prepared::{Place, Prepared, PreparedProblem};
use super::threshold::is_covered;
use super::wilson;

/// The probabilities of the models after a step, for the allowed ones.
pub type Rule<'r> = &'r dyn Fn(Place<'_>, &[bool]) -> Vec<f64>;

/// Expectations on one problem; but for `known` they are over what is known.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Outcome {
    /// Probability that the outcome is known.
    pub known: f64,
    /// R.
    pub success: f64,
    /// Joint miss: routed wrong and the large model right; NaN where nothing
    /// says how often it is.
    pub miss: f64,
    /// Cost in the published ledger.
    pub published: f64,
    /// Cost in the full ledger; NaN where unknown.
    pub full: f64,
    pub decisions: f64,
    /// Decisions for the most capable model.
    pub escalations: f64,
    /// Some step was judged incorrect and had no more capable model after it.
    pub step_miss: f64,
}

/// Sums towards the end of the trajectory, over what is known.
#[derive(Debug, Clone, Copy, Default)]
struct Ahead {
    known: f64,
    success: f64,
    published: f64,
    full: f64,
    decisions: f64,
    escalations: f64,
    /// Probability that no step from here on is a miss.
    caught: f64,
}

impl Ahead {
    fn add(&mut self, weight: f64, next: &Self) {
        self.known += weight * next.known;
        self.success += weight * next.success;
        self.published += weight * next.published;
        self.full += weight * next.full;
        self.decisions += weight * next.decisions;
        self.escalations += weight * next.escalations;
        self.caught += weight * next.caught;
    }
}

/// What a rule does on every prepared problem, in their order.
#[must_use]
pub fn outcomes(prepared: &Prepared<'_>, rule: Rule<'_>) -> Vec<Outcome> {
    let one = |problem: &PreparedProblem<'_>| outcome(prepared, problem, rule);
    prepared.problems().iter().map(one).collect()
}

fn outcome(prepared: &Prepared<'_>, problem: &PreparedProblem<'_>, rule: Rule<'_>) -> Outcome {
    let steps = &problem.forest.steps;
    let mut ahead = vec![Ahead::default(); steps.len()];
    // Parents stand before their children.
    for at in (0..steps.len()).rev() {
        ahead[at] = from(prepared, problem, at, &ahead, rule);
    }
    let mut all = Ahead::default();
    let calls: u32 = problem.forest.first.iter().map(|c| c.branches).sum();
    for child in &problem.forest.first {
        let weight = f64::from(child.branches) / f64::from(calls);
        all.add(weight, &ahead[child.step]);
    }
    let share = |sum: f64| {
        if all.known > 0.0 {
            sum / all.known
        } else {
            0.0
        }
    };
    let success = share(all.success);
    Outcome {
        known: all.known,
        success,
        miss: problem.reference * (1.0 - success),
        published: share(all.published),
        full: share(all.full),
        decisions: share(all.decisions),
        escalations: share(all.escalations),
        step_miss: 1.0 - share(all.caught),
    }
}

fn from(
    prepared: &Prepared<'_>,
    problem: &PreparedProblem<'_>,
    at: usize,
    ahead: &[Ahead],
    rule: Rule<'_>,
) -> Ahead {
    let place = problem.place(at);
    let step = place.step;
    let mut sum = Ahead::default();
    if let Some(leaf) = step.leaf {
        if let Some(success) = leaf.success {
            sum.known = 1.0;
            sum.success = f64::from(u8::from(success));
            sum.caught = 1.0;
        }
    } else {
        let allowed = prepared.allowed(Some(step.model));
        let last = allowed.len() - 1;
        for (model, probability) in rule(place, &allowed).into_iter().enumerate() {
            let calls: u32 = step.children_of(model).map(|c| c.branches).sum();
            if probability <= 0.0 {
                // What never happens costs nothing, known or not.
                continue;
            }
            let covered = is_covered(step.model, model, allowed.len());
            for child in step.children_of(model) {
                let weight = probability * f64::from(child.branches) / f64::from(calls);
                let mut next = ahead[child.step];
                if step.verdict == Some(false) && !covered {
                    next.caught = 0.0;
                }
                next.decisions += next.known;
                next.escalations += if model == last { next.known } else { 0.0 };
                sum.add(weight, &next);
            }
        }
    }
    sum.published += sum.known * step.published.unwrap_or(f64::NAN);
    sum.full += sum.known * step.full.unwrap_or(f64::NAN);
    sum
}

/// Means over problems, with 95 % intervals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Figures {
    pub problems: usize,
    /// Share of the probability whose outcome is known, over all.
    pub known: f64,
    pub accuracy: f64,
    pub accuracy_interval: [f64; 2],
    /// Joint miss probability, the A/A floor included, over the problems of
    /// which it is known.
    pub miss: Option<f64>,
    pub miss_interval: Option<[f64; 2]>,
    /// Trajectories with a step judged incorrect and nothing more capable
    /// after it.
    pub step_miss: f64,
    pub published: Option<f64>,
    pub full: Option<f64>,
    /// Share of the decisions for the most capable model.
    pub escalated: f64,
}

impl Figures {
    /// From the outcomes of one rule; `None` where none is known.
    #[must_use]
    pub fn of(outcomes: &[Outcome]) -> Option<Self> {
        let known: Vec<&Outcome> = outcomes.iter().filter(|o| o.known > 0.0).collect();
        let n = known.len();
        let mean = |value: fn(&Outcome) -> f64| {
            known.iter().map(|o| value(o)).sum::<f64>() / n.max(1) as f64
        };
        let finite = |value: f64| value.is_finite().then_some(value);
        let accuracy = mean(|o| o.success);
        let missed: Vec<f64> = known
            .iter()
            .map(|o| o.miss)
            .filter(|m| m.is_finite())
            .collect();
        let miss = missed.iter().sum::<f64>() / missed.len() as f64;
        let decisions = mean(|o| o.decisions);
        Some(Self {
            problems: n,
            known: outcomes.iter().map(|o| o.known).sum::<f64>() / outcomes.len().max(1) as f64,
            accuracy,
            accuracy_interval: wilson(accuracy, n)?,
            miss: finite(miss),
            miss_interval: wilson(miss, missed.len()),
            step_miss: mean(|o| o.step_miss),
            published: finite(mean(|o| o.published)),
            full: finite(mean(|o| o.full)),
            escalated: if decisions > 0.0 {
                mean(|o| o.escalations) / decisions
            } else {
                0.0
            },
        })
    }
}
