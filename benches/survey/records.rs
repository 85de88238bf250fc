//! Runs of a hundred thousand trajectories: by a threshold, and by a reward model
//! that rules on drafts.

use std::collections::BTreeMap;
use std::sync::Arc;

use pointsman::problem::Problem;
use pointsman::problem::answer::Verdict;
use pointsman::router::RouterSpec;
use pointsman::survey::{Fact, Survey};
use pointsman::trace::record::{
    Confidence, Continuation, CostFacts, DecisionRecord, FORMAT, ModelFacts, OutcomeRecord,
    ProblemRecord, Purpose, Record, RunRecord, Sampling, ScoreRecord, StepEnd, StepRecord,
    TrajectoryEnd, Usage, ValueKind,
};

pub const TRAJECTORIES: usize = 100_000;
/// Ten decisions: all but the first step are decided about.
pub const STEPS: usize = 11;

/// A run of a problem set.
#[derive(Clone, Copy)]
pub struct Run {
    pub name: &'static str,
    pub rule: Rule,
    /// The same of the run whose way it goes as long as both decide alike.
    pub like: Rule,
}

#[derive(Clone, Copy)]
pub enum Rule {
    /// Large next below this confidence.
    Threshold(f64),
    /// The small model drafts; a draft whose reward is below this is written
    /// again by the large one.
    Rsd(f64),
}

impl Rule {
    pub fn spec(self) -> String {
        match self {
            Self::Threshold(t) => format!("threshold:t={t}"),
            Self::Rsd(delta) => format!("rsd:delta={delta}"),
        }
    }

    /// Whether it calls the large model where it sees this.
    fn escalates(self, seen: f64) -> bool {
        match self {
            Self::Threshold(bar) | Self::Rsd(bar) => seen < bar,
        }
    }
}

fn head(run: Run) -> RunRecord {
    let model = |name: &str, params: f64| ModelFacts {
        params: Some(params),
        ..ModelFacts::new(name, "recorded")
    };
    let spec: RouterSpec = run.rule.spec().parse().expect("a spec");
    RunRecord {
        format: FORMAT,
        run: run.name.into(),
        key: run.name.into(),
        started: "2026-01-02T03:04:05Z".into(),
        version: "0".into(),
        command: "solve".into(),
        router: spec.facts(BTreeMap::new()),
        pool: vec![model("small", 1e6), model("large", 1e7)],
        sampling: Sampling::default(),
        seed: 0,
        signal: "prob".into(),
        cost_unit: Some("flops".into()),
        dataset: None,
        shard: None,
        grading: None,
        scorers: BTreeMap::new(),
    }
}

/// A fixed sequence that no compiler foresees, from 0 to 1.
struct Numbers(u64);

impl Numbers {
    fn of(seed: usize) -> Self {
        let mut numbers = Self(seed as u64);
        for _ in 0..4 {
            numbers.next();
        }
        numbers
    }

    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as f64 / f64::from(1_u32 << 31)
    }
}

/// A run, trajectory by trajectory.
struct Teller<'a> {
    survey: &'a mut Survey,
    run: Run,
    /// The trajectory.
    n: usize,
    problem: String,
    numbers: Numbers,
    /// Of whose way the text is.
    way: &'static str,
    cost: f64,
    /// The step that stands last.
    parent: Option<String>,
    ids: usize,
}

impl Teller<'_> {
    fn add(&mut self, record: &Record) {
        self.survey.add(Fact::of(record).expect("a fact"));
    }

    fn tell(&mut self) {
        self.add(&Record::Problem(ProblemRecord {
            run: self.run.name.into(),
            problem: Problem {
                id: self.problem.clone(),
                question: "What is 6 times 7?".into(),
                gold: Some("42".into()),
                difficulty: Some((self.n % 9) as f64),
                domain: Some(["algebra", "geometry", "number"][self.n % 3].into()),
                source: "bench".into(),
            },
        }));
        match self.run.rule {
            Rule::Threshold(_) => self.chosen(),
            Rule::Rsd(_) => self.drafted(),
        }
        self.end();
    }

    /// Who writes is chosen ahead.
    fn chosen(&mut self) {
        let mut by_large = false;
        for index in 1..=STEPS {
            let u = self.numbers.next();
            let id = self.step(index, by_large, Purpose::Step, true, u);
            self.parent = Some(id.clone());
            by_large = self.run.rule.escalates(u);
            self.part(u);
            if index < STEPS {
                self.decide(&id, by_large, None);
            }
        }
    }

    /// The small model drafts, and is ruled on.
    fn drafted(&mut self) {
        for index in 1..=STEPS {
            let reward = self.numbers.next();
            let rejected = self.run.rule.escalates(reward);
            let id = self.step(index, false, Purpose::Draft, !rejected, 0.5);
            self.add(&Record::Score(ScoreRecord {
                run: self.run.name.into(),
                step: Some(id.clone()),
                problem: self.problem.clone(),
                scorer: "prm".into(),
                model: None,
                value: Some(reward),
                note: None,
                usage: Usage::default(),
                attempts: Vec::new(),
                cost: None,
            }));
            self.decide(&id, rejected, Some(id.clone()));
            self.part(reward);
            self.parent = Some(match rejected {
                true => self.step(index, true, Purpose::Regenerated, true, 0.5),
                false => id,
            });
        }
    }

    /// From where the other run decides otherwise on, what is written is its own.
    fn part(&mut self, seen: f64) {
        let escalates = self.run.rule.escalates(seen);
        if escalates != self.run.like.escalates(seen) && self.way != self.run.name {
            self.way = self.run.name;
            self.numbers = Numbers::of(TRAJECTORIES + self.n);
        }
    }

    /// A step after the one that stands last; its id.
    fn step(
        &mut self,
        index: usize,
        by_large: bool,
        purpose: Purpose,
        kept: bool,
        u: f64,
    ) -> String {
        // The published ledger counts no rejected draft.
        if kept {
            self.cost += if by_large { 1e8 } else { 1e7 };
        }
        self.ids += 1;
        let id = format!("{:016x}", self.n * 100 + self.ids);
        let record = StepRecord {
            run: self.run.name.into(),
            id: id.clone(),
            parent: self.parent.clone(),
            problem: self.problem.clone(),
            index: index as u32,
            model: if by_large { "large" } else { "small" }.into(),
            text: format!("step {} {index} {by_large} {}", self.n, self.way),
            purpose,
            kept,
            decision: None,
            tokens: Vec::new(),
            confidence: Confidence {
                value: Some(u),
                source: "prob".into(),
                fallback: false,
                kind: ValueKind::LogprobPreTemperature,
                unavailable: None,
                measures: BTreeMap::new(),
            },
            usage: Usage {
                output: 5,
                ..Usage::default()
            },
            attempts: Vec::new(),
            end: StepEnd::Delimiter,
            end_note: None,
            continuation: Continuation::Exact,
            seed: index as u64,
            seconds: 0.1,
            at: String::new(),
        };
        self.add(&Record::Step(Arc::new(record)));
        id
    }

    fn decide(&mut self, after: &str, by_large: bool, draft: Option<String>) {
        let bar = match self.run.rule {
            Rule::Threshold(bar) | Rule::Rsd(bar) => bar,
        };
        let made = DecisionRecord {
            run: self.run.name.into(),
            id: after.into(),
            problem: self.problem.clone(),
            after: match draft {
                Some(_) => self.parent.clone(),
                None => Some(after.into()),
            },
            router: "bench".into(),
            observation: BTreeMap::new(),
            probabilities: Vec::new(),
            threshold: Some(bar),
            action_set: vec!["small".into()],
            action: if by_large { "large" } else { "small" }.into(),
            reason: String::new(),
            propensity: 1.0,
            draft,
            overridden: None,
            rollout: false,
        };
        self.add(&Record::Decision(Arc::new(made)));
    }

    fn end(&mut self) {
        let verdict = match self.numbers.next() < 0.7 {
            true => Verdict::Correct,
            false => Verdict::Wrong,
        };
        let outcome = OutcomeRecord {
            run: self.run.name.into(),
            problem: self.problem.clone(),
            leaf: self.parent.clone(),
            answer: Some("42".into()),
            gold: Some("42".into()),
            verdict,
            grader: "rules".into(),
            rule: "exact".into(),
            reason: None,
            extraction: None,
            forms: None,
            steps: STEPS as u32,
            cost: CostFacts {
                published: Some(self.cost),
                ..CostFacts::default()
            },
            end: TrajectoryEnd::Finished,
            steps_by_model: BTreeMap::new(),
            error: None,
            regraded: None,
            rollout: false,
        };
        self.add(&Record::Outcome(Box::new(outcome)));
    }
}

/// All trajectories of runs.
pub fn survey(runs: &[Run]) -> Survey {
    let mut survey = Survey::default();
    for &run in runs {
        survey.add(Fact::Run(Box::new(head(run))));
        for n in 0..TRAJECTORIES {
            let mut teller = Teller {
                survey: &mut survey,
                run,
                n,
                problem: format!("p{n}"),
                numbers: Numbers::of(n),
                way: "shared",
                cost: 0.0,
                parent: None,
                ids: 0,
            };
            teller.tell();
        }
    }
    survey
}
