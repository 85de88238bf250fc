//! Runs of two models for tests, written as words: a step is named by the
//! letters of those who wrote it and everything before it.

use std::sync::Arc;

use crate::problem::answer::Verdict;
use crate::router::RouterSpec;
use crate::survey::{Fact, Survey};
use crate::trace::record::{
    DecisionRecord, ModelFacts, PRM, Record, RunRecord, ScoreRecord, StepEnd, StepRecord, Usage,
};
use crate::trace::samples;

/// A head of a run of two models of one and ten parameters.
pub fn head(run: &str, spec: &str) -> RunRecord {
    let model = |name: &str, params: f64| ModelFacts {
        params: Some(params),
        ..ModelFacts::new(name, "recorded")
    };
    let mut head = samples::run(run);
    head.key = run.into();
    head.pool = vec![model("s", 0.5), model("l", 5.0)];
    head.router = spec
        .parse::<RouterSpec>()
        .unwrap()
        .facts(std::collections::BTreeMap::new());
    head.cost_unit = Some("flops".into());
    head
}

/// A step of one token; its parent is the step of the id without the last
/// letter, its model that letter.
pub fn step(run: &str, problem: &str, id: &str, confidence: f64) -> StepRecord {
    let parent = &id[..id.len() - 1];
    let mut step = samples::step(id, (!parent.is_empty()).then_some(parent), id);
    step.run = run.into();
    step.problem = problem.into();
    step.index = u32::try_from(id.len()).unwrap();
    step.model = id[id.len() - 1..].to_lowercase();
    step.confidence.value = Some(confidence);
    step.confidence.source = "prob".into();
    step.usage.output = 1;
    step.end = StepEnd::Delimiter;
    step
}

pub fn decision(run: &str, problem: &str, after: &str, action: &str, propensity: f64) -> Record {
    let made = DecisionRecord {
        run: run.into(),
        problem: problem.into(),
        action: action.into(),
        propensity,
        ..samples::decision(&format!("{run}{after}{action}"), Some(after))
    };
    Record::Decision(Arc::new(made))
}

/// A reward for a step.
pub fn score(run: &str, problem: &str, step: &str, value: f64) -> Record {
    Record::Score(ScoreRecord {
        run: run.into(),
        step: Some(step.into()),
        problem: problem.into(),
        scorer: PRM.into(),
        model: None,
        value: Some(value),
        note: None,
        usage: Usage::default(),
        attempts: Vec::new(),
        cost: None,
    })
}

pub fn outcome(run: &str, problem: &str, leaf: &str, verdict: Verdict, cost: f64) -> Record {
    let mut outcome = samples::outcome(problem, Some(leaf));
    outcome.run = run.into();
    outcome.verdict = verdict;
    outcome.cost.published = Some(cost);
    Record::Outcome(Box::new(outcome))
}

/// Adds a trajectory: its steps are the beginnings of `path`.
pub fn add(
    survey: &mut Survey,
    run: &str,
    problem: &str,
    path: &str,
    us: &[f64],
    verdict: Verdict,
) {
    let mut cost = 0.0;
    for (at, u) in us.iter().enumerate() {
        let step = step(run, problem, &path[..=at], *u);
        cost += if step.model == "s" { 1.0 } else { 10.0 };
        survey.add(Fact::of(&Record::Step(Arc::new(step))).unwrap());
        if at + 1 < us.len() {
            let next = path[at + 1..=at + 1].to_lowercase();
            let made = decision(run, problem, &path[..=at], &next, 1.0);
            survey.add(Fact::of(&made).unwrap());
        }
    }
    let ended = outcome(run, problem, path, verdict, cost);
    survey.add(Fact::of(&ended).unwrap());
}
