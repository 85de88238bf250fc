//! The rows as comma-separated values, with all digits: `kind` is `measured`,
//! `forest` or `published`, and an empty field is not known.

use crate::eval::published::Published;
use crate::eval::table::{Table, TableRow};
use crate::train::report::{Bounded, Row};

use super::{Evaluation, OnForest};

const HEADS: [&str; 31] = [
    "kind",
    "method",
    "external",
    "problem_set",
    "ground",
    "problems",
    "seeds",
    "correct",
    "wrong",
    "ungraded",
    "failed",
    "truncated",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "accuracy_all",
    "cost_unit",
    "cost_published",
    "cost_full",
    "full_is_upper_bound",
    "relative_cost",
    "relative_cost_low",
    "relative_cost_high",
    "accuracy_per_cost",
    "pgr",
    "pgr_low",
    "pgr_high",
    "cpt50",
    "cpt80",
    "cpt95",
    "large_share",
];

/// Every row there is.
#[must_use]
pub fn csv(evaluation: &Evaluation) -> String {
    let table = &evaluation.table;
    let mut text = line(&HEADS.map(str::to_owned));
    for row in &table.rows {
        text.push_str(&line(&measured(table, row)));
    }
    if let Some(forest) = &evaluation.forest {
        for row in &forest.rows {
            text.push_str(&line(&on_forest(forest, row)));
        }
    }
    for row in &evaluation.published {
        text.push_str(&line(&published(row)));
    }
    text
}

/// RFC 4180: what holds a comma, a quote or a line end stands in quotes.
fn line(fields: &[String]) -> String {
    let quoted: Vec<String> = fields
        .iter()
        .map(|field| match field.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", field.replace('"', "\"\"")),
            false => field.clone(),
        })
        .collect();
    format!("{}\n", quoted.join(","))
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// Value, lower end, upper end.
fn bounded(found: Option<Bounded>) -> [String; 3] {
    let interval = found.and_then(|found| found.interval);
    [
        number(found.map(|found| found.value)),
        number(interval.map(|ends| ends[0])),
        number(interval.map(|ends| ends[1])),
    ]
}

fn measured(table: &Table, row: &TableRow) -> [String; 31] {
    let f = &row.figures;
    let [accuracy, low, high] = bounded(f.accuracy);
    let [relative, least, most] = bounded(f.relative);
    let [gap, gap_low, gap_high] = bounded(f.gap);
    let [half, eighty, nearly] = row.cost_at.unwrap_or_default().map(number);
    [
        "measured".to_owned(),
        row.name.clone(),
        row.external_text.clone(),
        table.over.name().to_owned(),
        (row.ground + 1).to_string(),
        f.problems.to_string(),
        f.seeds.to_string(),
        f.correct.to_string(),
        f.wrong.to_string(),
        f.ungraded.to_string(),
        f.failed.to_string(),
        f.truncated.to_string(),
        accuracy,
        low,
        high,
        number(f.accuracy_all),
        table.grounds[row.ground].unit.clone().unwrap_or_default(),
        number(f.published),
        number(f.full),
        f.upper_bound.to_string(),
        relative,
        least,
        most,
        number(f.per_cost),
        gap,
        gap_low,
        gap_high,
        half,
        eighty,
        nearly,
        number(f.large_share),
    ]
}

fn on_forest(forest: &OnForest, row: &Row) -> [String; 31] {
    let f = &row.figures;
    let mut fields = blank("forest", &row.name, "none", forest.over.name());
    let accuracy = Bounded {
        value: f.accuracy,
        interval: Some(f.accuracy_interval),
    };
    fields[5] = f.problems.to_string();
    fields[12..15].clone_from_slice(&bounded(Some(accuracy)));
    fields[17] = number(f.published);
    fields[18] = number(f.full);
    fields[20..23].clone_from_slice(&bounded(row.relative_cost));
    fields[24..27].clone_from_slice(&bounded(row.gap));
    fields
}

fn published(row: &Published) -> [String; 31] {
    let set = format!("{}, {}, {}", row.data_set, row.pair, row.source);
    let mut fields = blank("published", row.method, row.external, &set);
    // Percent with one decimal, as a share.
    fields[12] = number(Some((10.0 * row.accuracy).round() / 1000.0));
    fields[16] = row.unit.to_owned();
    fields[17] = number(Some(row.cost));
    fields[23] = number(row.per_cost);
    fields
}

fn blank(kind: &str, method: &str, external: &str, set: &str) -> [String; 31] {
    let mut fields = [const { String::new() }; 31];
    fields[..4].clone_from_slice(&[kind, method, external, set].map(str::to_owned));
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_hold_commas_are_quoted_and_columns_stay_in_place() {
        assert_eq!(line(&["a,\"b\"".into(), "c".into()]), "\"a,\"\"b\"\"\",c\n");
        assert_eq!(HEADS[5], "problems");
        assert_eq!(HEADS[12], "accuracy");
        assert_eq!(HEADS[16..19], ["cost_unit", "cost_published", "cost_full"]);
        assert_eq!(
            (HEADS[20], HEADS[23], HEADS[24]),
            ("relative_cost", "accuracy_per_cost", "pgr")
        );
    }
}
