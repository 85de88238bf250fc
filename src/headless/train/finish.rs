//! What is done once all iterations are: κ is recalibrated on the calibration
//! split, the policy saved, and its figures computed on the test split, which
//! nothing was chosen by.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::headless::{Exit, Failure};
use crate::policy::{CHECKPOINT_FORMAT, Checkpoint, PolicyFacts};
use crate::problem::split::Split;
use crate::router::{RouterSpec, build};
use crate::train::forest::Forest;
use crate::train::learner::Learner;
use crate::train::log::{End, ForestFacts, TRAINING_LOG, TrainingLog, TrainingRecord};
use crate::train::params::Params;
use crate::train::prepared::{Encoding, PrepareError, Prepared};
use crate::train::report::{Others, Report, Row, report};
use crate::train::rollout::Grower as _;
use crate::train::scores::{Scores, score, scores};
use crate::train::threshold::{Recalibration, recalibrate};

use super::output::Output;
use super::{Ground, TrainOptions, Trained, markdown, plots};
use crate::headless::error::rollout_failure;
use crate::headless::explore::Demand as Grower;

pub(super) fn finish(
    options: &TrainOptions,
    ground: &Ground,
    learner: &Learner,
    (encoding, mut grower): (&Encoding, Option<Grower>),
    mut output: Output,
) -> Result<Trained, Failure> {
    let forest = &ground.forest;
    let params = learner.params().clone();
    let grower = grower
        .as_mut()
        .map(|grower| (grower, &output.head().forest));
    let calibrated = calibrate(forest, learner, encoding, grower)?;
    let kappa = match &calibrated.recalibration {
        Ok(found) => found.kappa,
        Err(_) => learner.threshold().kappa(),
    };
    let report = on_test(forest, learner, encoding, &params, kappa)?;
    let policy = report.as_ref().ok().and_then(Report::policy);
    let checkpoint = Checkpoint {
        facts: PolicyFacts {
            format: CHECKPOINT_FORMAT,
            features: encoding.features.clone(),
            normalisation: encoding.normalisation.clone(),
            models: output.head().models.clone(),
            kappa,
            epsilon: params.epsilon_end,
            signal: forest.signal.to_string(),
            escalation: params.escalation.name().to_owned(),
            weights: None,
            training: facts(options, &output, &calibrated, policy)?,
        },
        network: learner.policy().clone(),
        files: BTreeMap::new(),
    };
    checkpoint.save(output.folder())?;
    output.append(&TrainingRecord::End(Box::new(End {
        iterations: learner.iteration(),
        seconds: output.seconds(),
        kappa,
        recalibration: calibrated.recalibration.clone().ok(),
        surface: output
            .grid()
            .surface(encoding, learner.policy(), learner.iteration(), kappa),
        test: policy.cloned(),
    })))?;
    let trained = Trained {
        out: output.folder().to_owned(),
        kappa,
        scores: calibrated.scores,
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
    let drawn = plots::draw(&log, trained.report.as_ref().ok())
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
        "report": trained.report.as_ref().ok(),
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
    grower: Option<(&mut Grower, &ForestFacts)>,
) -> Result<Calibrated, Failure> {
    let params = learner.params();
    let problems = forest.split(Split::Calibration).unwrap_or_default();
    if problems.is_empty() {
        return Ok(Calibrated {
            scores: None,
            recalibration: Err("the calibration split has no problem".to_owned()),
        });
    }
    // Whether the large model is right on them plays no part.
    let mut prepared = Prepared::of_all(forest, &problems, encoding, params)?;
    if let Some((grower, facts)) = grower {
        grow_scores(&mut prepared, learner, encoding, grower, facts)?;
    }
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

/// Has the forest grown wherever a score ends with it, as far as the budget
/// goes: as many steps as training may add, again.
fn grow_scores(
    prepared: &mut Prepared<'_>,
    learner: &Learner,
    encoding: &Encoding,
    grower: &mut Grower,
    facts: &ForestFacts,
) -> Result<(), Failure> {
    let params = learner.params();
    for place in 0..prepared.problems().len() {
        while let Some(missing) = score(prepared, place, learner.policy(), params.seed).missing {
            let known = &prepared.problems()[place].forest;
            let (id, step) = (known.id.clone(), known.steps[missing].clone());
            // Counted as training counts, from what there was at the start.
            let added = prepared.steps().saturating_sub(facts.calibration_steps);
            match grower
                .grow(&id, &step, facts.steps + added)
                .map_err(rollout_failure)?
            {
                Some(grown) => prepared.replace(place, grown, encoding, params)?,
                None => return Ok(()),
            }
        }
    }
    Ok(())
}

/// The figures on the test split, or why there are none.
fn on_test(
    forest: &Forest,
    learner: &Learner,
    encoding: &Encoding,
    params: &Params,
    kappa: f64,
) -> Result<Result<Report, String>, Failure> {
    let problems = forest.split(Split::Test).unwrap_or_default();
    if problems.is_empty() {
        return Ok(Err("the test split has no problem".to_owned()));
    }
    let prepared = match Prepared::new(forest, &problems, encoding, params) {
        Ok(prepared) => prepared,
        Err(PrepareError::NothingGraded) => {
            return Ok(Err(
                "no reference answer of the test split is graded".to_owned()
            ));
        }
        Err(other) => return Err(other.into()),
    };
    let policy = (learner.policy(), kappa);
    let found = report(
        Split::Test,
        &prepared,
        params.ledger,
        policy,
        &others(forest)?,
    )?;
    Ok(found.ok_or_else(|| {
        format!(
            "none of the {} problems of the test split has a forest that holds every \
             continuation: explore with a larger `--max-nodes`",
            prepared.problems().len()
        )
    }))
}

/// The rules that a policy is compared with.
fn others(forest: &Forest) -> Result<Others, Failure> {
    let names = forest.models.iter().map(|model| model.name.clone());
    let models: Vec<String> = names.collect();
    let made = move |spec: RouterSpec| build(&spec, &models, None);
    let again = made.clone();
    Ok(Others {
        small: made(RouterSpec::Small)?,
        large: made(RouterSpec::Random { p: 1.0 })?,
        threshold: Box::new(move |signal, t| made(RouterSpec::Threshold { t: Some(t), signal })),
        random: Box::new(move |p| again(RouterSpec::Random { p })),
    })
}

/// Where the policy comes from, kept in the checkpoint.
fn facts(
    options: &TrainOptions,
    output: &Output,
    calibrated: &Calibrated,
    policy: Option<&Row>,
) -> Result<BTreeMap<String, Value>, Failure> {
    let head = output.head();
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
