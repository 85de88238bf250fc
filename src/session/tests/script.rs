//! A session with replies written out by the test.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::expr::{Expr, Scope};
use crate::model::endpoint::{EndpointError, FailureKind, StepReply};
use crate::model::scorer::step::Score;
use crate::problem::Problem;
use crate::problem::answer::RuleGrader;
use crate::router::{RouterSpec, build};
use crate::session::{Ask, Command, Engine, Event, Generate, Output, Session, Settings};
use crate::trace::record::{
    Continuation, FORMAT, JUDGE, ModelFacts, PRM, QUERY, Record, RunRecord, Sampling, StepEnd,
    Token, TopToken, Usage, ValueKind,
};

pub const NOW: &str = "2026-01-02T03:04:05Z";

/// A session, everything it appended, and every output in order.
pub struct Bench {
    pub session: Session,
    pub log: Vec<Record>,
    /// `append` or `generate MODEL`, as they came.
    pub order: Vec<String>,
    pub pending: Option<Generate>,
    /// A score that is waited for.
    pub asked: Option<Ask>,
}

/// A run of two models, `small` (1 parameter) and `large` (10), of at most
/// `max_steps` steps.
pub fn run(router: &str, max_steps: u32) -> RunRecord {
    let spec: RouterSpec = router.parse().unwrap();
    let model = |name: &str, params: f64| ModelFacts {
        params: Some(params),
        ..ModelFacts::new(name, "recorded")
    };
    RunRecord {
        format: FORMAT,
        run: "run".into(),
        key: "key".into(),
        started: NOW.into(),
        version: "0".into(),
        command: "test".into(),
        router: spec.facts(BTreeMap::new()),
        pool: vec![model("small", 1.0), model("large", 10.0)],
        sampling: Sampling {
            max_steps,
            ..Sampling::default()
        },
        seed: 7,
        signal: "prob".into(),
        cost_unit: Some("flops".into()),
        dataset: None,
        shard: None,
        grading: None,
        scorers: [PRM, JUDGE, QUERY]
            .map(|role| (role.to_owned(), model(role, 100.0)))
            .into(),
    }
}

pub fn live(router: &str, max_steps: u32) -> Settings {
    let names = ["small".to_owned(), "large".to_owned()];
    let spec: RouterSpec = router.parse().unwrap();
    let engine = Engine {
        router: build(&spec, &names, None).unwrap(),
        grader: Arc::new(RuleGrader),
        who: "ada".into(),
    };
    Settings::live(run(router, max_steps), engine)
}

pub fn problem() -> Problem {
    Problem {
        id: "p1".into(),
        question: "What is 2 + 2 + 3?".into(),
        gold: Some("7".into()),
        difficulty: Some(2.0),
        domain: None,
        source: "plain".into(),
    }
}

/// A step of which every token has probability `confidence`.
pub fn step(text: &str, confidence: f64) -> StepReply {
    let logprob = confidence.ln() as f32;
    StepReply {
        text: text.into(),
        tokens: vec![Token {
            text: text.into(),
            logprob: Some(logprob),
            max_logit: None,
            top_logits: Vec::new(),
            top: vec![TopToken {
                text: text.into(),
                logprob,
            }],
            math: false,
        }],
        coverage: 1.0,
        values: ValueKind::LogprobPreTemperature,
        end: StepEnd::Delimiter,
        end_note: None,
        continuation: Continuation::Exact,
        usage: Usage {
            prompt: 10,
            cached: Some(0),
            output: 5,
            ..Usage::default()
        },
        attempts: Vec::new(),
        seconds: 0.5,
    }
}

/// A step that adds nothing.
pub fn empty() -> StepReply {
    StepReply {
        tokens: Vec::new(),
        end: StepEnd::Empty,
        ..step("", 1.0)
    }
}

pub fn failure(kind: FailureKind) -> EndpointError {
    EndpointError {
        endpoint: "small".into(),
        kind,
        message: "it broke".into(),
        attempts: Vec::new(),
    }
}

impl Bench {
    pub fn new(router: &str, max_steps: u32) -> Self {
        Self::of(Session::new(live(router, max_steps), problem()))
    }

    pub fn of(session: Session) -> Self {
        Self {
            session,
            log: Vec::new(),
            order: Vec::new(),
            pending: None,
            asked: None,
        }
    }

    /// Gives a command that must be followed.
    pub fn command(&mut self, command: Command) {
        let outputs = self.session.command(command, NOW).unwrap();
        self.take(outputs);
    }

    /// Answers the call in flight.
    pub fn reply(&mut self, reply: StepReply) {
        let generation = self.pending.take().expect("a call in flight").generation;
        let reply = Box::new(reply);
        let outputs = self.session.event(Event::Reply { generation, reply }, NOW);
        self.take(outputs);
    }

    /// Answers the scorer that is asked.
    pub fn score(&mut self, value: Option<f64>) {
        let generation = self.asked.take().expect("a scorer is asked").generation;
        let score = Box::new(Score {
            value,
            usage: Usage {
                prompt: 20,
                cached: Some(10),
                output: 1,
                ..Usage::default()
            },
            ..Score::default()
        });
        let outputs = self.session.event(Event::Scored { generation, score }, NOW);
        self.take(outputs);
    }

    /// The scorer that is asked fails.
    pub fn fail_score(&mut self, kind: FailureKind) {
        let generation = self.asked.take().expect("a scorer is asked").generation;
        let error = failure(kind);
        let outputs = self.session.event(Event::Failed { generation, error }, NOW);
        self.take(outputs);
    }

    pub fn fail(&mut self, kind: FailureKind) {
        let generation = self.pending.take().expect("a call in flight").generation;
        let error = failure(kind);
        let outputs = self.session.event(Event::Failed { generation, error }, NOW);
        self.take(outputs);
    }

    /// One step: asked for and answered.
    pub fn one(&mut self, text: &str, confidence: f64) {
        self.command(Command::Step);
        self.reply(step(text, confidence));
    }

    pub fn take(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Append(records) => {
                    let kinds: Vec<&str> = records.iter().map(kind).collect();
                    self.order.push(format!("append {}", kinds.join("+")));
                    self.log.extend(records);
                }
                Output::Generate(call) => {
                    self.order.push(format!("generate {}", call.model));
                    self.pending = Some(*call);
                }
                Output::Score(ask) => {
                    self.order.push(format!("ask {}", ask.about.scorer()));
                    self.asked = Some(*ask);
                }
                Output::Abort { .. } => self.order.push("abort".into()),
            }
        }
    }

    /// Texts of the path to the cursor, with who wrote them.
    pub fn path(&self) -> Vec<String> {
        let tree = self.session.tree();
        let path = self.session.cursor().map(|at| tree.path(at));
        path.unwrap_or_default()
            .iter()
            .map(|&at| {
                let step = &tree.node(at).step;
                format!("{}: {}", step.model, step.text)
            })
            .collect()
    }
}

pub fn kind(record: &Record) -> &'static str {
    match record {
        Record::Run(_) => "run",
        Record::Problem(_) => "problem",
        Record::Step(_) => "step",
        Record::Score(_) => "score",
        Record::Decision(_) => "decision",
        Record::Outcome(_) => "outcome",
        Record::Label(_) => "label",
        Record::Note(_) => "note",
    }
}

/// A condition to run until.
pub fn until(condition: &str) -> Box<Expr> {
    Box::new(Expr::condition(condition, Scope::Step).unwrap())
}
