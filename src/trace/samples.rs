//! Records for tests: plain ones by hand, and strategies for any.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::problem::Problem;
use crate::problem::answer::Verdict;

use super::record::*;

pub fn step(id: &str, parent: Option<&str>, text: &str) -> StepRecord {
    StepRecord {
        run: "r".into(),
        id: id.into(),
        parent: parent.map(str::to_owned),
        problem: "p".into(),
        index: 1,
        model: "small".into(),
        text: text.into(),
        purpose: Purpose::Step,
        kept: true,
        decision: None,
        tokens: Vec::new(),
        confidence: Confidence {
            value: Some(0.5),
            source: "prob".into(),
            fallback: false,
            kind: ValueKind::RawLogit,
            unavailable: None,
            measures: BTreeMap::new(),
        },
        usage: Usage::default(),
        attempts: Vec::new(),
        end: StepEnd::Delimiter,
        end_note: None,
        continuation: Continuation::Exact,
        seed: 1,
        seconds: 0.25,
        at: String::new(),
    }
}

pub fn step_of(problem: &str, id: &str) -> Record {
    let mut record = step(id, None, "1 + 1 = 2");
    record.problem = problem.into();
    Record::Step(Arc::new(record))
}

/// A model that nothing is known of.
pub fn model(name: &str) -> ModelFacts {
    ModelFacts::new(name, "llama-cpp")
}

pub fn run(id: &str) -> RunRecord {
    RunRecord {
        format: FORMAT,
        run: id.into(),
        key: "k".into(),
        started: "2026-01-01T00:00:00Z".into(),
        version: "0".into(),
        command: "solve".into(),
        router: RouterFacts {
            spec: "small".into(),
            name: "small".into(),
            parameters: BTreeMap::new(),
            files: BTreeMap::new(),
        },
        pool: Vec::new(),
        sampling: Sampling::default(),
        seed: 1,
        signal: "prob".into(),
        cost_unit: None,
        dataset: None,
        shard: None,
        grading: None,
        scorers: BTreeMap::new(),
    }
}

pub fn decision(id: &str, after: Option<&str>) -> DecisionRecord {
    DecisionRecord {
        run: "r".into(),
        id: id.into(),
        problem: "p".into(),
        after: after.map(str::to_owned),
        router: "small".into(),
        observation: BTreeMap::new(),
        probabilities: Vec::new(),
        threshold: None,
        action_set: vec!["small".into()],
        action: "small".into(),
        reason: "fixed".into(),
        propensity: 1.0,
        draft: None,
        overridden: None,
        rollout: false,
    }
}

pub fn outcome(problem: &str, leaf: Option<&str>) -> OutcomeRecord {
    OutcomeRecord {
        run: "r".into(),
        problem: problem.into(),
        leaf: leaf.map(str::to_owned),
        answer: None,
        gold: None,
        verdict: Verdict::Ungraded,
        grader: "rules-v1".into(),
        rule: "no-gold".into(),
        reason: None,
        steps: 1,
        cost: CostFacts::default(),
        end: TrajectoryEnd::Finished,
        steps_by_model: BTreeMap::new(),
        error: None,
        regraded: None,
        rollout: false,
        extraction: None,
        forms: None,
    }
}

pub fn note(problem: Option<&str>, text: &str) -> NoteRecord {
    NoteRecord {
        run: "r".into(),
        problem: problem.map(str::to_owned),
        when: String::new(),
        kind: "remark".into(),
        text: text.into(),
    }
}

/// Any text, line ends and control characters included.
fn text() -> impl Strategy<Value = String> {
    "(?s).{0,12}"
}

/// Numbers with few digits: JSON text holds them exactly.
fn number() -> impl Strategy<Value = f64> {
    (-4_000_000_i32..4_000_000).prop_map(|n| f64::from(n) / 64.0)
}

fn number32() -> impl Strategy<Value = f32> {
    any::<i16>().prop_map(|n| f32::from(n) / 64.0)
}

fn numbers() -> impl Strategy<Value = BTreeMap<String, f64>> {
    btree_map(text(), number(), 0..3)
}

fn usage() -> impl Strategy<Value = Usage> {
    let cached = option::of(any::<u64>());
    let reported = option::of(any::<u32>());
    (any::<u64>(), cached, any::<u64>(), any::<u64>(), reported).prop_map(
        |(prompt, cached, cache_write, output, reported)| Usage {
            prompt,
            cached,
            cache_write,
            output,
            reported: reported.map(|units| Decimal::new(i64::from(units), 7)),
        },
    )
}

fn token() -> impl Strategy<Value = Token> {
    let top = vec(
        (text(), number32()).prop_map(|(text, logprob)| TopToken {
            text: text.into(),
            logprob,
        }),
        0..3,
    );
    (
        text(),
        option::of(number32()),
        option::of(number32()),
        top,
        vec(
            (text(), number32()).prop_map(|(text, logit)| TopLogit {
                text: text.into(),
                logit,
            }),
            0..2,
        ),
        any::<bool>(),
    )
        .prop_map(|(text, logprob, max_logit, top, top_logits, math)| Token {
            text: text.into(),
            logprob,
            max_logit,
            top,
            top_logits,
            math,
        })
}

fn confidence() -> impl Strategy<Value = Confidence> {
    let kind = prop::sample::select(vec![
        ValueKind::RawLogit,
        ValueKind::LogprobPreTemperature,
        ValueKind::LogprobPostTemperature,
        ValueKind::None,
    ]);
    (
        option::of(number()),
        text(),
        any::<bool>(),
        kind,
        option::of(text()),
        numbers(),
    )
        .prop_map(
            |(value, source, fallback, kind, unavailable, measures)| Confidence {
                value,
                source,
                fallback,
                kind,
                unavailable,
                measures: measures
                    .into_iter()
                    .map(|(name, value)| (name.into(), value))
                    .collect(),
            },
        )
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let role = prop::sample::select(vec![Role::Step, Role::Draft, Role::Judge, Role::Probe]);
    (role, usage(), text(), any::<bool>()).prop_map(|(role, usage, failure, estimated)| Attempt {
        role,
        usage,
        failure,
        estimated,
    })
}

fn any_step() -> impl Strategy<Value = Record> {
    let names = (text(), text(), option::of(text()), text(), text(), text());
    let kinds = (
        prop::sample::select(vec![
            Purpose::Step,
            Purpose::Draft,
            Purpose::Regenerated,
            Purpose::Reference,
        ]),
        prop::sample::select(vec![
            StepEnd::Delimiter,
            StepEnd::Eos,
            StepEnd::Length,
            StepEnd::Empty,
            StepEnd::Error,
        ]),
        prop::sample::select(vec![
            Continuation::Exact,
            Continuation::Emulated,
            Continuation::Edited,
        ]),
    );
    let measured = (
        vec(token(), 0..3),
        confidence(),
        usage(),
        vec(attempt(), 0..2),
    );
    let rest = (
        any::<u32>(),
        any::<bool>(),
        option::of(text()),
        option::of(text()),
        any::<u64>(),
        number(),
    );
    (names, kinds, measured, rest).prop_map(|(names, kinds, measured, rest)| {
        let (run, id, parent, problem, model, text) = names;
        let (purpose, end, continuation) = kinds;
        let (tokens, confidence, usage, attempts) = measured;
        let (index, kept, decision, end_note, seed, seconds) = rest;
        Record::Step(Arc::new(StepRecord {
            run,
            id,
            parent,
            problem,
            index,
            model,
            text,
            purpose,
            kept,
            decision,
            tokens,
            confidence,
            usage,
            attempts,
            end,
            end_note,
            continuation,
            seed,
            seconds,
            at: String::new(),
        }))
    })
}

fn any_run() -> impl Strategy<Value = Record> {
    let model = (
        text(),
        option::of(number()),
        option::of((0_i64..1_000_000, 0_u32..6)),
    )
        .prop_map(|(name, params, price)| ModelFacts {
            name,
            server: "local".into(),
            model: None,
            params,
            price: price.map(|(units, scale)| PriceFacts {
                input: Decimal::new(units, scale),
                cached_input: None,
                cache_write: (scale > 3).then(|| Decimal::new(units, scale - 1)),
                output: Decimal::new(units, scale),
                currency: "USD".into(),
                per: Decimal::from(1_000_000),
                as_of: None,
            }),
            template: None,
            template_sha256: None,
            continuation: None,
            context: None,
            extra: serde_json::Map::new(),
            weights: None,
        });
    (
        text(),
        numbers(),
        vec(model, 0..3),
        number(),
        any::<u64>(),
        option::of(text()),
    )
        .prop_map(|(id, parameters, pool, temperature, seed, cost_unit)| {
            let mut record = run(&id);
            record.router.parameters = parameters
                .into_iter()
                .map(|(name, value)| (name, serde_json::Value::from(value)))
                .collect();
            record.router.files = BTreeMap::from([(id, "abc".into())]);
            record.pool = pool;
            record.sampling.temperature = temperature;
            record.seed = seed;
            record.cost_unit = cost_unit;
            record.dataset = Some(DatasetFacts {
                name: "set".into(),
                sha256: "abc".into(),
                problems: 7,
            });
            Record::Run(Box::new(record))
        })
}

fn any_problem() -> impl Strategy<Value = Record> {
    let problem = (
        text(),
        text(),
        option::of(text()),
        option::of(number()),
        option::of(text()),
    );
    (text(), problem).prop_map(|(run, (id, question, gold, difficulty, domain))| {
        Record::Problem(ProblemRecord {
            run,
            problem: Problem {
                id,
                question,
                gold,
                difficulty,
                domain,
                source: "plain".into(),
            },
        })
    })
}

fn any_decision() -> impl Strategy<Value = Record> {
    let overridden =
        (text(), text(), text()).prop_map(|(who, when, wanted)| Override { who, when, wanted });
    (
        option::of(text()),
        btree_map(text(), option::of(number()), 0..3),
        vec(number(), 0..3),
        option::of(number()),
        vec(text(), 0..3),
        option::of(overridden),
        any::<bool>(),
    )
        .prop_map(
            |(after, observation, probabilities, threshold, action_set, overridden, rollout)| {
                let mut record = decision("d", after.as_deref());
                record.observation = observation;
                record.probabilities = probabilities;
                record.threshold = threshold;
                record.action_set = action_set;
                record.overridden = overridden;
                record.rollout = rollout;
                Record::Decision(Arc::new(record))
            },
        )
}

fn any_outcome() -> impl Strategy<Value = Record> {
    let verdict = prop::sample::select(vec![Verdict::Correct, Verdict::Wrong, Verdict::Ungraded]);
    let end = prop::sample::select(vec![
        TrajectoryEnd::Finished,
        TrajectoryEnd::StepCap,
        TrajectoryEnd::Repetition,
        TrajectoryEnd::Empty,
        TrajectoryEnd::Context,
        TrajectoryEnd::Error,
    ]);
    (
        option::of(text()),
        option::of(text()),
        verdict,
        end,
        option::of(number()),
        btree_map(text(), any::<u32>(), 0..3),
        any::<bool>(),
    )
        .prop_map(
            |(leaf, answer, verdict, end, full, steps_by_model, rollout)| {
                let mut record = outcome("p", leaf.as_deref());
                record.answer = answer;
                record.verdict = verdict;
                record.end = end;
                record.cost.full = full;
                record.steps_by_model = steps_by_model;
                record.rollout = rollout;
                Record::Outcome(Box::new(record))
            },
        )
}

fn any_remark() -> impl Strategy<Value = Record> {
    let score = (
        option::of(text()),
        option::of(number()),
        option::of(text()),
        usage(),
    )
        .prop_map(|(step, value, note, usage)| {
            Record::Score(ScoreRecord {
                run: "r".into(),
                step,
                problem: "p".into(),
                scorer: "prm".into(),
                model: None,
                value,
                note,
                usage,
                attempts: Vec::new(),
                cost: None,
            })
        });
    let label = (text(), text(), option::of(text())).prop_map(|(step, label, note)| {
        Record::Label(LabelRecord {
            run: "r".into(),
            step,
            problem: "p".into(),
            who: "me".into(),
            when: String::new(),
            label,
            note,
        })
    });
    let remark = (option::of(text()), text())
        .prop_map(|(problem, text)| Record::Note(note(problem.as_deref(), &text)));
    prop_oneof![score, label, remark]
}

/// Any record of any kind.
pub fn any_record() -> impl Strategy<Value = Record> {
    prop_oneof![
        any_run(),
        any_problem(),
        any_step(),
        any_decision(),
        any_outcome(),
        any_remark(),
    ]
}
