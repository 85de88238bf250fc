//! What ships inside the program: that it loads, writes and fits together on
//! this machine.

use std::time::{Duration, Instant};

use super::{Check, Status, interruptible};
use crate::headless::{Failure, Launch, Options};
use crate::model::endpoint::{Endpoint, NoProgress, StepRequest};
use crate::model::scorer::step::{StepCase, StepScorer};
use crate::problem::Problem;
use crate::router::RouterSpec;
use crate::trace::record::{JUDGE, PRM, Role};

const AREA: &str = "inside";
/// What to do where something inside the program is damaged.
const MEND: &str = "the program is damaged: build or install it again";
/// Digits of a fingerprint that are shown.
const DIGITS: usize = 12;

/// Has each model write a step and each scorer score one, and builds each
/// router that has a file.
///
/// # Errors
/// An interruption.
pub fn check() -> Result<Vec<Check>, Failure> {
    let mut checks = match launch("small") {
        Ok(launch) => interruptible(async { Ok(models(&launch).await) })?,
        Err(failure) => vec![damaged("models", &failure)],
    };
    for (name, router, role) in [("prm", "rsd", PRM), ("judge", "specreason", JUDGE)] {
        checks.push(match launch(router) {
            Ok(launch) => interruptible(async { Ok(scorer(name, &launch, role).await) })?,
            Err(failure) => damaged(name, &failure),
        });
    }
    checks.extend(ROUTERS.map(|(name, spec)| match launch(spec) {
        Ok(launch) => {
            let files = launch.run.router.files.values();
            let hashes: Vec<String> = files.map(|hash| short(hash)).collect();
            let text = match hashes.is_empty() {
                true => launch.run.router.spec.clone(),
                false => format!("fits the embedded pair ({})", hashes.join(", ")),
            };
            Check::ok(AREA, name, text)
        }
        Err(failure) => damaged(name, &failure),
    }));
    Ok(checks)
}

/// Routers that read a file inside the program.
const ROUTERS: [(&str, &str); 5] = [
    ("policy", "policy"),
    ("threshold", "threshold"),
    ("steer", "steer:gamma=0.5"),
    ("percentile", "percentile:p=20"),
    ("query", "query:share=0.5"),
];

/// A run of the embedded pair.
fn launch(router: &str) -> Result<Launch, Failure> {
    Launch::prepare(&Options {
        router: Some(router.parse::<RouterSpec>()?),
        limit: Some(1),
        concurrency: Some(1),
        ..Options::default()
    })
}

fn damaged(name: &'static str, failure: &Failure) -> Check {
    Check::ok(AREA, name, failure.message.clone()).but(Status::Problem, MEND)
}

/// A time in the unit that has digits before its point.
fn told(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 1.0 => format!("{:.0} ms", 1e3 * seconds),
        seconds => format!("{seconds:.1} s"),
    }
}

fn short(hash: &str) -> String {
    hash.chars().take(DIGITS).collect()
}

async fn models(launch: &Launch) -> Vec<Check> {
    let mut checks = Vec::new();
    let names = ["small", "large"];
    for (name, endpoint) in names.into_iter().zip(&launch.endpoints) {
        checks.push(match launch.problems.first() {
            Some(problem) => model(name, endpoint.as_ref(), problem, launch).await,
            None => Check::ok(AREA, name, "there is no demo problem").but(Status::Problem, MEND),
        });
    }
    checks
}

async fn model(
    name: &'static str,
    endpoint: &dyn Endpoint,
    problem: &Problem,
    launch: &Launch,
) -> Check {
    let started = Instant::now();
    let failed = |error: String| Check::ok(AREA, name, error).but(Status::Problem, MEND);
    if let Err(error) = endpoint.probe().await {
        return failed(error.to_string());
    }
    let loaded = started.elapsed();
    let request = StepRequest {
        question: problem.question.clone(),
        prefix: String::new(),
        temperature: 0.0,
        top_p: 1.0,
        max_tokens: launch.run.sampling.max_tokens,
        seed: 0,
        role: Role::Probe,
        affinity: problem.id.clone(),
    };
    let begun = Instant::now();
    match endpoint.step(request, &NoProgress).await {
        Ok(reply) => {
            let weights = endpoint.weights();
            let hash = weights.as_deref().map(short);
            let text = format!(
                "loads in {}, writes a step of {} tokens in {} ({})",
                told(loaded),
                reply.usage.output,
                told(begun.elapsed()),
                hash.as_deref().unwrap_or("no fingerprint")
            );
            Check::ok(AREA, name, text)
        }
        Err(error) => failed(error.to_string()),
    }
}

/// A step that is right, as the demo's solutions are written.
fn example(launch: &Launch) -> Option<StepCase> {
    let problem = launch.problems.first()?;
    Some(StepCase {
        problem: problem.id.clone(),
        question: problem.question.clone(),
        before: Vec::new(),
        step: "2 + 2 = 4".to_owned(),
    })
}

async fn scorer(name: &'static str, launch: &Launch, role: &str) -> Check {
    let failed = |error: String| Check::ok(AREA, name, error).but(Status::Problem, MEND);
    let scoring = &launch.scoring;
    let asked = if role == PRM {
        &scoring.prm
    } else {
        &scoring.judge
    };
    let (Some(scorer), Some(case)) = (asked, example(launch)) else {
        return failed("it is not there".to_owned());
    };
    let started = Instant::now();
    match StepScorer::score(scorer.as_ref(), case).await {
        Ok(score) => {
            let weights = launch.run.scorers.get(role);
            let hash = weights
                .and_then(|facts| facts.weights.as_deref())
                .map(short);
            let text = format!(
                "loads and scores a step in {} ({})",
                told(started.elapsed()),
                hash.as_deref().unwrap_or("no fingerprint")
            );
            match score.value {
                Some(_) => Check::ok(AREA, name, text),
                None => failed(score.note.unwrap_or_else(|| "it gave no score".to_owned())),
            }
        }
        Err(error) => failed(error.to_string()),
    }
}
