//! What the index holds in memory: names once, and places by run and problem.

use std::collections::{BTreeMap, HashMap};

use crate::trace::reader::header::Kind;
use crate::trace::record::RunRecord;

use super::Entry;

/// A run of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEntry {
    pub id: String,
    /// `None` where its line is damaged or missing.
    pub head: Option<Box<RunRecord>>,
    /// Number of its trajectories.
    pub trajectories: usize,
    notes: Vec<Entry>,
}

impl RunEntry {
    pub(super) fn notes(&self) -> &[Entry] {
        &self.notes
    }
}

/// The records of one problem in one run, by their places.
#[derive(Debug, Clone, Copy)]
pub struct Trajectory<'a> {
    pub run: &'a str,
    pub problem: &'a str,
    pub(super) entries: &'a [Entry],
}

impl Trajectory<'_> {
    /// Number of records.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Number of records of one kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.entries
            .iter()
            .filter(|entry| entry.kind == kind)
            .count()
    }

    /// Whether an outcome was logged: the trajectory came to an end.
    pub fn is_finished(&self) -> bool {
        self.entries.iter().any(|entry| entry.kind == Kind::Outcome)
    }
}

/// Places of the records of one run and problem.
#[derive(Debug)]
struct Slot {
    run: u32,
    problem: u32,
    entries: Vec<Entry>,
}

/// Everything the index knows.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    runs: Vec<RunEntry>,
    run_places: HashMap<String, u32>,
    problems: Vec<Box<str>>,
    problem_places: HashMap<Box<str>, u32>,
    slots: Vec<Slot>,
    slot_places: HashMap<(u32, u32), u32>,
    unknown: BTreeMap<String, u64>,
    records: usize,
}

/// Names and slots are counted in 32 bits.
const FITS: &str = "fewer than 2^32 names fit in memory";

impl Catalog {
    pub fn add(&mut self, run: &str, problem: &str, entry: Entry) {
        let run = self.run_place(run);
        let problem = self.problem_place(problem);
        let next = u32::try_from(self.slots.len()).expect(FITS);
        let slot = *self.slot_places.entry((run, problem)).or_insert(next);
        if slot == next {
            self.runs[run as usize].trajectories += 1;
            self.slots.push(Slot {
                run,
                problem,
                entries: Vec::new(),
            });
        }
        self.slots[slot as usize].entries.push(entry);
        self.records += 1;
    }

    /// The first head of a run stands; a resumed run writes notes, not heads.
    pub fn add_run(&mut self, run: &str, head: Box<RunRecord>) {
        let place = self.run_place(run) as usize;
        self.runs[place].head.get_or_insert(head);
        self.records += 1;
    }

    pub fn add_note(&mut self, run: &str, entry: Entry) {
        let place = self.run_place(run) as usize;
        self.runs[place].notes.push(entry);
        self.records += 1;
    }

    pub fn count_unknown(&mut self, kind: &str) {
        *self.unknown.entry(kind.to_owned()).or_default() += 1;
    }

    fn run_place(&mut self, run: &str) -> u32 {
        if let Some(&place) = self.run_places.get(run) {
            return place;
        }
        let place = u32::try_from(self.runs.len()).expect(FITS);
        self.run_places.insert(run.to_owned(), place);
        self.runs.push(RunEntry {
            id: run.to_owned(),
            head: None,
            trajectories: 0,
            notes: Vec::new(),
        });
        place
    }

    fn problem_place(&mut self, problem: &str) -> u32 {
        if let Some(&place) = self.problem_places.get(problem) {
            return place;
        }
        let place = u32::try_from(self.problems.len()).expect(FITS);
        self.problem_places.insert(problem.into(), place);
        self.problems.push(problem.into());
        place
    }

    pub fn runs(&self) -> &[RunEntry] {
        &self.runs
    }

    pub fn run(&self, run: &str) -> Option<&RunEntry> {
        let place = *self.run_places.get(run)?;
        self.runs.get(place as usize)
    }

    pub fn trajectories(&self) -> impl ExactSizeIterator<Item = Trajectory<'_>> {
        self.slots.iter().map(|slot| self.view(slot))
    }

    pub fn trajectory(&self, run: &str, problem: &str) -> Option<Trajectory<'_>> {
        let run = *self.run_places.get(run)?;
        let problem = *self.problem_places.get(problem)?;
        let slot = *self.slot_places.get(&(run, problem))?;
        Some(self.view(&self.slots[slot as usize]))
    }

    fn view<'a>(&'a self, slot: &'a Slot) -> Trajectory<'a> {
        Trajectory {
            run: &self.runs[slot.run as usize].id,
            problem: &self.problems[slot.problem as usize],
            entries: &slot.entries,
        }
    }

    pub fn unknown_kinds(&self) -> &BTreeMap<String, u64> {
        &self.unknown
    }

    pub fn records(&self) -> usize {
        self.records
    }
}
