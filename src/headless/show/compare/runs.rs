//! Two runs problem by problem.

use serde_json::json;

use crate::eval::compare::runs::{left_out, test_in_words, with_interval};
use crate::eval::compare::{Between, Case, Flip, Gap};
use crate::headless::{Exit, Failure};
use crate::train::report::Bounded;

use super::super::grid::{Cell, grid};
use super::super::{Shown, Subject, amount, percent};
use super::Compared;

/// Compares the runs that are wanted, or the only two.
pub fn runs(subject: &Subject<'_>, wanted: &Compared) -> Result<Shown, Failure> {
    let all = subject.survey.runs().len();
    let named = [wanted.run.as_deref(), wanted.with_run.as_deref()];
    let pair = match named {
        [Some(first), Some(second)] => [subject.run(Some(first))?, subject.run(Some(second))?],
        [None, None] if all == 2 => [0, 1],
        // Of two the other one is meant.
        [Some(first), None] if all == 2 => {
            let first = subject.run(Some(first))?;
            [first, 1 - first.min(1)]
        }
        [None, Some(second)] if all == 2 => {
            let second = subject.run(Some(second))?;
            [1 - second.min(1), second]
        }
        _ if all < 2 => {
            let message = "the log holds one run: there is nothing to compare it with";
            return Err(Failure::usage(message)
                .hint("name another log beside it; --problem compares trajectories"));
        }
        _ => {
            let message = format!("the log holds {all} runs: which two?");
            return Err(Failure::usage(message)
                .hint("--run and --with-run take the beginnings of their ids"));
        }
    };
    let between =
        Between::new(subject.survey, pair).map_err(|why| Failure::new(Exit::Failed, why))?;
    let sample = between.sample(subject.survey);
    let gap = sample.gap();
    let listed = between
        .cases
        .iter()
        .take(wanted.limit.unwrap_or(usize::MAX));
    let sides = [0, 1].map(|side: usize| run_json(subject, &between.runs[side]));
    let counts: serde_json::Map<String, serde_json::Value> = Flip::ALL
        .into_iter()
        .map(|flip| (flip.name().to_owned(), between.count(flip).into()))
        .collect();
    Ok(Shown {
        text: runs_text(subject, &between, gap.as_ref().ok(), listed.clone()),
        json: json!({
            "screen": "compare",
            "of": "runs",
            "sides": sides,
            "cautions": between.cautions,
            "unit": between.unit.as_ref().map(ToString::to_string),
            "problems": between.cases.len(),
            "outcomes": counts,
            "only": between.only,
            "unfinished": between.unfinished,
            "other_questions": between.other_questions,
            "figures": gap.as_ref().ok().map(figures_json),
            "refused": gap.as_ref().err().map(ToString::to_string),
            "listed": listed.map(|case| case_json(subject, case)).collect::<Vec<_>>(),
        }),
        warnings: Vec::new(),
    })
}

fn run_json(subject: &Subject<'_>, runs: &[u32]) -> serde_json::Value {
    let ids: Vec<&str> = runs
        .iter()
        .map(|&run| subject.survey.name(subject.survey.runs()[run as usize].id))
        .collect();
    let head = runs.first().and_then(|&run| subject.head(run));
    json!({
        "run": ids.first(),
        "shards": ids,
        "router": head.map(|head| &head.router.spec),
        "seed": head.map(|head| head.seed),
    })
}

/// Each figure: of the first, of the second, and the second less the first.
fn figures_json(gap: &Gap) -> serde_json::Value {
    let [first, second] = &gap.means;
    let figure = |first: f64, second: f64, difference: Option<Bounded>| json!({ "first": first, "second": second, "difference": difference });
    json!({
        "graded_in_both": gap.paired.problems,
        "accuracy": figure(first.accuracy, second.accuracy, gap.paired.accuracy),
        "published": figure(first.published, second.published, gap.paired.published),
        "full": figure(first.full, second.full, gap.paired.full),
        "steps": figure(first.steps, second.steps, gap.steps),
        "large_share": figure(first.large_share, second.large_share, gap.large_share),
        "test": {
            "name": gap.paired.test,
            "better": gap.paired.better,
            "worse": gap.paired.worse,
            "p": gap.paired.p,
        },
    })
}

fn case_json(subject: &Subject<'_>, case: &Case) -> serde_json::Value {
    let side = |side: usize| {
        let tally = &case.tallies[side];
        json!({
            "trajectories": tally.trajectories,
            "graded": tally.graded,
            "correct": tally.right,
            "published": mean(tally.published, tally.trajectories),
            "full": mean(tally.full, tally.trajectories),
            "steps": case.steps[side],
            "large_steps": case.large[side],
        })
    };
    json!({
        "problem": subject.survey.name(case.problem),
        "outcome": case.flip.name(),
        "first": side(0),
        "second": side(1),
    })
}

fn mean(sum: f64, count: f64) -> Option<f64> {
    Some(sum / count).filter(|mean| mean.is_finite())
}

fn runs_text<'c>(
    subject: &Subject<'_>,
    between: &Between,
    gap: Option<&Gap>,
    listed: impl Iterator<Item = &'c Case>,
) -> String {
    let mut text = String::new();
    for (name, runs) in ["a", "b"].into_iter().zip(&between.runs) {
        let run = runs.first().copied().unwrap_or(u32::MAX);
        let spec = subject
            .head(run)
            .map_or("unknown", |head| &head.router.spec);
        let ids: Vec<&str> = runs
            .iter()
            .map(|&run| subject.survey.name(subject.survey.runs()[run as usize].id))
            .collect();
        text.push_str(&format!("{name} {spec} · run {}\n", ids.join(", ")));
    }
    for caution in &between.cautions {
        text.push_str(&format!("warning: {caution}\n"));
    }
    match gap {
        Some(gap) => text.push_str(&figures_text(gap)),
        None => text.push_str("no problem is graded in both: there is nothing to test\n"),
    }
    let left_out = left_out(between);
    if !left_out.is_empty() {
        text.push_str(&format!("{left_out}\n"));
    }
    let titles = [
        "outcome", "problem", "steps a", "steps b", "cost a", "cost b",
    ];
    let mut rows = vec![titles.map(|title| Cell::Left(title.to_owned())).into()];
    for case in listed {
        let cost = |side: usize| {
            let tally = &case.tallies[side];
            amount(mean(tally.published, tally.trajectories))
        };
        rows.push(vec![
            Cell::Left(case.flip.name().to_owned()),
            Cell::Left(subject.survey.name(case.problem).to_owned()),
            Cell::Right(case.steps[0].to_string()),
            Cell::Right(case.steps[1].to_string()),
            Cell::Right(cost(0)),
            Cell::Right(cost(1)),
        ]);
    }
    text.push_str(&grid(&rows));
    text
}

fn figures_text(gap: &Gap) -> String {
    let [first, second] = &gap.means;
    let known = |value: f64| value.is_finite().then_some(value);
    let points = |value: f64| format!("{:+.1}", 100.0 * value);
    let share = |value: f64| percent(known(value));
    let cost = |value: f64| amount(known(value));
    let signed = |value: f64| format!("{value:+.4e}");
    let plain = |value: f64| format!("{value:.2}");
    let row = |name: &str, cells: [String; 2], difference: String| {
        let [first, second] = cells;
        vec![
            Cell::Left(name.to_owned()),
            Cell::Right(first),
            Cell::Right(second),
            Cell::Left(difference),
        ]
    };
    let titles = ["", "a", "b", "b less a [95 %]"];
    let mut text = grid(&[
        titles.map(|title| Cell::Left(title.to_owned())).into(),
        row(
            "accuracy",
            [share(first.accuracy), share(second.accuracy)],
            with_interval(gap.paired.accuracy, points),
        ),
        row(
            "published cost",
            [cost(first.published), cost(second.published)],
            with_interval(gap.paired.published, signed),
        ),
        row(
            "full cost",
            [cost(first.full), cost(second.full)],
            with_interval(gap.paired.full, signed),
        ),
        row(
            "steps",
            [plain(first.steps), plain(second.steps)],
            with_interval(gap.steps, |value| format!("{value:+.2}")),
        ),
        row(
            "share of large",
            [share(first.large_share), share(second.large_share)],
            with_interval(gap.large_share, points),
        ),
    ]);
    text.push_str(&test_in_words(&gap.paired));
    text.push('\n');
    text
}
