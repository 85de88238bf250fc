//! The report as a page, and its first lines for the terminal.

use std::fmt::Write as _;

use crate::train::evaluate::Figures;
use crate::train::log::TrainingLog;
use crate::train::report::{Bounded, Report, Row};

use super::checks::promised;
use super::{TrainOptions, Trained};

/// What the terminal is told.
pub fn summary(log: &TrainingLog, trained: &Trained) -> String {
    let mut text = promise(log, trained);
    match &trained.report {
        Ok(report) => {
            text.push_str(&ground(report));
            text.push_str(&table(report));
            text.push_str(&saved(report));
        }
        Err(why) => {
            let _ = writeln!(text, "\nNothing was measured: {why}.");
        }
    }
    let _ = writeln!(text, "\nThe run is in {}", trained.out.display());
    text
}

/// The whole report.
pub fn page(
    options: &TrainOptions,
    log: &TrainingLog,
    trained: &Trained,
    plots: &[&str],
) -> String {
    let head = &log.head;
    let mut text = String::from("# A trained threshold policy\n\n");
    let _ = writeln!(text, "```sh\n{}\n```\n", options.command);
    let _ = writeln!(
        text,
        "pointsman {}, {}. Pool: {}. Seed {}. {} iterations of {} problems in {:.1} s. \
         Signal `{}`, features {}.\n",
        head.version,
        head.started,
        head.models.join(", "),
        head.params.seed,
        log.end.as_ref().map_or(0, |end| end.iterations),
        head.params.batch,
        log.end.as_ref().map_or(0.0, |end| end.seconds),
        head.signal,
        head.features.join(", "),
    );
    let counts: Vec<String> = head
        .forest
        .problems
        .iter()
        .map(|(split, n)| format!("{n} {split}"))
        .collect();
    let _ = writeln!(
        text,
        "Forest `{}`: {} problems; {} left out.\n",
        head.forest.key,
        counts.join(", "),
        head.forest.left_out
    );
    text.push_str(&promise(log, trained));
    if let Err(why) = &trained.report {
        let _ = writeln!(text, "\nNothing was measured: {why}.");
    }
    if let Ok(report) = &trained.report {
        let _ = writeln!(text, "\n## On the {} split", report.split);
        text.push_str(&ground(report));
        text.push_str(NOTE);
        text.push_str(&table(report));
        text.push_str(&saved(report));
        text.push_str("\n### Frontiers\n\n");
        text.push_str(&frontier(report));
    }
    text.push_str("\n## Plots\n\n");
    for name in plots {
        let _ = writeln!(text, "![{name}]({name})\n");
    }
    text.push_str("## Parameters\n\n```json\n");
    text.push_str(&serde_json::to_string_pretty(&head.params).unwrap_or_default());
    text.push_str("\n```\n");
    text
}

const NOTE: &str = "Computed over the forest's continuations, without sampling: the same problems \
and continuations for every rule, but for `large`, which is the reference run. Accuracy and misses \
with 95 % Wilson intervals, ratios with 95 % bootstrap intervals over problems. A *joint miss* is a \
wrong answer to a problem that the large model alone gets right; a *step miss* a step judged wrong \
with no more capable model after it.\n\n";

/// What the figures are of.
fn ground(report: &Report) -> String {
    if report.problems == report.of {
        return format!(
            "\n{} problems of the {} split.\n\n",
            report.of, report.split
        );
    }
    format!(
        "\n{} of {} problems of the {} split: those whose forest holds every continuation, every \
         end graded. They are the shorter ones; a larger `--max-nodes` leaves fewer out.\n\n",
        report.problems, report.of, report.split
    )
}

fn promise(log: &TrainingLog, trained: &Trained) -> String {
    let params = &log.head.params;
    let mut text = promised(params.alpha, params.floor > 0.0, log.head.floor);
    text.push_str(".\n");
    match &trained.recalibration {
        Ok(found) => {
            let _ = writeln!(
                text,
                "κ = {:.4} by {} calibration problems: at most {:.4} of the trajectories have a \
                 step judged wrong and no more capable model after it (α = {}), for problems like \
                 these and averaged over calibration sets.",
                found.kappa, found.trajectories, found.miss_bound, params.alpha
            );
        }
        Err(why) => {
            let _ = writeln!(
                text,
                "κ = {:.4} as training left it, which promises nothing: {why}.",
                trained.kappa
            );
        }
    }
    if let Some(scores) = &trained.scores {
        text.push_str(&scores.caveats());
    }
    text
}

fn table(report: &Report) -> String {
    let mut text = format!(
        "| rule | accuracy | joint miss | step miss | cost / large ({}) | gap recovered | published | \
         full | large steps |\n|---|---|---|---|---|---|---|---|---|\n",
        report.ledger.name()
    );
    for row in &report.rows {
        text.push_str(&line(row));
    }
    if let Some(floor) = &report.floor {
        let [low, high] = floor.interval;
        let _ = writeln!(
            text,
            "\nA/A floor of this split {:.4} [{low:.4}, {high:.4}].",
            floor.value
        );
    }
    text
}

fn line(row: &Row) -> String {
    let f = &row.figures;
    let cost = |cost: Option<f64>| cost.map_or("?".to_owned(), |cost| format!("{cost:.4e}"));
    format!(
        "| {} | {:.1} % [{:.1}, {:.1}] | {} | {:.4} | {} | {} | {} | {} | {:.1} % |\n",
        row.name,
        100.0 * f.accuracy,
        100.0 * f.accuracy_interval[0],
        100.0 * f.accuracy_interval[1],
        missed(f),
        f.step_miss,
        bounded(row.relative_cost),
        bounded(row.gap),
        cost(f.published),
        cost(f.full),
        100.0 * f.escalated,
    )
}

fn missed(figures: &Figures) -> String {
    match (figures.miss, figures.miss_interval) {
        (Some(miss), Some([low, high])) => format!("{miss:.4} [{low:.4}, {high:.4}]"),
        _ => "?".to_owned(),
    }
}

fn bounded(figure: Option<Bounded>) -> String {
    match figure {
        None => "?".to_owned(),
        Some(Bounded {
            value,
            interval: None,
        }) => format!("{value:.3}"),
        Some(Bounded {
            value,
            interval: Some([low, high]),
        }) => format!("{value:.3} [{low:.3}, {high:.3}]"),
    }
}

/// What other rules pay for the accuracy of the policy.
fn saved(report: &Report) -> String {
    let Some(first) = report.savings.first() else {
        return String::new();
    };
    let mut text = format!(
        "\nFor the accuracy of the policy, {:.1} % at {:.3} of the cost of the large model alone, \
         others pay at the least (on the concave hull over their parameter, chosen on this \
         split):\n\n| rule | pays | the policy saves |\n|---|---|---|\n",
        100.0 * first.accuracy,
        first.ours
    );
    for saving in &report.savings {
        let (pays, saves) = match saving.theirs {
            Some(theirs) => (
                format!("{theirs:.3}"),
                format!("{:+.1} %", 100.0 * (1.0 - saving.ours / theirs)),
            ),
            None => ("does not reach it".to_owned(), String::new()),
        };
        let _ = writeln!(text, "| `{}` | {pays} | {saves} |", saving.than);
    }
    text
}

fn frontier(report: &Report) -> String {
    let mut text =
        String::from("| rule | accuracy | cost / large | joint miss |\n|---|---|---|---|\n");
    let ours = report.policy_frontier.iter().map(|row| ("policy", row));
    let theirs = report.frontiers.iter().flat_map(|frontier| {
        let rule = frontier.rule.as_str();
        frontier.points.iter().map(move |row| (rule, row))
    });
    for (rule, row) in ours.chain(theirs) {
        let _ = writeln!(
            text,
            "| {rule} {} | {:.1} % | {} | {} |",
            row.name,
            100.0 * row.figures.accuracy,
            bounded(row.relative_cost),
            missed(&row.figures)
        );
    }
    text
}
