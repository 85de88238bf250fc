//! The report as a page, and its first lines for the terminal.

use std::fmt::Write as _;

use crate::train::log::TrainingLog;
use crate::train::report::{Bounded, Report, Row};

use super::{TrainOptions, Trained};

/// What the terminal is told.
pub fn summary(log: &TrainingLog, trained: &Trained) -> String {
    let mut text = promise(log, trained);
    if let Some(report) = &trained.report {
        text.push('\n');
        text.push_str(&table(report));
        text.push_str(&saved(report));
    } else {
        text.push_str("\nThe test split has no problem: nothing was measured.\n");
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
    if let Some(report) = &trained.report {
        let _ = writeln!(text, "\n## On the {} split\n", report.split);
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

const NOTE: &str = "Computed over the forest's own continuations, without sampling: the same \
problems and continuations for every rule. Accuracy and misses with 95 % Wilson intervals, ratios \
with 95 % bootstrap intervals over problems. A *joint miss* is a wrong answer to a problem that \
the large model alone gets right; a *step miss* a step judged wrong with no more capable model \
after it.\n\n";

fn promise(log: &TrainingLog, trained: &Trained) -> String {
    let params = &log.head.params;
    let mut text = String::new();
    if let Some(floor) = &log.head.floor {
        let [low, high] = floor.interval;
        let _ = writeln!(
            text,
            "A/A floor {:.4} [{low:.4}, {high:.4}]: the large model, run again, misses so many of \
             its own right answers (train split).",
            floor.value
        );
    }
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
    text
}

fn table(report: &Report) -> String {
    let mut text = String::from(
        "| rule | accuracy | joint miss | step miss | cost / large | gap recovered | published | full | large steps |\n\
         |---|---|---|---|---|---|---|---|---|\n",
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
    let mut text = format!(
        "| {} | {:.1} % [{:.1}, {:.1}] | {:.4} [{:.4}, {:.4}] | {:.4} | {} | {} | {} | {} | {:.1} % |",
        row.name,
        100.0 * f.accuracy,
        100.0 * f.accuracy_interval[0],
        100.0 * f.accuracy_interval[1],
        f.miss,
        f.miss_interval[0],
        f.miss_interval[1],
        f.step_miss,
        bounded(row.relative_cost),
        bounded(row.gap),
        cost(f.published),
        cost(f.full),
        100.0 * f.escalated,
    );
    if f.known < 1.0 {
        let _ = write!(text, " {:.1} % of it unknown", 100.0 * (1.0 - f.known));
    }
    text.push('\n');
    text
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

/// What the policy saves at the accuracies that thresholds on the confidence
/// reach.
fn saved(report: &Report) -> String {
    let mut text = String::from(
        "\nCost relative to the large model alone, at the accuracies that thresholds on a \
         confidence reach, by the policy at other κ:\n\n\
         | accuracy | rule | it pays | the policy pays | saves |\n|---|---|---|---|---|\n",
    );
    let mut any = false;
    for saving in &report.savings {
        // Where next to nothing is escalated there is nothing to compare.
        if saving.theirs <= 0.0 {
            continue;
        }
        any = true;
        let ours = saving
            .ours
            .map_or("not reached".to_owned(), |ours| format!("{ours:.3}"));
        let share = saving.ours.map_or(String::new(), |ours| {
            format!("{:+.1} %", 100.0 * (1.0 - ours / saving.theirs))
        });
        let _ = writeln!(
            text,
            "| {:.1} % | `{}` | {:.3} | {ours} | {share} |",
            100.0 * saving.accuracy,
            saving.than,
            saving.theirs
        );
    }
    if any { text } else { String::new() }
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
            "| {rule} {} | {:.1} % | {} | {:.4} |",
            row.name,
            100.0 * row.figures.accuracy,
            bounded(row.relative_cost),
            row.figures.miss
        );
    }
    text
}
