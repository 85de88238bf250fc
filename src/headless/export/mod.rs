//! `export`: which trajectories of a log leave it, one after another: never
//! more than one of them is in memory.

use std::collections::{HashMap, HashSet};

use crate::expr::{Expr, ExprError, Scope, Trajectory};
use crate::headless::{Exit, Failure};
use crate::survey::Survey;
use crate::trace::export::Subject;
use crate::trace::index::FileDamage;
use crate::trace::record::RunRecord;
use crate::trace::{Log, Tree};

/// Which trajectories are wanted; everything where nothing is said.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Of the problem of this id.
    pub problem: Option<String>,
    /// Of the run whose id begins so.
    pub run: Option<String>,
    /// Those that fulfil an expression.
    pub filter: Option<String>,
    /// Most of them.
    pub limit: Option<usize>,
}

impl Selection {
    /// Whether the filter is about what decisions lost or why answers are not
    /// right: that follows from the whole log, not from one trajectory.
    ///
    /// # Errors
    /// An expression that is at fault.
    pub fn reads_regret(&self) -> Result<bool, Failure> {
        let Some(text) = &self.filter else {
            return Ok(false);
        };
        Ok(condition(text)?.reads_regret())
    }
}

fn condition(text: &str) -> Result<Expr, Failure> {
    Expr::condition(text, Scope::Trajectory).map_err(|error| wrong(&error))
}

fn wrong(error: &ExprError) -> Failure {
    Failure::usage(format!("--filter: {error}"))
        .hint("`pointsman replay LOG --filter help` lists the names")
}

/// A trajectory that is wanted.
pub struct Found<'a> {
    /// `None` where its line is lost.
    pub head: Option<&'a RunRecord>,
    pub run: &'a str,
    pub problem: &'a str,
    pub tree: Tree,
    /// What of it could not be read.
    pub damages: Vec<FileDamage>,
}

impl Found<'_> {
    /// As the formats see it.
    pub fn subject(&self) -> Subject<'_> {
        Subject::new(self.head, &self.tree)
    }
}

/// The trajectories of a log that are wanted, in its order.
pub struct Chosen<'a> {
    log: &'a Log,
    places: std::vec::IntoIter<(&'a str, &'a str)>,
    /// Number of places, before any was read.
    all: usize,
    filter: Option<Filter>,
    left: usize,
}

impl<'a> Chosen<'a> {
    /// Looks for them. Nothing is read yet but where the filter
    /// [reads regret](Selection::reads_regret): that asks `survey`, in which
    /// they are worked out.
    ///
    /// # Errors
    /// A run or a problem that is not there, an expression that is at fault.
    pub fn new(
        log: &'a Log,
        selection: &Selection,
        survey: Option<&Survey>,
    ) -> Result<Self, Failure> {
        let run = selection
            .run
            .as_deref()
            .map(|id| run_of(log, id))
            .transpose()?;
        let problem = selection.problem.as_deref();
        let all = log.trajectories();
        let of_run = all.filter(|one| run.is_none_or(|run| one.run == run));
        let wanted = of_run.filter(|one| problem.is_none_or(|id| one.problem == id));
        let places: Vec<(&str, &str)> = wanted.map(|one| (one.run, one.problem)).collect();
        if places.is_empty() {
            let message = match (problem, run) {
                (Some(id), Some(run)) => format!("no problem `{id}` in run `{run}`"),
                (Some(id), None) => format!("no problem `{id}` in the log"),
                _ => "no trajectory in the log".to_owned(),
            };
            return Err(Failure::usage(message));
        }
        let filter = selection.filter.as_deref();
        let filter = filter.map(|text| Filter::new(log, text, survey));
        Ok(Self {
            log,
            all: places.len(),
            places: places.into_iter(),
            filter: filter.transpose()?,
            left: selection.limit.unwrap_or(usize::MAX),
        })
    }

    /// Reads on to the next one.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn advance(&mut self) -> Result<Option<Found<'a>>, Failure> {
        while self.left > 0
            && let Some((run, problem)) = self.places.next()
        {
            let head = self.log.run(run);
            let (tree, damages) = self.log.tree(run, problem)?;
            let filter = self.filter.as_ref();
            if filter.is_none_or(|filter| filter.holds((run, problem), head, &tree)) {
                self.left -= 1;
                return Ok(Some(Found {
                    head,
                    run,
                    problem,
                    tree,
                    damages,
                }));
            }
        }
        Ok(None)
    }

    /// That none was found.
    pub fn none(&self) -> Failure {
        let text = self.filter.as_ref().map_or("", |filter| &filter.text);
        let message = match self.all {
            1 => format!("the trajectory does not fulfil `{text}`"),
            all => format!("none of the {all} trajectories fulfils `{text}`"),
        };
        Failure::new(Exit::Failed, message)
    }
}

/// The run whose id is this, or the only one whose id begins so.
fn run_of<'a>(log: &'a Log, id: &str) -> Result<&'a str, Failure> {
    let ids: Vec<&str> = log.runs().iter().map(|run| run.id.as_str()).collect();
    Ok(ids[named(&ids, id)?])
}

/// The place of the run whose id is this, or of the only one whose id begins
/// so.
///
/// # Errors
/// There is none, or there are several.
pub fn named(ids: &[&str], id: &str) -> Result<usize, Failure> {
    let exact = ids.iter().position(|run| *run == id);
    let begins = |at: &usize| ids[*at].starts_with(id);
    let begins: Vec<usize> = (0..ids.len()).filter(begins).collect();
    match (exact, begins.as_slice()) {
        (Some(one), _) | (None, &[one]) => Ok(one),
        _ => {
            let message = format!("no run, or more than one, begins with `{id}`");
            Err(Failure::usage(message).hint(format!("--run takes one of {}", ids.join(", "))))
        }
    }
}

/// A condition over trajectories.
struct Filter {
    text: String,
    rule: Rule,
}

enum Rule {
    /// Asked of each one as it is read. Runs have different pools: models have
    /// the names that their run's pool gives them. By the id of the run; `None`
    /// where a name is of no model of its pool: nothing is known there.
    Asked(HashMap<String, Option<Expr>>),
    /// Those that fulfil it, by the ids of their runs and problems.
    Known(HashSet<(String, String)>),
}

impl Filter {
    fn new(log: &Log, text: &str, survey: Option<&Survey>) -> Result<Self, Failure> {
        let condition = condition(text)?;
        let rule = match survey {
            Some(survey) if condition.reads_regret() => known(log, survey, &condition)?,
            _ => asked(log, &condition)?,
        };
        Ok(Self {
            text: condition.text().to_owned(),
            rule,
        })
    }

    fn holds(&self, key: (&str, &str), head: Option<&RunRecord>, tree: &Tree) -> bool {
        let (run, problem) = key;
        match &self.rule {
            Rule::Asked(of_runs) => {
                let condition = of_runs.get(run).and_then(Option::as_ref);
                let line = || Trajectory::main_line(head, tree);
                condition.is_some_and(|condition| condition.holds(&line()))
            }
            Rule::Known(keys) => keys.contains(&(run.to_owned(), problem.to_owned())),
        }
    }
}

fn asked(log: &Log, condition: &Expr) -> Result<Rule, Failure> {
    let mut refused = None;
    let mut of_runs = HashMap::new();
    for run in log.runs() {
        let expr = match &run.head {
            None => Some(condition.clone()),
            Some(head) => {
                let models = head.pool.iter().map(|model| model.name.as_str());
                let models: Vec<&str> = models.collect();
                let named = condition.clone().over_models(&models);
                named.map_err(|error| refused = Some(error)).ok()
            }
        };
        of_runs.insert(run.id.clone(), expr);
    }
    match refused {
        Some(error) if of_runs.values().all(Option::is_none) => Err(wrong(&error)),
        _ => Ok(Rule::Asked(of_runs)),
    }
}

fn known(log: &Log, survey: &Survey, condition: &Expr) -> Result<Rule, Failure> {
    let asked = survey.ask(condition).map_err(|error| wrong(&error))?;
    let found = asked.matching(log, survey)?;
    let keys = found.into_iter().map(|place| {
        let (run, problem) = survey.key(&survey.trajectories()[place]);
        (run.to_owned(), problem.to_owned())
    });
    Ok(Rule::Known(keys.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::LogWriter;
    use crate::trace::record::{OutcomeRecord, Record, StepRecord};
    use crate::trace::samples;

    /// Runs `ra` and `rb`, each of problems `p` and `q`.
    fn log(folder: &std::path::Path) -> Log {
        let path = folder.join("log.jsonl");
        let mut records = Vec::new();
        for (run, model) in [("ra", "small"), ("rb", "large")] {
            let mut head = samples::run(run);
            head.pool = vec![samples::model(model)];
            records.push(Record::Run(Box::new(head)));
            for problem in ["p", "q"] {
                let id = format!("{run}{problem}");
                let step = StepRecord {
                    run: run.into(),
                    problem: problem.into(),
                    model: model.into(),
                    ..samples::step(&id, None, problem)
                };
                records.push(Record::Step(step.into()));
                records.push(Record::Outcome(Box::new(OutcomeRecord {
                    run: run.into(),
                    ..samples::outcome(problem, Some(&id))
                })));
            }
        }
        LogWriter::create_or_append(&path, false)
            .unwrap()
            .append(&records)
            .unwrap();
        Log::open(&[path]).unwrap()
    }

    fn chosen(log: &Log, selection: &Selection) -> Result<Vec<String>, Failure> {
        let mut chosen = Chosen::new(log, selection, None)?;
        let mut found = Vec::new();
        while let Some(one) = chosen.advance()? {
            assert_eq!(one.tree.len(), 1);
            found.push(format!("{}{}", one.run, one.problem));
        }
        Ok(found)
    }

    #[test]
    fn trajectories_are_chosen_by_problem_run_filter_and_number() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(folder.path());
        let all = Selection::default();
        let of = |selection: Selection| chosen(&log, &selection);
        assert_eq!(of(all.clone()).unwrap(), ["rap", "raq", "rbp", "rbq"]);
        let run = |id: &str| Selection {
            run: Some(id.into()),
            ..all.clone()
        };
        assert_eq!(of(run("rb")).unwrap(), ["rbp", "rbq"]);
        assert_eq!(of(run("r")).unwrap_err().exit, Exit::Usage);
        let problem = |id: &str| Selection {
            problem: Some(id.into()),
            ..all.clone()
        };
        assert_eq!(of(problem("q")).unwrap(), ["raq", "rbq"]);
        assert_eq!(of(problem("z")).unwrap_err().exit, Exit::Usage);
        let filter = |text: &str| Selection {
            filter: Some(text.into()),
            ..all.clone()
        };
        // Of the other run's pool nothing is known by that name.
        assert_eq!(of(filter("any(model = large)")).unwrap(), ["rbp", "rbq"]);
        assert_eq!(of(filter("any(text ~ \"q\")")).unwrap(), ["raq", "rbq"]);
        assert_eq!(
            of(filter("any(model = nobody)")).unwrap_err().exit,
            Exit::Usage
        );
        assert!(of(filter("steps > 7")).unwrap().is_empty());
        let limited = Selection {
            limit: Some(1),
            ..filter("any(text ~ \"q\")")
        };
        assert_eq!(of(limited).unwrap(), ["raq"]);
    }
}
