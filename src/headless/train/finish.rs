//! What is done once all iterations are: κ is recalibrated on the calibration
//! split, the policy saved, and its figures computed on the test split, which
//! nothing was chosen by.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::headless::{Exit, Failure};
use crate::policy::{Checkpoint, PolicyFacts};
use crate::problem::split::Split;
use crate::router::{RouterSpec, build};
use crate::signal::confidence::Source;
use crate::train::forest::{Forest, ProblemForest};
use crate::train::learner::Learner;
use crate::train::log::{End, TRAINING_LOG, TrainingLog, TrainingRecord};
use crate::train::params::{Escalation, Params};
use crate::train::prepared::{Encoding, Prepared};
use crate::train::report::{Others, Report, report};
use crate::train::scores::{Scores, scores};
use crate::train::threshold::{Recalibration, recalibrate};

use super::output::Output;
use super::{Ground, TrainOptions, Trained, markdown, plots};

/// Format of `policy.json`.
const FORMAT: u32 = 1;

pub(super) fn finish(
    options: &TrainOptions,
    ground: &Ground,
    learner: &Learner,
    encoding: &Encoding,
    mut output: Output,
) -> Result<Trained, Failure> {
    let forest = &ground.forest;
    let params = learner.params().clone();
    let calibrated = calibrate(forest, learner, encoding, &params)?;
    let kappa = match &calibrated.recalibration {
        Ok(found) => found.kappa,
        Err(_) => learner.threshold().kappa(),
    };
    let report = on_test(forest, learner, encoding, &params, kappa)?;
    let checkpoint = Checkpoint {
        facts: PolicyFacts {
            format: FORMAT,
            features: encoding.features.clone(),
            normalisation: encoding.normalisation.clone(),
            models: output.head().models.clone(),
            kappa,
            epsilon: params.epsilon_end,
            signal: forest.signal.to_string(),
            escalation: name(params.escalation).to_owned(),
            training: facts(options, &output, &calibrated, report.as_ref())?,
        },
        network: learner.policy().clone(),
        files: BTreeMap::new(),
    };
    checkpoint.save(output.folder())?;
    output.append(&TrainingRecord::End(End {
        iterations: learner.iteration(),
        seconds: output.seconds(),
        kappa,
        recalibration: calibrated.recalibration.clone().ok(),
    }))?;
    let trained = Trained {
        out: output.folder().to_owned(),
        kappa,
        recalibration: calibrated.recalibration,
        report,
        text: String::new(),
    };
    write_report(options, &trained, &output)
}

/// The report in its three forms.
fn write_report(
    options: &TrainOptions,
    trained: &Trained,
    output: &Output,
) -> Result<Trained, Failure> {
    let log = TrainingLog::open(&output.folder().join(TRAINING_LOG))
        .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    let drawn = plots::draw(&log, trained.report.as_ref())
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot draw the plots: {error}")))?;
    for (name, svg) in &drawn {
        output.put(name, svg.as_bytes())?;
    }
    let names: Vec<&str> = drawn.iter().map(|(name, _)| *name).collect();
    let page = markdown::page(options, &log, trained, &names);
    output.put("report.md", page.as_bytes())?;
    let document = json!({
        "command": options.command,
        "head": log.head,
        "end": log.end,
        "report": trained.report,
    });
    let text = serde_json::to_vec_pretty(&document)
        .map_err(|error| Failure::new(Exit::Failed, format!("report.json: {error}")))?;
    output.put("report.json", &text)?;
    Ok(Trained {
        text: markdown::summary(&log, trained),
        ..trained.clone()
    })
}

struct Calibrated {
    scores: Option<Scores>,
    recalibration: Result<Recalibration, String>,
}

fn calibrate(
    forest: &Forest,
    learner: &Learner,
    encoding: &Encoding,
    params: &Params,
) -> Result<Calibrated, Failure> {
    let problems = of(forest, Split::Calibration);
    if problems.is_empty() {
        return Ok(Calibrated {
            scores: None,
            recalibration: Err("the calibration split has no problem".to_owned()),
        });
    }
    let prepared = Prepared::new(forest, &problems, encoding, params)?;
    let found = scores(&prepared, learner.policy(), params.seed);
    let recalibration = match found.unjudged == found.steps {
        true => Err("no step of the calibration split has a verdict".to_owned()),
        false => recalibrate(&found.scores, params.alpha).map_err(|error| error.to_string()),
    };
    Ok(Calibrated {
        scores: Some(found),
        recalibration,
    })
}

fn on_test(
    forest: &Forest,
    learner: &Learner,
    encoding: &Encoding,
    params: &Params,
    kappa: f64,
) -> Result<Option<Report>, Failure> {
    let problems = of(forest, Split::Test);
    if problems.is_empty() {
        return Ok(None);
    }
    let prepared = Prepared::new(forest, &problems, encoding, params)?;
    let others = others(forest)?;
    Ok(Some(report(
        Split::Test,
        &prepared,
        learner.policy(),
        kappa,
        &others,
    )))
}

fn of(forest: &Forest, split: Split) -> Vec<&ProblemForest> {
    forest
        .problems
        .iter()
        .filter(|p| p.split == split)
        .collect()
}

/// The rules that a policy is compared with.
fn others(forest: &Forest) -> Result<Others, Failure> {
    let models: Vec<String> = forest
        .models
        .iter()
        .map(|model| model.name.clone())
        .collect();
    let with = models.clone();
    let made = move |spec: RouterSpec| build(&spec, &with, None);
    // Checked once here: another number makes no difference to whether a
    // router can be built.
    let start = made(RouterSpec::Threshold {
        t: Some(0.0),
        signal: Source::Prob,
    })?;
    let coin = made(RouterSpec::Random { p: 0.5 })?;
    let again = made.clone();
    Ok(Others {
        small: build(&RouterSpec::Small, &models, None)?,
        large: build(&RouterSpec::Random { p: 1.0 }, &models, None)?,
        threshold: Box::new(move |signal, t| {
            let spec = RouterSpec::Threshold { t: Some(t), signal };
            made(spec).unwrap_or_else(|_| start.clone())
        }),
        random: Box::new(move |p| again(RouterSpec::Random { p }).unwrap_or_else(|_| coin.clone())),
    })
}

fn name(escalation: Escalation) -> &'static str {
    match escalation {
        Escalation::PerStep => "per-step",
        Escalation::Absorbing => "absorbing",
    }
}

/// Where the policy comes from, kept in the checkpoint.
fn facts(
    options: &TrainOptions,
    output: &Output,
    calibrated: &Calibrated,
    report: Option<&Report>,
) -> Result<BTreeMap<String, Value>, Failure> {
    let head = output.head();
    let policy = report.and_then(|report| report.rows.first());
    let facts = json!({
        "command": options.command,
        "version": head.version,
        "started": head.started,
        "seconds": output.seconds(),
        "params": head.params,
        "forest": head.forest,
        "floor": head.floor,
        "calibration": calibrated.scores,
        "recalibration": calibrated.recalibration.as_ref().ok(),
        "test": policy,
    });
    serde_json::from_value(facts)
        .map_err(|error| Failure::new(Exit::Failed, format!("policy.json: {error}")))
}
