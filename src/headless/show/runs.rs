//! The runs of a log.

use serde_json::json;

use crate::app::Runs;

use super::grid::{Cell, grid};
use super::{Shown, Subject, amount, percent, tally};

/// One row a run.
#[must_use]
pub fn runs(subject: &Subject<'_>) -> Shown {
    let survey = subject.survey;
    let mut table = Runs::default();
    table.refresh(survey, false);
    let titles = [
        "run",
        "router",
        "problems",
        "correct",
        "95 %",
        "large",
        "cost",
        "full cost",
        "unit",
        "ungraded",
        "truncated",
        "unfinished",
    ];
    let mut rows = vec![titles.map(|title| Cell::Left(title.to_owned())).into()];
    let mut found = Vec::new();
    let mut again = String::new();
    for row in &table.rows {
        let head = subject.head(row.run);
        let unit = subject.survey.unit_of(row.run);
        let id = survey.name(survey.runs()[row.run as usize].id);
        let counts = &row.tally;
        let interval = counts.interval().map_or_else(String::new, |[low, high]| {
            format!("[{:.1}, {:.1}]", 100.0 * low, 100.0 * high)
        });
        let spec = head.map_or("unknown", |head| head.router.spec.as_str());
        let shard = head.and_then(|head| Some(head.shard?.to_string()));
        let of_shard = shard.iter().map(|shard| format!(" shard {shard}"));
        rows.push(vec![
            Cell::Left(id.to_owned()),
            Cell::Left(format!("{spec}{}", of_shard.collect::<String>())),
            Cell::Right(counts.trajectories.to_string()),
            Cell::Right(percent(counts.accuracy())),
            Cell::Left(interval),
            Cell::Right(percent(counts.large_share())),
            Cell::Right(amount(counts.published())),
            Cell::Right(amount(counts.full())),
            Cell::Left(unit.as_ref().map_or_else(String::new, ToString::to_string)),
            Cell::Right(counts.ungraded.to_string()),
            Cell::Right(counts.truncated.to_string()),
            Cell::Right(counts.unfinished().to_string()),
        ]);
        if row.superseded > 0 {
            again.push_str(&format!(
                "{} of run {id} were done again by a later run of the same router and seed\n",
                row.superseded
            ));
        }
        if let Some(torn) = counts.torn_note() {
            again.push_str(&format!(
                "run {id}: {torn}: counts and costs of steps are too low\n"
            ));
        }
        found.push(json!({
            "run": id,
            "router": head.map(|head| &head.router),
            "command": head.map(|head| &head.command),
            "started": head.map(|head| &head.started),
            "seed": head.map(|head| head.seed),
            "shard": shard,
            "pool": head.map(|head| head.pool.iter().map(|m| &m.name).collect::<Vec<_>>()),
            "superseded": row.superseded,
            "came_to": tally(counts, unit.as_ref()),
        }));
    }
    Shown {
        text: format!("{}{again}", grid(&rows)),
        json: json!({ "screen": "runs", "runs": found }),
        warnings: Vec::new(),
    }
}
