//! Logs read as one: which shards are missing among them, and which records
//! count where several runs of one key hold the same problem.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::index::{Kind, Trajectory};
use super::record::{Record, RunRecord, TrajectoryEnd};
use super::{Log, LogError, Standing};

/// Shards that a warning names.
const MOST_NAMED: usize = 5;

/// For each run that is in parts and not whole: which shards are missing. Runs
/// of one command and key belong together; where one of them is of all
/// problems, or all shards of some number are there, nothing is missing.
pub fn missing_shards<'a>(heads: impl IntoIterator<Item = &'a RunRecord>) -> Vec<String> {
    let mut runs: BTreeMap<(&str, &str), Vec<&RunRecord>> = BTreeMap::new();
    for head in heads {
        let of_run = runs.entry((&head.command, &head.key)).or_default();
        of_run.push(head);
    }
    runs.values().filter_map(|heads| missing(heads)).collect()
}

fn missing(heads: &[&RunRecord]) -> Option<String> {
    let mut there: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for head in heads {
        // A run of all problems lacks none.
        let shard = head.shard?;
        there
            .entry(shard.count())
            .or_default()
            .insert(shard.index());
    }
    let is_whole = |(count, held): (&u32, &BTreeSet<u32>)| held.len() == *count as usize;
    if there.iter().any(is_whole) {
        return None;
    }
    let (&count, held) = there.iter().max_by_key(|(_, held)| held.len())?;
    let gone = (1..=count).filter(|index| !held.contains(index));
    let first: Vec<String> = gone
        .take(MOST_NAMED)
        .map(|index| format!("{index}/{count}"))
        .collect();
    let more = match (count as usize - held.len()).saturating_sub(first.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let head = heads.first()?;
    Some(format!(
        "`{}` (seed {}): the logs lack shard {}{more}: what is told of it is of the others",
        head.router.spec,
        head.seed,
        first.join(", ")
    ))
}

/// A warning that so many problems, `first` among them, were found more than
/// once.
pub fn repeated(problems: usize, first: &str) -> String {
    let more = match problems.saturating_sub(1) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "problem `{first}`{more} found in several runs of the same router and seed: of each the run \
         that began last counts"
    )
}

/// Trajectories in whose place another one counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Repeats {
    /// By run and problem.
    superseded: HashSet<(String, String)>,
    /// Problems that are in several runs of one key.
    problems: BTreeSet<String>,
}

impl Repeats {
    /// Looks for problems that several runs of one command and key hold, as a
    /// shard that ran twice does. Of each the run that began last counts, but
    /// never one that an endpoint's failure ended, or that has no outcome,
    /// before one that was finished. The order of the logs says nothing.
    ///
    /// # Errors
    /// Those of reading.
    pub fn of(log: &Log) -> Result<Self, LogError> {
        let mut found: HashMap<(&str, &str, &str), Vec<Trajectory<'_>>> = HashMap::new();
        for trajectory in log.trajectories() {
            if let Some(head) = log.run(trajectory.run) {
                let place = (head.command.as_str(), head.key.as_str(), trajectory.problem);
                found.entry(place).or_default().push(trajectory);
            }
        }
        let mut repeats = Self::default();
        for trajectories in found.into_values().filter(|all| all.len() > 1) {
            repeats.add(log, &trajectories)?;
        }
        Ok(repeats)
    }

    fn add(&mut self, log: &Log, trajectories: &[Trajectory<'_>]) -> Result<(), LogError> {
        // Two data sets may call different questions by the same id.
        let mut by_question: BTreeMap<Option<String>, Vec<_>> = BTreeMap::new();
        for trajectory in trajectories {
            let started = log.run(trajectory.run).map(|head| head.started.as_str());
            let rank = (is_finished(log, trajectory)?, started, trajectory.run);
            let question = question(log, trajectory)?;
            by_question.entry(question).or_default().push(rank);
        }
        let problem = trajectories[0].problem;
        for mut ranked in by_question.into_values().filter(|all| all.len() > 1) {
            ranked.sort_unstable();
            ranked.pop();
            let places = ranked
                .iter()
                .map(|(.., run)| ((*run).to_owned(), problem.to_owned()));
            self.superseded.extend(places);
            self.problems.insert(problem.to_owned());
        }
        Ok(())
    }

    /// Whether another trajectory counts in the place of this one.
    #[must_use]
    pub fn is_superseded(&self, run: &str, problem: &str) -> bool {
        // No allocation where there is nothing, which is nearly always.
        !self.superseded.is_empty()
            && self
                .superseded
                .contains(&(run.to_owned(), problem.to_owned()))
    }

    /// What is to be told of it.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let first = self.problems.first()?;
        Some(repeated(self.problems.len(), first))
    }
}

fn is_finished(log: &Log, trajectory: &Trajectory<'_>) -> Result<bool, LogError> {
    let outcomes = log.load_kind(trajectory, Kind::Outcome)?.records;
    let outcomes = outcomes.into_iter().filter_map(|record| match record {
        Record::Outcome(outcome) => Some(*outcome),
        _ => None,
    });
    let holds = outcomes.collect::<Standing>().into_outcome();
    Ok(holds.is_some_and(|outcome| outcome.end != TrajectoryEnd::Error))
}

fn question(log: &Log, trajectory: &Trajectory<'_>) -> Result<Option<String>, LogError> {
    let records = log.load_kind(trajectory, Kind::Problem)?.records;
    Ok(records.into_iter().find_map(|record| match record {
        Record::Problem(known) => Some(known.problem.question.trim().to_owned()),
        _ => None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::record::{OutcomeRecord, ProblemRecord};
    use crate::trace::{LogWriter, samples};

    fn shard(run: &str, key: &str, shard: Option<&str>) -> RunRecord {
        RunRecord {
            key: key.into(),
            shard: shard.map(|text| text.parse().unwrap()),
            ..samples::run(run)
        }
    }

    #[test]
    fn a_shard_that_is_missing_is_told_and_a_whole_run_lacks_none() {
        let told = |shards: &[Option<&str>]| {
            let heads: Vec<RunRecord> = shards.iter().map(|s| shard("r", "k", *s)).collect();
            missing_shards(&heads).concat()
        };
        assert_eq!(told(&[]), "");
        assert_eq!(told(&[None]), "");
        assert_eq!(told(&[Some("1/2"), Some("2/2")]), "");
        assert_eq!(told(&[Some("1/3"), None]), "");
        // Cut anew: the two halves are the whole.
        assert_eq!(told(&[Some("1/3"), Some("1/2"), Some("2/2")]), "");
        let lacks = told(&[Some("1/4"), Some("3/4"), Some("1/4")]);
        assert!(lacks.contains("the logs lack shard 2/4, 4/4:"), "{lacks}");
        let lacks = told(&[Some("1/4294967295")]);
        assert!(
            lacks.contains("6/4294967295 and 4294967289 more"),
            "{lacks}"
        );
        // Another run's shard is no help.
        let heads = [shard("r", "k", Some("1/2")), shard("s", "l", Some("2/2"))];
        assert_eq!(missing_shards(&heads).len(), 2);
    }

    fn outcome(run: &str, end: TrajectoryEnd) -> Record {
        Record::Outcome(Box::new(OutcomeRecord {
            run: run.into(),
            end,
            ..samples::outcome("p", None)
        }))
    }

    fn question(run: &str, question: &str) -> Record {
        Record::Problem(ProblemRecord {
            run: run.into(),
            problem: crate::problem::Problem {
                id: "p".into(),
                question: question.into(),
                gold: None,
                difficulty: None,
                domain: None,
                source: "plain".into(),
            },
        })
    }

    /// Which of runs a, b, … do not count; each is key, day it began, question
    /// and how it ended.
    fn superseded(runs: &[(&str, u32, &str, TrajectoryEnd)]) -> (Vec<String>, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = ('a'..).take(runs.len()).map(String::from).collect();
        for (name, (key, day, text, end)) in names.iter().zip(runs) {
            let mut head = shard(name, key, None);
            head.started = format!("2026-01-{day:02}T00:00:00Z");
            let records = [
                Record::Run(Box::new(head)),
                question(name, text),
                outcome(name, *end),
            ];
            let path = folder.path().join(format!("{name}.jsonl"));
            let mut writer = LogWriter::create_or_append(&path, false).unwrap();
            writer.append(&records).unwrap();
        }
        let repeats = Repeats::of(&Log::open(&[folder.path()]).unwrap()).unwrap();
        let gone = names.iter().filter(|run| repeats.is_superseded(run, "p"));
        (gone.cloned().collect(), repeats.warning())
    }

    #[test]
    fn the_run_that_began_last_counts_but_no_failure_before_what_was_finished() {
        use TrajectoryEnd::{Error, Finished};
        let gone = |runs: &[_]| superseded(runs).0;
        assert!(gone(&[("k", 1, "q", Finished), ("l", 2, "q", Finished)]).is_empty());
        assert!(gone(&[("k", 1, "q", Finished), ("k", 2, "r", Finished)]).is_empty());
        assert_eq!(
            gone(&[("k", 1, "q", Finished), ("k", 2, "q", Finished)]),
            ["a"]
        );
        assert_eq!(
            gone(&[("k", 2, "q", Finished), ("k", 1, "q", Finished)]),
            ["b"]
        );
        let all = [
            ("k", 1, "q", Finished),
            ("k", 2, "q", Error),
            ("k", 3, "q", Error),
        ];
        let (gone, warning) = superseded(&all);
        assert_eq!(gone, ["b", "c"]);
        assert!(
            warning
                .unwrap()
                .contains("problem `p` found in several runs")
        );
        assert_eq!(superseded(&all[..1]).1, None);
    }
}
