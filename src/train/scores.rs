//! Scores of calibration problems that hold for every threshold at once.
//!
//! Which trajectory a problem takes depends on κ, so the score of one
//! trajectory (§5.5) promises coverage only at the κ that it was made with. On
//! a forest every κ can be followed. The score here is the largest κ up to
//! which *no* threshold misses a step judged incorrect: one number a problem,
//! in no need of the κ in use, so that the conformal quantile (§5.6) keeps its
//! promise for any α.

use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::policy::{Network, select};

use super::episode::is_free;
use super::prepared::{Prepared, PreparedProblem};
use super::threshold::is_covered;

/// Scores of the problems of the calibration split, kept with the policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Scores {
    /// One a problem, in the order of their ids.
    pub scores: Vec<f64>,
    /// Problems whose score ends where the forest does: it may be larger.
    pub cut: usize,
    /// Steps that a decision follows and nobody judged; they count as right.
    pub unjudged: usize,
    /// Steps that a decision follows.
    pub steps: usize,
}

/// The scores of prepared problems under a policy. Where a model was asked
/// several times, which of its continuations is followed is drawn by `seed`,
/// once for all κ.
#[must_use]
pub fn scores(prepared: &Prepared<'_>, network: &Network, seed: u64) -> Scores {
    let mut found = Scores {
        scores: Vec::with_capacity(prepared.problems().len()),
        cut: 0,
        unjudged: 0,
        steps: 0,
    };
    for (place, problem) in prepared.problems().iter().enumerate() {
        let scored = score(prepared, place, network, seed);
        found.scores.push(scored.score);
        found.cut += usize::from(scored.missing.is_some());
        let steps = &problem.forest.steps;
        let decided = || steps.iter().filter(|step| step.leaf.is_none());
        found.unjudged += decided().filter(|step| step.verdict.is_none()).count();
        found.steps += decided().count();
    }
    found
}

/// The score of one problem.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    pub score: f64,
    /// The step after which the forest lacks the continuation that would say
    /// whether the score is larger.
    pub missing: Option<usize>,
}

/// The score of the problem at a place; see [`scores`].
#[must_use]
pub fn score(prepared: &Prepared<'_>, place: usize, network: &Network, seed: u64) -> Scored {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(place as u64);
    Walker::new(prepared, &prepared.problems()[place], network, &mut rng).score()
}

impl Scores {
    /// What makes the scores worth less than their number says; a sentence a
    /// line.
    #[must_use]
    pub fn caveats(&self) -> String {
        let mut text = String::new();
        if self.cut > 0 {
            text.push_str(&format!(
                "{} of {} scores end where the forest does: κ may be smaller than it need be; a \
                 larger `--max-nodes` would tell.\n",
                self.cut,
                self.scores.len()
            ));
        }
        if self.unjudged > 0 {
            text.push_str(&format!(
                "{} of {} steps of the calibration problems had no verdict and count as right.\n",
                self.unjudged, self.steps
            ));
        }
        text
    }
}

/// How a trajectory ended under one κ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Every step judged incorrect had a more capable model after it.
    Covered,
    Missed,
    /// The forest does not hold the continuation after this step, or any.
    Cut(Option<usize>),
}

struct Walker<'a> {
    prepared: &'a Prepared<'a>,
    problem: &'a PreparedProblem<'a>,
    first: Option<usize>,
    /// π after each step; `None` where the policy is not asked.
    pi: Vec<Option<Vec<f64>>>,
    /// The continuation of each model after each step.
    next: Vec<Vec<Option<usize>>>,
}

impl<'a> Walker<'a> {
    fn new(
        prepared: &'a Prepared<'a>,
        problem: &'a PreparedProblem<'a>,
        network: &Network,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let steps = &problem.forest.steps;
        let mut choose = |children: Vec<(usize, u32)>| {
            let weight = |child: &(usize, u32)| child.1;
            children.choose_weighted(rng, weight).ok().map(|c| c.0)
        };
        let firsts = problem.forest.first.iter();
        let first = choose(firsts.map(|child| (child.step, child.branches)).collect());
        let pi = (0..steps.len()).map(|at| {
            let place = problem.place(at);
            let allowed = prepared.allowed(Some(place.step.model));
            let asked = place.step.leaf.is_none() && is_free(place.observation, &allowed);
            asked.then(|| network.probabilities(place.observation))
        });
        let next = steps.iter().map(|step| {
            let of = |model| {
                let children = step.children_of(model);
                children.map(|child| (child.step, child.branches)).collect()
            };
            (0..prepared.models())
                .map(|model| choose(of(model)))
                .collect()
        });
        Self {
            prepared,
            problem,
            first,
            pi: pi.collect(),
            next: next.collect(),
        }
    }

    fn score(&self) -> Scored {
        // Between two neighbouring probabilities nothing changes, and at one
        // its model is still in the set.
        let mut levels: Vec<f64> = self.pi.iter().flatten().flatten().copied().collect();
        levels.push(1.0);
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        let mut safe = 0.0;
        for kappa in levels {
            match self.follow(kappa) {
                End::Covered => safe = kappa,
                End::Missed => break,
                End::Cut(missing) => {
                    return Scored {
                        score: safe,
                        missing,
                    };
                }
            }
        }
        Scored {
            score: safe,
            missing: None,
        }
    }

    fn follow(&self, kappa: f64) -> End {
        let steps = &self.problem.forest.steps;
        let Some(mut at) = self.first else {
            return End::Cut(None);
        };
        loop {
            let step = &steps[at];
            if step.leaf.is_some() {
                return End::Covered;
            }
            let allowed = self.prepared.allowed(Some(step.model));
            let action = match &self.pi[at] {
                Some(pi) => select(pi, kappa).action,
                None => allowed.iter().rposition(|allowed| *allowed).unwrap_or(0),
            };
            // By the model that runs, which an empty set leaves to the most
            // probable one.
            let covered = is_covered(step.model, action, self.prepared.models());
            if step.verdict == Some(false) && !covered {
                return End::Missed;
            }
            match self.next[at][action] {
                Some(next) => at = next,
                None => return End::Cut(Some(at)),
            }
        }
    }
}
