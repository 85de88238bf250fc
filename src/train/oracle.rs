//! The cheapest way through a forest that ends right: what a router that knew
//! the future would pay. On a forest that holds every continuation an upper bound
//! for every router; offline only.

use super::evaluate::Outcome;
use super::prepared::{Prepared, PreparedProblem};
use super::threshold::is_covered;

/// The oracle's outcome on every prepared problem: of the paths that end right
/// the cheapest, in the ledger learnt on; of those of a problem that none
/// solves the cheapest of all.
#[must_use]
pub fn oracle(prepared: &Prepared<'_>) -> Vec<Outcome> {
    let one = |problem: &PreparedProblem<'_>| best(prepared, problem).unwrap_or_default();
    prepared.problems().iter().map(one).collect()
}

fn best(prepared: &Prepared<'_>, problem: &PreparedProblem<'_>) -> Option<Outcome> {
    let steps = &problem.forest.steps;
    let ends = steps.iter().enumerate().filter_map(|(at, step)| {
        let success = step.leaf?.success?;
        let path = path(problem, at);
        let runs = |&at: &usize| match steps[at].parent {
            Some(parent) => prepared.allowed(Some(steps[parent].model))[steps[at].model],
            None => true,
        };
        path.iter().all(runs).then_some((success, path))
    });
    let cost = |path: &[usize]| path.iter().map(|&at| problem.cost(at)).sum::<f64>();
    let (success, path) = ends
        .min_by(|(a, one), (b, other)| b.cmp(a).then_with(|| cost(one).total_cmp(&cost(other))))?;
    let last = prepared.models() - 1;
    let decided = path.iter().filter(|&&at| steps[at].parent.is_some());
    let sum = |of: &dyn Fn(usize) -> Option<f64>| {
        path.iter()
            .map(|&at| of(at).unwrap_or(f64::NAN))
            .sum::<f64>()
    };
    let uncovered = path.windows(2).any(|pair| {
        let (step, next) = (&steps[pair[0]], &steps[pair[1]]);
        step.verdict == Some(false) && !is_covered(step.model, next.model, prepared.models())
    });
    let success = f64::from(u8::from(success));
    Some(Outcome {
        known: 1.0,
        success,
        miss: problem.reference * (1.0 - success),
        published: sum(&|at| steps[at].published),
        full: sum(&|at| steps[at].full),
        decisions: (path.len() - 1) as f64,
        escalations: decided.filter(|&&at| steps[at].model == last).count() as f64,
        step_miss: f64::from(u8::from(uncovered)),
    })
}

/// From the first step to `at`.
fn path(problem: &PreparedProblem<'_>, at: usize) -> Vec<usize> {
    let steps = &problem.forest.steps;
    let mut path: Vec<usize> = std::iter::successors(Some(at), |&at| steps[at].parent).collect();
    path.reverse();
    path
}
