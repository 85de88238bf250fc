//! One row a router: its runs over all seeds, put together.
//!
//! Runs make one row where everything but the seed is the same: the router
//! with its parameters and files, the pool, the sampling, who graded. What is
//! the same but for the router is one *ground*, on which rows may be compared.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use crate::trace::ids::sha256;
use crate::trace::pooled;
use crate::trace::record::{GRADER, ModelFacts, RouterFacts, RunRecord, Sampling, VERIFIER};

use super::outcomes::{Cell, End, Outcomes, ProblemKey, Run, counted};

/// The router whose row is the small model alone.
pub const SMALL: &str = "small";
/// The router whose row is the large model alone.
pub const LARGE: &str = "large";

/// What rows have in common that can be compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ground {
    /// The models, cheapest first.
    pub pool: Vec<String>,
    pub sampling: Sampling,
    /// `rules`, or the mode and the model that graded.
    pub graded_by: String,
    /// Unit of every cost; `None` where the pool has none in common.
    pub unit: Option<String>,
    #[serde(skip)]
    key: String,
}

/// A router's results.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The router's spec, told apart from others of the same spec.
    pub name: String,
    pub spec: String,
    /// The router without its parameters.
    pub router: String,
    pub parameters: BTreeMap<String, Value>,
    /// Models beside the pool that the router asks, by role.
    pub external: BTreeMap<String, String>,
    /// Place in [`Rows::grounds`].
    pub ground: usize,
    /// Keys of the runs in it.
    pub keys: BTreeSet<String>,
    pub seeds: BTreeSet<u64>,
    /// By problem and seed.
    pub cells: BTreeMap<ProblemKey, BTreeMap<u64, Cell>>,
    key: String,
}

/// All rows of some logs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// The models alone first, then by router and parameters.
    pub rows: Vec<Row>,
    pub grounds: Vec<Ground>,
    /// What was left out, and what is odd.
    pub warnings: Vec<String>,
}

impl Rows {
    /// Puts the runs together, those of shards into one. Of several outcomes of
    /// one problem under the same seed that of the run that began last counts,
    /// once, and it is told; one that an endpoint's failure ended never takes
    /// the place of one that was finished. Shards that are missing are told.
    #[must_use]
    pub fn of(outcomes: &Outcomes) -> Self {
        let mut rows = Self {
            warnings: left_out(outcomes),
            ..Self::default()
        };
        let mut repeated = BTreeSet::new();
        for run in &outcomes.runs {
            repeated.extend(rows.add(run));
        }
        if let Some(first) = repeated.first() {
            let warning = pooled::repeated(repeated.len(), &first.id);
            rows.warnings.push(warning);
        }
        let heads = outcomes.runs.iter().map(|run| &run.head);
        rows.warnings.extend(pooled::missing_shards(heads));
        rows.rows.sort_by(order);
        rows.tell_apart();
        rows
    }

    /// Adds a run; its problems that other runs of the row have too.
    fn add(&mut self, run: &Run) -> Vec<ProblemKey> {
        let ground = self.ground(&run.head);
        let key = router_key(&run.head);
        let known = self
            .rows
            .iter()
            .position(|row| row.ground == ground && row.key == key);
        let at = known.unwrap_or_else(|| {
            self.rows.push(Row::new(&run.head, ground, key));
            self.rows.len() - 1
        });
        self.rows[at].add(run)
    }

    fn ground(&mut self, head: &RunRecord) -> usize {
        let ground = Ground::of(head);
        let known = self.grounds.iter().position(|g| g.key == ground.key);
        known.unwrap_or_else(|| {
            self.grounds.push(ground);
            self.grounds.len() - 1
        })
    }

    /// Gives rows of the same spec names of their own.
    fn tell_apart(&mut self) {
        if self.grounds.len() > 1 {
            for row in &mut self.rows {
                row.name = format!("{} #{}", row.spec, row.ground + 1);
            }
        }
        let names: Vec<String> = self.rows.iter().map(|row| row.name.clone()).collect();
        for row in &mut self.rows {
            if names.iter().filter(|name| **name == row.name).count() > 1 {
                row.name = format!("{} ~{}", row.name, &sha256(row.key.as_bytes())[..4]);
            }
        }
    }

    /// Keeps the rows that `wanted` says.
    pub fn retain(&mut self, wanted: impl Fn(&Row) -> bool) {
        self.rows.retain(wanted);
    }

    /// The row of a name, or else the only one of a spec or of a router.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Row> {
        let by_name = self.rows.iter().find(|row| row.name == name);
        let only = |is: fn(&Row, &str) -> bool| {
            let mut found = self.rows.iter().filter(|row| is(row, name));
            found.next().filter(|_| found.next().is_none())
        };
        by_name
            .or_else(|| only(|row, name| row.spec == name))
            .or_else(|| only(|row, name| row.router == name))
    }

    /// The row of a model alone on a ground.
    #[must_use]
    pub fn alone(&self, ground: usize, router: &str) -> Option<&Row> {
        let of = |row: &&Row| row.ground == ground && row.router == router;
        self.rows.iter().find(of)
    }
}

impl Ground {
    fn of(head: &RunRecord) -> Self {
        let names = head.pool.iter().map(|model| model.name.clone());
        let mode = head.grading.as_deref().unwrap_or("rules");
        let grader = head.scorers.get(GRADER);
        let models: &[ModelFacts] = &head.pool;
        Self {
            key: text(&(models, head.sampling, mode, grader)),
            pool: names.collect(),
            sampling: head.sampling,
            graded_by: match grader {
                Some(grader) => format!("{mode} by {}", grader.name),
                None => mode.to_owned(),
            },
            unit: head.cost_unit.clone(),
        }
    }

    /// In one line.
    #[must_use]
    pub fn describe(&self) -> String {
        let s = &self.sampling;
        let sampling = match s.is_known() {
            true => format!(
                "temperature {}, top-p {}, {} tokens a step, {} steps",
                s.temperature, s.top_p, s.max_tokens, s.max_steps
            ),
            false => "imported: its sampling is not known in full".to_owned(),
        };
        format!(
            "pool {}; {sampling}; graded by {}",
            self.pool.join(", "),
            self.graded_by
        )
    }
}

impl Row {
    fn new(head: &RunRecord, ground: usize, key: String) -> Self {
        let external = asked(head).map(|(role, model)| (role.clone(), model.name.clone()));
        Self {
            external: external.collect(),
            ground,
            key,
            ..Self::without_runs(&head.router)
        }
    }

    /// The row of a router that nothing is known of.
    #[must_use]
    pub fn without_runs(router: &RouterFacts) -> Self {
        Self {
            name: router.spec.clone(),
            spec: router.spec.clone(),
            router: router.name.clone(),
            parameters: router.parameters.clone(),
            external: BTreeMap::new(),
            ground: 0,
            keys: BTreeSet::new(),
            seeds: BTreeSet::new(),
            cells: BTreeMap::new(),
            key: String::new(),
        }
    }

    fn add(&mut self, run: &Run) -> Vec<ProblemKey> {
        let mut repeated = Vec::new();
        self.keys.insert(run.head.key.clone());
        for (problem, cell) in &run.cells {
            self.seeds.insert(run.head.seed);
            let by_seed = self.cells.entry(problem.clone()).or_default();
            let Some(held) = by_seed.get_mut(&run.head.seed) else {
                by_seed.insert(run.head.seed, *cell);
                continue;
            };
            repeated.push(problem.clone());
            if cell.end != End::Failed || held.end == End::Failed {
                *held = *cell;
            }
        }
        repeated
    }

    /// Whether this is a model alone.
    #[must_use]
    pub fn is_anchor(&self) -> bool {
        self.router == SMALL || self.router == LARGE
    }

    /// External models as a table names them.
    #[must_use]
    pub fn external(&self) -> String {
        let named = self
            .external
            .iter()
            .map(|(role, name)| format!("{role} {name}"));
        let named: Vec<String> = named.collect();
        match named.is_empty() {
            true => "none".to_owned(),
            false => named.join(", "),
        }
    }

    /// Its problems that `wanted` says.
    #[must_use]
    pub fn problems(&self, wanted: impl Fn(&ProblemKey) -> bool) -> BTreeSet<ProblemKey> {
        let wanted = |problem: &&ProblemKey| wanted(problem);
        self.cells.keys().filter(wanted).cloned().collect()
    }
}

/// The scorers that a router asks: a grader says how it did and a verifier is
/// asked in training.
fn asked(head: &RunRecord) -> impl Iterator<Item = (&String, &ModelFacts)> {
    let of_routing = |(role, _): &(&String, &ModelFacts)| *role != GRADER && *role != VERIFIER;
    head.scorers.iter().filter(of_routing)
}

/// Everything that makes the router what it is: of its files the contents.
fn router_key(head: &RunRecord) -> String {
    let router = &head.router;
    let files: BTreeSet<&String> = router.files.values().collect();
    let scorers: Vec<(&String, &ModelFacts)> = asked(head).collect();
    text(&(
        &router.name,
        &router.parameters,
        files,
        &head.signal,
        scorers,
    ))
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("facts of a run head were JSON before")
}

fn left_out(outcomes: &Outcomes) -> Vec<String> {
    let mut warnings: Vec<String> = outcomes
        .others
        .iter()
        .map(|(command, runs)| {
            let why = match command.as_str() {
                "inspect" => ": a person may have decided there",
                "explore" => ": a forest follows no router",
                _ => "",
            };
            format!("left out: {} of `{command}`{why}", counted(*runs, "run"))
        })
        .collect();
    if outcomes.headless > 0 {
        warnings.push(format!(
            "left out: {}, the line that says what it was being lost",
            counted(outcomes.headless, "run")
        ));
    }
    warnings
}

/// The models alone first, then by router and parameters, numbers as numbers.
fn order(a: &Row, b: &Row) -> Ordering {
    let rank = |row: &Row| match row.router.as_str() {
        SMALL => 0,
        LARGE => 1,
        _ => 2,
    };
    (a.ground, rank(a), &a.router)
        .cmp(&(b.ground, rank(b), &b.router))
        .then_with(|| by_parameters(a, b))
        .then_with(|| a.spec.cmp(&b.spec))
}

fn by_parameters(a: &Row, b: &Row) -> Ordering {
    for (name, value) in &a.parameters {
        let (one, other) = (
            value.as_f64(),
            b.parameters.get(name).and_then(Value::as_f64),
        );
        if let Some((one, other)) = one.zip(other)
            && one.total_cmp(&other) != Ordering::Equal
        {
            return one.total_cmp(&other);
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::samples::{head, outcome, problem, records, rows, write};
    use crate::problem::answer::Verdict;
    use crate::trace::record::{Record, TrajectoryEnd};

    fn of(records: &[Record]) -> Rows {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        write(&path, records);
        Rows::of(&Outcomes::read(&[&path]).unwrap())
    }

    #[test]
    fn seeds_share_a_row_and_parameters_do_not() {
        let found = rows(&[
            ("threshold:t=0.9", 0, "++", 5.0),
            ("threshold:t=0.10", 0, "+-", 2.0),
            ("threshold:t=0.9", 1, "+-", 5.0),
            ("large", 0, "++", 9.0),
            ("small", 0, "--", 1.0),
        ]);
        let names: Vec<&str> = found.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(
            names,
            ["small", "large", "threshold:t=0.10", "threshold:t=0.9"]
        );
        assert_eq!(found.rows[3].seeds.len(), 2);
        assert_eq!(found.rows[3].keys.len(), 2);
        assert!(found.warnings.is_empty());
        assert_eq!(found.rows[0].external(), "none");
        assert!(found.find("threshold:t=0.9").is_some() && found.find("t").is_none());
    }

    #[test]
    fn of_one_seed_and_problem_the_last_outcome_counts_once() {
        let mut first = head("a", "small", 0);
        first.started = "2026-01-02T00:00:00Z".into();
        let second = head("b", "small", 0);
        let mut failed = outcome("a", "p1", Verdict::Ungraded, 1.0);
        failed.end = TrajectoryEnd::Error;
        let found = of(&[
            Record::Run(Box::new(first)),
            Record::Run(Box::new(second)),
            problem("a", "p0", "q"),
            problem("b", "p0", "q"),
            problem("a", "p1", "r"),
            problem("b", "p1", "r"),
            Record::Outcome(Box::new(outcome("a", "p0", Verdict::Correct, 1.0))),
            Record::Outcome(Box::new(failed)),
            Record::Outcome(Box::new(outcome("b", "p0", Verdict::Wrong, 1.0))),
            Record::Outcome(Box::new(outcome("b", "p1", Verdict::Wrong, 1.0))),
        ]);
        assert_eq!(found.rows.len(), 1);
        let verdicts: Vec<Verdict> = found.rows[0]
            .cells
            .values()
            .map(|by_seed| by_seed[&0].verdict)
            .collect();
        // Run `a` began later; what failed in it does not undo `b`.
        assert_eq!(verdicts, [Verdict::Correct, Verdict::Wrong]);
        let told = found.warnings.concat();
        assert!(
            told.contains("problem `p0` and 1 more found in several runs"),
            "{told}"
        );
    }

    #[test]
    fn shards_are_one_row_in_whatever_order_and_a_missing_one_is_told() {
        let shard = |run: &str, shard: &str, marks: &str| {
            let mut head = head(run, "small", 0);
            head.shard = Some(shard.parse().unwrap());
            records(&head, marks, 3.0)
        };
        let whole = of(&records(&head("w", "small", 0), "+-+-", 3.0));
        let (a, b) = (shard("a", "1/2", "+..-"), shard("b", "2/2", ".-+."));
        for both in [[a.clone(), b.clone()], [b.clone(), a.clone()]] {
            let found = of(&both.concat());
            assert_eq!(found.rows, whole.rows);
            assert_eq!(found.warnings, Vec::<String>::new());
        }
        let told = of(&a).warnings.concat();
        assert!(told.contains("the logs lack shard 2/2"), "{told}");
    }

    #[test]
    fn other_pools_samplings_and_files_are_other_rows() {
        let mut hot = head("b", "small", 0);
        hot.sampling.temperature = 1.0;
        let mut all = records(&head("a", "small", 0), "+", 1.0);
        all.extend(records(&hot, "-", 1.0));
        let found = of(&all);
        assert_eq!(found.grounds.len(), 2);
        let names: Vec<&str> = found.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["small #1", "small #2"]);
        assert!(found.find("small").is_none(), "it could be either");
        assert!(found.grounds[1].describe().contains("temperature 1,"));

        let policy = |run: &str, hash: &str| {
            let mut head = head(run, "policy:path=run", 0);
            head.router.files.insert("run".into(), hash.into());
            records(&head, "+", 1.0)
        };
        let found = of(&[policy("a", "1"), policy("b", "2")].concat());
        assert_eq!(found.rows.len(), 2);
        assert_ne!(found.rows[0].name, found.rows[1].name);
    }

    #[test]
    fn scorers_of_a_router_are_external_models() {
        let mut rsd = head("a", "rsd:delta=0.7", 0);
        let model = rsd.pool[0].clone();
        for role in ["prm", GRADER, VERIFIER] {
            rsd.scorers.insert(role.into(), model.clone());
        }
        let found = of(&records(&rsd, "+", 1.0));
        assert_eq!(found.rows[0].external(), "prm s");
    }
}
