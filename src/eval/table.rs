//! The results table: every row on the problems that all have, with what
//! follows from rows together.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::problem::split::Split;
use crate::train::params::CostLedger;

use super::choice::point;
use super::figures::{Figures, Measured};
use super::frontier::{Family, Point};
use super::outcomes::ProblemKey;
use super::paired::{PairError, Paired, compare, holm};
use super::rows::{Ground, LARGE, Row, Rows, SMALL};

/// The problems a table is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Over {
    All,
    Calibration,
    Test,
}

impl Over {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Calibration => Split::Calibration.name(),
            Self::Test => Split::Test.name(),
        }
    }

    /// The splits it takes; `None`: every problem, known or not.
    #[must_use]
    pub fn splits(self) -> Option<Vec<Split>> {
        match self {
            Self::All => None,
            Self::Calibration => Some(vec![Split::Calibration]),
            Self::Test => Some(vec![Split::Test]),
        }
    }

    #[must_use]
    pub fn holds(self, problem: &ProblemKey) -> bool {
        match self {
            Self::All => true,
            Self::Calibration => problem.split == Some(Split::Calibration),
            Self::Test => problem.split == Some(Split::Test),
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableRow {
    pub name: String,
    /// The router without its parameters.
    pub router: String,
    pub external: BTreeMap<String, String>,
    #[serde(skip)]
    pub external_text: String,
    /// Place in [`Table::grounds`].
    pub ground: usize,
    pub figures: Figures,
    /// Least relative cost at which settings of this router recover 50, 80 and
    /// 95 % of the gap (CPT).
    pub cost_at: Option<[Option<f64>; 3]>,
    /// Its problems that other rows lack: left out of its figures.
    pub left_out: usize,
}

/// Everything about some problems.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    pub over: Over,
    pub ledger: CostLedger,
    pub grounds: Vec<Ground>,
    pub rows: Vec<TableRow>,
    /// All settings of each router of the table on these problems, and the
    /// line of a coin between the models alone.
    pub families: Vec<Family>,
    pub tests: Vec<Paired>,
    /// Comparisons that could not be made, and why.
    pub refused: Vec<String>,
    pub warnings: Vec<String>,
}

/// Which rows are compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Pairs {
    /// Every row against the first policy where there is one, else against the
    /// large model.
    #[default]
    Default,
    /// All pairs of one ground.
    All,
    /// These, by name.
    Given(Vec<(String, String)>),
}

/// Rows that no table can be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    #[error("no row has a problem of the {over} split{unknown}")]
    NoProblem {
        over: &'static str,
        unknown: &'static str,
    },
    #[error(
        "the rows have no problem in common, so that nothing can be compared ({rows}): name the \
         routers to compare with `--routers`, or give logs of the same problems"
    )]
    NothingInCommon { rows: String },
    #[error("no row `{name}`; there are {rows}")]
    NoRow { name: String, rows: String },
    #[error(transparent)]
    Pair(#[from] PairError),
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn empty(over: Over, ledger: CostLedger) -> Self {
        Self {
            over,
            ledger,
            grounds: Vec::new(),
            rows: Vec::new(),
            families: Vec::new(),
            tests: Vec::new(),
            refused: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Makes the table. Rows without a problem of the split are left out, with
    /// a warning; figures are over the problems that all rows of a ground
    /// have.
    ///
    /// # Errors
    /// No problem at all, none in common, pairs given that cannot be compared.
    pub fn of(
        rows: &Rows,
        over: Over,
        ledger: CostLedger,
        pairs: &Pairs,
    ) -> Result<Self, TableError> {
        let mut table = Self {
            grounds: rows.grounds.clone(),
            ..Self::empty(over, ledger)
        };
        let there = table.with_problems(rows)?;
        for ground in 0..rows.grounds.len() {
            let of_ground = there.iter().copied().filter(|row| row.ground == ground);
            let of_ground: Vec<&Row> = of_ground.collect();
            if !of_ground.is_empty() {
                table.add_ground(ground, &of_ground)?;
            }
        }
        table.compare(rows, &there, pairs)?;
        Ok(table)
    }

    fn with_problems<'a>(&mut self, rows: &'a Rows) -> Result<Vec<&'a Row>, TableError> {
        let holds = |row: &&Row| row.cells.keys().any(|problem| self.over.holds(problem));
        let (there, gone): (Vec<&Row>, Vec<&Row>) = rows.rows.iter().partition(holds);
        if there.is_empty() {
            let unknown = rows
                .rows
                .iter()
                .any(|row| row.cells.keys().any(|p| p.split.is_none()));
            return Err(TableError::NoProblem {
                over: self.over.name(),
                unknown: match unknown {
                    true => " (of problems whose question is lost nobody knows the split)",
                    false => ": take more problems, or another `--split`",
                },
            });
        }
        if !gone.is_empty() {
            self.warnings.push(format!(
                "left out for want of a problem of the {} split: {}",
                self.over.name(),
                named(&gone)
            ));
        }
        Ok(there)
    }

    fn add_ground(&mut self, ground: usize, rows: &[&Row]) -> Result<(), TableError> {
        let own = |row: &&Row| row.problems(|problem| self.over.holds(problem));
        let sets: Vec<BTreeSet<ProblemKey>> = rows.iter().map(own).collect();
        let common: Vec<ProblemKey> = sets[0]
            .iter()
            .filter(|problem| sets.iter().all(|set| set.contains(*problem)))
            .cloned()
            .collect();
        if common.is_empty() {
            return Err(TableError::NothingInCommon { rows: named(rows) });
        }
        let left_out: Vec<usize> = sets.iter().map(|set| set.len() - common.len()).collect();
        if left_out.iter().any(|&n| n > 0) {
            let counts: Vec<String> = rows
                .iter()
                .zip(&sets)
                .map(|(row, set)| format!("{} {}", row.name, set.len()))
                .collect();
            self.warnings.push(format!(
                "rows cover different problems ({}): every figure is over the {} that all have",
                counts.join(", "),
                common.len()
            ));
        }
        let alone = [SMALL, LARGE].map(|router| rows.iter().find(|r| r.router == router).copied());
        let unit = self.grounds[ground].unit.clone();
        let measured = Measured::new(rows, alone, &common, self.ledger, unit.as_deref());
        let figures = measured.figures(&common);
        self.warnings.extend(missing(rows, &alone, &figures));
        let made = rows.iter().zip(figures).zip(left_out);
        let made: Vec<TableRow> = made
            .map(|((row, figures), left_out)| TableRow {
                name: row.name.clone(),
                router: row.router.clone(),
                external: row.external.clone(),
                external_text: row.external(),
                ground,
                figures,
                cost_at: None,
                left_out,
            })
            .collect();
        self.add_families(made);
        Ok(())
    }

    /// Adds rows of one ground, with the families of their routers.
    fn add_families(&mut self, mut rows: Vec<TableRow>) {
        let place = |row: &TableRow| point(&row.name, &row.figures);
        let alone = |router: &str| rows.iter().find(|r| r.router == router).and_then(place);
        if let (Some(small), Some(large)) = (alone(SMALL), alone(LARGE)) {
            let on = self.over.name();
            let mut families = vec![Family::new(MIX, on, Vec::new(), &small, &large)];
            let mut routers: Vec<String> = rows.iter().map(|row| row.router.clone()).collect();
            routers.dedup();
            routers.retain(|router| router != SMALL && router != LARGE);
            for router in routers {
                let settings = rows.iter().filter(|row| row.router == router);
                let points: Vec<Point> = settings.filter_map(place).collect();
                if !points.is_empty() {
                    families.push(Family::new(&router, on, points, &small, &large));
                }
            }
            for row in &mut rows {
                let family = families.iter().find(|family| family.name == row.router);
                row.cost_at = family.map(|family| family.cost_at);
            }
            if let (true, Some(row)) = (self.grounds.len() > 1, rows.first()) {
                for family in &mut families {
                    family.name = format!("{} #{}", family.name, row.ground + 1);
                }
            }
            self.families.extend(families);
        }
        self.rows.extend(rows);
    }

    fn compare(&mut self, all: &Rows, rows: &[&Row], pairs: &Pairs) -> Result<(), TableError> {
        let holds = |problem: &ProblemKey| self.over.holds(problem);
        let row = |name: &String| {
            let found = all.find(name).filter(|row| !row.problems(holds).is_empty());
            found.ok_or_else(|| TableError::NoRow {
                name: name.clone(),
                rows: named(rows),
            })
        };
        let chosen: Vec<(&Row, &Row)> = match pairs {
            Pairs::Given(names) => names
                .iter()
                .map(|(a, b)| Ok((row(a)?, row(b)?)))
                .collect::<Result<_, TableError>>()?,
            Pairs::All => every_pair(rows),
            Pairs::Default => against_one(rows),
        };
        for (a, b) in chosen {
            match compare(a, b, holds) {
                Ok(found) => self.tests.push(found),
                // Asked for by name: somebody waits for it.
                Err(error) if matches!(pairs, Pairs::Given(_)) => return Err(error.into()),
                Err(error) => self.refused.push(error.to_string()),
            }
        }
        let ps: Vec<f64> = self.tests.iter().map(|test| test.p).collect();
        for (test, p) in self.tests.iter_mut().zip(holm(&ps)) {
            test.p_holm = p;
        }
        Ok(())
    }
}

/// The line of a coin between the models alone.
pub const MIX: &str = "coin between small and large";

/// Router whose row others are compared with.
const POLICY: &str = "policy";

fn every_pair<'a>(rows: &[&'a Row]) -> Vec<(&'a Row, &'a Row)> {
    let mut pairs = Vec::new();
    for (at, a) in rows.iter().enumerate() {
        let later = rows[at + 1..].iter().filter(|b| b.ground == a.ground);
        pairs.extend(later.map(|b| (*a, *b)));
    }
    pairs
}

/// On every ground each row against the policy or the large model.
fn against_one<'a>(rows: &[&'a Row]) -> Vec<(&'a Row, &'a Row)> {
    let base = |ground: usize| {
        let of = |router: &str| {
            let is = |row: &&&Row| row.ground == ground && row.router == router;
            rows.iter().find(is).copied()
        };
        of(POLICY).or_else(|| of(LARGE))
    };
    let pair = |row: &&'a Row| {
        let base = base(row.ground)?;
        (base.name != row.name).then_some((base, *row))
    };
    rows.iter().filter_map(pair).collect()
}

/// What a reader misses in the figures, and why it is not there.
fn missing(rows: &[&Row], alone: &[Option<&Row>; 2], figures: &[Figures]) -> Vec<String> {
    let mut told = Vec::new();
    for (row, router) in alone.iter().zip([SMALL, LARGE]) {
        if row.is_none() && rows.iter().any(|row| !row.is_anchor()) {
            told.push(format!(
                "no row `{router}`: without it there is no {}",
                match router {
                    LARGE => "cost / large, PGR and CPT",
                    _ => "PGR and CPT",
                }
            ));
        }
    }
    let ungraded: Vec<String> = rows
        .iter()
        .zip(figures)
        .filter(|(_, figures)| figures.ungraded > 0)
        .map(|(row, figures)| format!("{} {}", row.name, figures.ungraded))
        .collect();
    if !ungraded.is_empty() {
        told.push(format!(
            "ungraded answers are neither right nor wrong here: {}",
            ungraded.join(", ")
        ));
    }
    told
}

fn named(rows: &[&Row]) -> String {
    let names: Vec<String> = rows
        .iter()
        .map(|row| format!("{} ({} problems)", row.name, row.cells.len()))
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::samples::rows;

    fn table(runs: &[(&str, u64, &str, f64)], pairs: &Pairs) -> Result<Table, TableError> {
        Table::of(&rows(runs), Over::All, CostLedger::Published, pairs)
    }

    const RUNS: [(&str, u64, &str, f64); 4] = [
        ("small", 0, "+++-----", 1.0),
        ("large", 0, "+++++++-", 10.0),
        ("threshold:t=0.5", 0, "+++++---", 4.0),
        ("threshold:t=0.8", 0, "+++++++-", 7.0),
    ];

    #[test]
    fn every_row_is_compared_with_the_large_model_or_the_policy() {
        let found = table(&RUNS, &Pairs::Default).unwrap();
        let pairs: Vec<(&str, &str)> = found
            .tests
            .iter()
            .map(|test| (test.first.as_str(), test.second.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                ("large", "small"),
                ("large", "threshold:t=0.5"),
                ("large", "threshold:t=0.8")
            ]
        );
        assert_eq!(found.tests[0].p, 0.125);
        assert_eq!(found.tests[0].p_holm, 0.375);
        assert_eq!(table(&RUNS, &Pairs::All).unwrap().tests.len(), 6);
        let mut runs = RUNS.to_vec();
        runs.push(("policy", 0, "+++++++-", 5.0));
        let found = table(&runs, &Pairs::Default).unwrap();
        assert!(found.tests.iter().all(|test| test.first == "policy"));
        assert_eq!(found.tests.len(), 4);
    }

    #[test]
    fn a_row_knows_what_its_router_pays_for_a_part_of_the_gap() {
        let found = table(&RUNS, &Pairs::Default).unwrap();
        assert_eq!(found.rows[0].cost_at, None);
        let [half, _, most] = found.rows[2].cost_at.unwrap();
        // The line from (0.1, 3/8) over (0.4, 5/8) to (0.7, 7/8).
        assert!((half.unwrap() - 0.4).abs() < 1e-12);
        assert!((most.unwrap() - (0.1 + 0.95 * 0.6)).abs() < 1e-12);
        assert_eq!(found.families[0].name, MIX);
        assert_eq!(found.families[1].points.len(), 2);
    }

    #[test]
    fn rows_of_different_problems_are_flagged_and_not_tested() {
        let runs = [
            ("small", 0, "++-.", 1.0),
            ("large", 0, "++++", 10.0),
            ("random:p=0.5", 0, ".+++", 5.0),
        ];
        let found = table(&runs, &Pairs::Default).unwrap();
        assert!(
            found.warnings[0].contains(
                "(small 3, large 4, random:p=0.5 3): every figure is over \
                                        the 2 that all have"
            ),
            "{:?}",
            found.warnings
        );
        assert!(found.rows.iter().all(|row| row.figures.problems == 2));
        assert_eq!(found.rows[1].left_out, 2);
        assert_eq!((found.tests.len(), found.refused.len()), (0, 2));
        let given = Pairs::Given(vec![("small".into(), "large".into())]);
        assert!(matches!(table(&runs, &given), Err(TableError::Pair(_))));
        let unknown = Pairs::Given(vec![("small".into(), "huge".into())]);
        let error = table(&runs, &unknown).unwrap_err().to_string();
        assert!(
            error.contains("no row `huge`; there are small (3 problems)"),
            "{error}"
        );
        let apart = [("small", 0, "+.", 1.0), ("large", 0, ".+", 1.0)];
        let error = table(&apart, &Pairs::Default).unwrap_err();
        assert!(matches!(error, TableError::NothingInCommon { .. }));
    }

    #[test]
    fn what_is_not_there_is_told() {
        let found = table(&[("threshold:t=0.5", 0, "+?", 1.0)], &Pairs::Default).unwrap();
        let told = found.warnings.join("\n");
        assert!(
            told.contains("no row `small`") && told.contains("no row `large`"),
            "{told}"
        );
        assert!(told.contains("ungraded answers are neither"), "{told}");
        let rows = rows(&[("small", 0, "+", 1.0)]);
        let over = [Over::Calibration, Over::Test];
        let failed = over
            .map(|over| Table::of(&rows, over, CostLedger::Published, &Pairs::Default).is_err());
        assert!(failed[0] || failed[1], "one problem is in one split");
    }
}
