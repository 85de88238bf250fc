//! The problems of a split, made ready to learn from: observations as the
//! network reads them, costs of one ledger, R_M as the parameters want it.

use std::borrow::Cow;

use crate::policy::{CONFIDENCE, Normalisation};
use crate::signal::observation::UnknownFeature;

use super::forest::{Child, Forest, ProblemForest, Step};
use super::params::{CostLedger, Escalation, Params};

/// How observations are encoded: the names of the features, in the order the
/// network reads them, and their normalisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoding {
    pub features: Vec<String>,
    pub normalisation: Normalisation,
}

/// Problems that can be learnt from.
#[derive(Debug, Clone)]
pub struct Prepared<'a> {
    problems: Vec<PreparedProblem<'a>>,
    escalation: Escalation,
    models: usize,
    /// Ids of problems none of whose reference answers is graded.
    pub ungraded: Vec<&'a str>,
    /// Ids of problems that absorbing escalation cannot be followed on.
    pub unfollowed: Vec<&'a str>,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct PreparedProblem<'a> {
    pub forest: Cow<'a, ProblemForest>,
    /// p_M: probability that the large model alone is right; NaN where unknown.
    pub reference: f64,
    features: usize,
    /// Encoded observations by step, `steps × features`; 0 at leaves.
    observations: Vec<f64>,
    /// Cost by step.
    costs: Vec<f64>,
}

/// A decision: the step it follows.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub step: &'a Step,
    /// Encoded.
    pub observation: &'a [f64],
}

/// A forest that these parameters cannot be trained on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    #[error(transparent)]
    Feature(#[from] UnknownFeature),
    #[error(
        "no step of the forest has a confidence by `{0}`: its models do not give it; train on the \
         other one (`--signal`)"
    )]
    NoConfidence(String),
    #[error(
        "the {ledger} cost of problem `{problem}` is not known: name `params` or `price` of every \
         model in the pool file that the forest is explored with"
    )]
    NoCost {
        ledger: &'static str,
        problem: String,
    },
    #[error(
        "no answer of the reference run is graded: grade the forest first, by `pointsman regrade`"
    )]
    NothingGraded,
}

/// The features a policy reads where nothing else is asked for: all but the
/// difficulty.
#[must_use]
pub fn default_features(models: usize) -> Vec<String> {
    let fixed = ["step", "has_answer", "tokens"].map(str::to_owned);
    let writers = (0..models).map(|model| format!("writer_{model}"));
    std::iter::once(CONFIDENCE.to_owned())
        .chain(fixed)
        .chain(writers)
        .collect()
}

impl Encoding {
    /// The encoding by the observations of problems to train on.
    ///
    /// # Errors
    /// A feature that observations do not have; no confidence anywhere.
    pub fn fit(
        features: &[String],
        forest: &Forest,
        problems: &[&ProblemForest],
    ) -> Result<Self, PrepareError> {
        let models = forest.models.len();
        let features = match features.is_empty() {
            true => default_features(models),
            false => features.to_vec(),
        };
        let mut rows = Vec::new();
        for step in problems.iter().flat_map(|problem| &problem.steps) {
            if let Some(seen) = &step.observation {
                rows.push(seen.features(&features)?);
            }
        }
        if let Some(column) = features.iter().position(|name| name == CONFIDENCE)
            && rows.iter().all(|row| row[column].is_none())
        {
            return Err(PrepareError::NoConfidence(forest.signal.to_string()));
        }
        let normalisation = Normalisation::fit(&features, rows.iter().map(Vec::as_slice));
        Ok(Self {
            features,
            normalisation,
        })
    }
}

impl<'a> Prepared<'a> {
    /// Makes problems of a forest ready.
    ///
    /// # Errors
    /// Unknown features, unknown costs, no graded reference at all.
    pub fn new(
        forest: &Forest,
        problems: &[&'a ProblemForest],
        encoding: &Encoding,
        params: &Params,
    ) -> Result<Self, PrepareError> {
        let graded = |problem: &&ProblemForest| params.reference.success(&problem.references);
        let (known, ungraded): (Vec<_>, Vec<_>) = problems
            .iter()
            .partition(|problem| graded(problem).is_some());
        let mut prepared = Self::of_all(forest, &known, encoding, params)?;
        prepared.ungraded = ungraded
            .into_iter()
            .map(|problem| problem.id.as_str())
            .collect();
        match prepared.problems.is_empty() {
            true => Err(PrepareError::NothingGraded),
            false => Ok(prepared),
        }
    }

    /// As [`Prepared::new`], with the problems whose reference is not graded:
    /// for what does not ask what the large model alone would answer.
    ///
    /// # Errors
    /// Unknown features, unknown costs.
    pub fn of_all(
        forest: &Forest,
        problems: &[&'a ProblemForest],
        encoding: &Encoding,
        params: &Params,
    ) -> Result<Self, PrepareError> {
        let prepare = |&problem: &&'a ProblemForest| {
            let reference = params.reference.success(&problem.references);
            let reference = reference.unwrap_or(f64::NAN);
            PreparedProblem::new(Cow::Borrowed(problem), reference, encoding, params.ledger)
        };
        Ok(Self {
            problems: problems.iter().map(prepare).collect::<Result<_, _>>()?,
            escalation: params.escalation,
            models: forest.models.len(),
            ungraded: Vec::new(),
            unfollowed: Vec::new(),
        })
    }

    /// Leaves out what rollouts under absorbing escalation cannot follow:
    /// problems in which another model than the most capable one goes on after
    /// it, alone. Dropping single walks instead would favour those that never
    /// escalate.
    pub fn leave_out_unfollowed(&mut self) {
        if self.escalation == Escalation::PerStep {
            return;
        }
        let last = self.models - 1;
        let stuck = |step: &Step| {
            step.leaf.is_none() && step.model == last && step.children_of(last).next().is_none()
        };
        self.problems.retain(|problem| {
            let Cow::Borrowed(forest) = problem.forest else {
                return true;
            };
            let keep = !forest.steps.iter().any(stuck);
            if !keep {
                self.unfollowed.push(&forest.id);
            }
            keep
        });
    }

    /// The problems whose forest holds every continuation, with every end
    /// graded: on these any two rules can be compared.
    #[must_use]
    pub fn complete(&self) -> Self {
        let is_complete = |step: &Step| match step.leaf {
            Some(leaf) => leaf.success.is_some(),
            None => step.is_visited(self.models),
        };
        let whole = |problem: &&PreparedProblem<'a>| problem.forest.steps.iter().all(is_complete);
        Self {
            problems: self.problems.iter().filter(whole).cloned().collect(),
            ..self.clone()
        }
    }

    /// Mean cost of the first step, which nobody decides about.
    #[must_use]
    pub fn first_cost(&self) -> f64 {
        let of = |problem: &PreparedProblem<'_>| {
            let first = &problem.forest.first;
            let calls: u32 = first.iter().map(|child| child.branches).sum();
            let cost = |child: &Child| problem.cost(child.step) * f64::from(child.branches);
            first.iter().map(cost).sum::<f64>() / f64::from(calls.max(1))
        };
        self.problems.iter().map(of).sum::<f64>() / self.problems.len().max(1) as f64
    }

    /// Mean cost of the large model alone, in the ledger learnt on.
    #[must_use]
    pub fn alone_cost(&self, ledger: CostLedger) -> Option<f64> {
        let of = |problem: &PreparedProblem<'_>| match ledger {
            CostLedger::Published => problem.forest.alone.published,
            CostLedger::Full => problem.forest.alone.full,
        };
        let all: Option<Vec<f64>> = self.problems.iter().map(of).collect();
        let all = all?;
        (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
    }

    /// Puts a problem's forest in the place of what was known of it.
    ///
    /// # Errors
    /// As [`Prepared::new`].
    pub fn replace(
        &mut self,
        place: usize,
        forest: ProblemForest,
        encoding: &Encoding,
        params: &Params,
    ) -> Result<(), PrepareError> {
        let problem = &mut self.problems[place];
        let forest = Cow::Owned(forest);
        *problem = PreparedProblem::new(forest, problem.reference, encoding, params.ledger)?;
        Ok(())
    }

    /// Steps of all problems.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.problems.iter().map(|p| p.forest.steps.len()).sum()
    }

    #[must_use]
    pub fn problems(&self) -> &[PreparedProblem<'a>] {
        &self.problems
    }

    /// K.
    #[must_use]
    pub fn models(&self) -> usize {
        self.models
    }

    /// The models that may write the next step, in pool order.
    #[must_use]
    pub fn allowed(&self, writer: Option<usize>) -> Vec<bool> {
        self.escalation.allowed(writer, self.models)
    }
}

impl<'a> PreparedProblem<'a> {
    fn new(
        forest: Cow<'a, ProblemForest>,
        reference: f64,
        encoding: &Encoding,
        ledger: CostLedger,
    ) -> Result<Self, PrepareError> {
        let features = encoding.features.len();
        let mut observations = Vec::with_capacity(forest.steps.len() * features);
        let mut costs = Vec::with_capacity(forest.steps.len());
        for step in &forest.steps {
            match &step.observation {
                Some(seen) => {
                    let values = seen.features(&encoding.features)?;
                    let encoded = &encoding.normalisation.encode(&encoding.features, &values);
                    observations.extend_from_slice(encoded);
                }
                None => observations.resize(observations.len() + features, 0.0),
            }
            let (cost, ledger) = match ledger {
                CostLedger::Published => (step.published, "published"),
                CostLedger::Full => (step.full, "full"),
            };
            costs.push(cost.ok_or_else(|| PrepareError::NoCost {
                ledger,
                problem: forest.id.clone(),
            })?);
        }
        Ok(Self {
            forest,
            reference,
            features,
            observations,
            costs,
        })
    }

    /// The decision after a step.
    #[must_use]
    pub fn place(&self, step: usize) -> Place<'_> {
        Place {
            step: &self.forest.steps[step],
            observation: &self.observations[step * self.features..][..self.features],
        }
    }

    /// Cost of a step.
    #[must_use]
    pub fn cost(&self, step: usize) -> f64 {
        self.costs[step]
    }
}
