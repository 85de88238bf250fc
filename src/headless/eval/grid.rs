//! Figures as cells: what the terminal, Markdown and LaTeX lay out, each in
//! its own way.

use crate::eval::choice::Choice;
use crate::eval::figures::{FLOPS, Figures};
use crate::eval::paired::Paired;
use crate::eval::published::Published;
use crate::eval::table::{Table, TableRow};
use crate::train::params::CostLedger;
use crate::train::report::Bounded;

use super::{Evaluation, OnForest};

/// A table of texts.
pub struct Grid {
    /// What it is of.
    pub caption: String,
    pub heads: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
    /// So many columns from the left hold words, the others numbers.
    pub words: usize,
    /// So many say which row it is.
    pub keys: usize,
}

/// Where nothing is known.
const UNKNOWN: &str = "–";

/// What a reader has to know of the results: what they are of, in what units.
pub fn ground(evaluation: &Evaluation) -> Vec<String> {
    let table = &evaluation.table;
    let mut lines: Vec<String> = evaluation.of_shard().into_iter().collect();
    for (number, ground) in table.grounds.iter().enumerate() {
        let rows = || table.rows.iter().filter(|row| row.ground == number);
        let Some(problems) = rows().map(|row| row.figures.problems).next() else {
            continue;
        };
        let mark = match table.grounds.len() {
            1 => String::new(),
            _ => format!("#{}: ", number + 1),
        };
        let of = match table.over.splits() {
            None => "problems".to_owned(),
            Some(_) => format!("problems of the {} split", table.over.name()),
        };
        lines.push(format!("{mark}{problems} {of}; {}", ground.describe()));
        lines.push(match ground.unit.as_deref() {
            None => format!("{mark}costs are unknown: give `params` or `price` of every model"),
            Some(FLOPS) => format!(
                "{mark}costs in FLOPs a problem; A/C: percent right by 1e12 FLOPs ({})",
                table.ledger.name()
            ),
            Some(unit) => format!(
                "{mark}costs in {unit} a problem; A/C: share right by 0.01 {unit} ({})",
                table.ledger.name()
            ),
        });
    }
    lines
}

/// The results, one line a row.
pub fn results(table: &Table) -> Grid {
    Grid {
        caption: "results".to_owned(),
        heads: vec![
            "method",
            "external",
            "accuracy % [95 %]",
            "cost",
            "A/C",
            "full cost",
            "cost/large",
            "PGR [95 %]",
            "CPT50",
            "CPT80",
            "CPT95",
            "large %",
            "n",
            "seeds",
            "cut off",
            "ungraded",
            "failed",
        ],
        rows: table.rows.iter().map(result).collect(),
        words: 2,
        keys: 1,
    }
}

fn result(row: &TableRow) -> Vec<String> {
    let f = &row.figures;
    let [half, most, nearly] = row.cost_at.unwrap_or_default().map(ratio);
    vec![
        row.name.clone(),
        row.external_text.clone(),
        accuracy(f),
        amount(f.published),
        f.per_cost.map_or(UNKNOWN.into(), short),
        full(f),
        ratio(f.relative.map(|found| found.value)),
        bounded(f.gap),
        half,
        most,
        nearly,
        f.large_share.map_or(UNKNOWN.into(), percent),
        f.problems.to_string(),
        f.seeds.to_string(),
        f.truncated.to_string(),
        f.ungraded.to_string(),
        f.failed.to_string(),
    ]
}

/// The settings of a sweep on the calibration split.
pub fn choice(choice: &Choice) -> Grid {
    let row = |candidate: &crate::eval::choice::Candidate| {
        let f = &candidate.figures;
        let cost = match choice.ledger {
            CostLedger::Published => amount(f.published),
            CostLedger::Full => full(f),
        };
        vec![
            candidate.name.clone(),
            if candidate.name == choice.chosen {
                "<-"
            } else {
                ""
            }
            .to_owned(),
            accuracy(f),
            cost,
            ratio(f.relative.map(|found| found.value)),
            ratio(f.gap.map(|found| found.value)),
            f.per_cost.map_or(UNKNOWN.into(), short),
        ]
    };
    Grid {
        caption: format!(
            "{}: chose {} by {} on {} calibration problems ({})",
            choice.sweep, choice.chosen, choice.rule, choice.problems, choice.why
        ),
        heads: vec![
            "setting",
            "chosen",
            "accuracy % [95 %]",
            "cost",
            "cost/large",
            "PGR",
            "A/C",
        ],
        rows: choice.candidates.iter().map(row).collect(),
        words: 2,
        keys: 1,
    }
}

/// The paired tests.
pub fn tests(table: &Table) -> Option<Grid> {
    if table.tests.is_empty() {
        return None;
    }
    let row = |test: &Paired| {
        let cost = match table.ledger {
            CostLedger::Published => test.published,
            CostLedger::Full => test.full,
        };
        vec![
            test.first.clone(),
            test.second.clone(),
            test.problems.to_string(),
            test.better.to_string(),
            test.worse.to_string(),
            probability(test.p),
            probability(test.p_holm),
            signed(test.accuracy.map(in_percent), |value| {
                format!("{value:+.1}")
            }),
            signed(cost, |value| format!("{value:+.2e}")),
        ]
    };
    Some(Grid {
        caption: format!(
            "paired tests, first minus second ({}; {} cost)",
            tests_used(&table.tests),
            table.ledger.name()
        ),
        heads: vec![
            "first",
            "second",
            "n",
            "better",
            "worse",
            "p",
            "p (Holm)",
            "accuracy % [95 %]",
            "cost [95 %]",
        ],
        rows: table.tests.iter().map(row).collect(),
        words: 2,
        keys: 2,
    })
}

/// The name of every test among them.
fn tests_used(tests: &[Paired]) -> String {
    let mut used: Vec<&str> = tests.iter().map(|test| test.test).collect();
    used.sort_unstable();
    used.dedup();
    used.join("; with several seeds ")
}

/// What settings cost that recover a part of the gap, and the area under them.
pub fn families(evaluation: &Evaluation) -> Option<Grid> {
    let swept = evaluation
        .choices
        .iter()
        .filter_map(|one| one.family.as_ref());
    let rows: Vec<Vec<String>> = evaluation
        .table
        .families
        .iter()
        .chain(swept)
        .map(|family| {
            let mut row = vec![
                family.name.clone(),
                family.on.clone(),
                family.points.len().to_string(),
            ];
            row.extend(family.cost_at.map(ratio));
            row.push(family.area.map_or(UNKNOWN.into(), percent));
            row
        })
        .collect();
    (!rows.is_empty()).then(|| Grid {
        caption: "settings together: least cost/large that recovers 50, 80, 95 % of the gap on \
                  their concave hull, and mean accuracy over all costs between the models alone"
            .to_owned(),
        heads: vec![
            "router", "split", "settings", "CPT50", "CPT80", "CPT95", "area %",
        ],
        rows,
        words: 2,
        keys: 1,
    })
}

/// The oracle beside the models alone, on a forest.
pub fn forest(forest: &OnForest) -> Grid {
    let row = |row: &crate::train::report::Row| {
        let f = &row.figures;
        let interval = Some(f.accuracy_interval);
        vec![
            row.name.clone(),
            "none".to_owned(),
            bounded_percent(f.accuracy, interval),
            amount(f.published),
            amount(f.full),
            ratio(row.relative_cost.map(|found| found.value)),
            bounded(row.gap),
        ]
    };
    Grid {
        caption: format!(
            "on the forest ({} of {} problems whose forest is complete, {} split), not on the \
             problems above",
            forest.problems,
            forest.of,
            forest.over.name()
        ),
        heads: vec![
            "method",
            "external",
            "accuracy % [95 %]",
            "cost",
            "full cost",
            "cost/large",
            "PGR [95 %]",
        ],
        rows: forest.rows.iter().map(row).collect(),
        words: 2,
        keys: 1,
    }
}

/// Published rows, a grid a data set and pair.
pub fn published(rows: &[Published]) -> Vec<Grid> {
    rows.chunk_by(|a, b| (a.data_set, a.pair) == (b.data_set, b.pair))
        .map(|rows| Grid {
            caption: format!(
                "published, not run here: {}, {}; cost in {} a problem; source: {}",
                rows[0].data_set,
                rows[0].pair,
                rows[0].unit,
                sources(rows)
            ),
            heads: vec![
                "method (published)",
                "external",
                "accuracy %",
                "cost",
                "A/C",
            ],
            rows: rows.iter().map(published_row).collect(),
            words: 2,
            keys: 1,
        })
        .collect()
}

fn published_row(row: &Published) -> Vec<String> {
    vec![
        row.method.to_owned(),
        row.external.to_owned(),
        format!("{:.1}", row.accuracy),
        row.cost.to_string(),
        row.per_cost
            .map_or(UNKNOWN.into(), |found| found.to_string()),
    ]
}

/// Where rows come from: of the first, and of those that come from elsewhere.
fn sources(rows: &[Published]) -> String {
    let first = rows[0].source;
    let others = rows.iter().filter(|row| row.source != first);
    let others: String = others
        .map(|row| format!("; {}: {}", row.method, row.source))
        .collect();
    format!("{first}{others}")
}

/// Every grid after the results, in order.
pub fn rest(evaluation: &Evaluation) -> Vec<Grid> {
    let mut grids: Vec<Grid> = evaluation.choices.iter().map(choice).collect();
    grids.extend(tests(&evaluation.table));
    grids.extend(families(evaluation));
    grids.extend(evaluation.forest.as_ref().map(forest));
    grids.extend(published(&evaluation.published));
    grids
}

fn accuracy(figures: &Figures) -> String {
    let found = figures.accuracy;
    found.map_or(UNKNOWN.into(), |found| {
        bounded_percent(found.value, found.interval)
    })
}

fn bounded_percent(value: f64, interval: Option<[f64; 2]>) -> String {
    match interval {
        Some([low, high]) => {
            format!("{} [{}, {}]", percent(value), percent(low), percent(high))
        }
        None => percent(value),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

fn full(figures: &Figures) -> String {
    let bound = if figures.upper_bound { "≤" } else { "" };
    match figures.full {
        Some(full) => format!("{bound}{full:.3e}"),
        None => UNKNOWN.to_owned(),
    }
}

fn amount(cost: Option<f64>) -> String {
    cost.map_or(UNKNOWN.into(), |cost| format!("{cost:.3e}"))
}

fn ratio(value: Option<f64>) -> String {
    value.map_or(UNKNOWN.into(), |value| format!("{value:.3}"))
}

fn bounded(found: Option<Bounded>) -> String {
    match found {
        None => UNKNOWN.to_owned(),
        Some(Bounded {
            value,
            interval: None,
        }) => format!("{value:.3}"),
        Some(Bounded {
            value,
            interval: Some([low, high]),
        }) => format!("{value:.2} [{low:.2}, {high:.2}]"),
    }
}

fn in_percent(found: Bounded) -> Bounded {
    Bounded {
        value: 100.0 * found.value,
        interval: found.interval.map(|ends| ends.map(|end| 100.0 * end)),
    }
}

fn signed(found: Option<Bounded>, number: impl Fn(f64) -> String) -> String {
    let Some(found) = found else {
        return UNKNOWN.to_owned();
    };
    match found.interval {
        Some([low, high]) => {
            format!(
                "{} [{}, {}]",
                number(found.value),
                number(low),
                number(high)
            )
        }
        None => number(found.value),
    }
}

fn probability(p: f64) -> String {
    match p {
        p if p < 1e-4 => format!("{p:.1e}"),
        p => format!("{p:.4}"),
    }
}

/// Four digits.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 1e4 || (size > 0.0 && size < 1e-3) => format!("{value:.3e}"),
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 10.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
