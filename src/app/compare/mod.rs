//! The comparison: two trajectories side by side, or two runs problem by
//! problem.

mod act;
mod pick;

use std::sync::Arc;

use crate::eval::compare::{Alignment, Between, Gap};
use crate::trace::record::StepRecord;
use crate::trace::{NodeIndex, Tree};

use super::effect::Effect;
use super::follow;
use super::model::{Model, NoticeLevel, Screen, Slot};
use super::work::Work;

pub(super) use act::{act, scroll, vertical};
pub(super) use pick::{mark, show};

/// Runs that can be marked.
const MARKED_RUNS: usize = 2;

/// What is compared, and how it is looked at.
#[derive(Debug, Default)]
pub struct Comparison {
    /// The trajectory that was marked in the table, by its place.
    pub marked: Option<usize>,
    /// The runs that were marked, by their places in the survey.
    pub marked_runs: Vec<u32>,
    /// Two trajectories.
    pub pair: Option<Pair>,
    /// Two runs.
    pub runs: Option<RunPair>,
    /// Whether the runs are on screen, and not the trajectories.
    pub shows_runs: bool,
    /// Only what differs.
    pub only_differences: bool,
    /// The screen that one goes back to.
    from: Option<Screen>,
    /// Counts the comparisons.
    serial: u64,
}

/// Two trajectories side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    pub sides: [Side; 2],
    /// Empty until both are read and aligned.
    pub alignment: Alignment,
    /// Why there is nothing to see, or what is waited for.
    pub said: String,
    /// Whether both are read and being aligned.
    is_aligning: bool,
    pub items: Vec<Item>,
    /// The item of the cursor.
    pub cursor: usize,
    /// Lines of that item that are scrolled off.
    pub scroll: usize,
    /// The side that has the keys: 0 or 1.
    pub side: usize,
    /// Another one for every comparison: what is kept of drawing it goes by
    /// this.
    pub serial: u64,
    /// Whether it was opened from a comparison of runs.
    from_runs: bool,
}

/// One of two trajectories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// Place of its entry.
    pub entry: usize,
    branch: Branch,
    /// Its steps, in the tree of the entry's session.
    pub path: Vec<NodeIndex>,
}

/// Which path of a tree is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Branch {
    /// The one that was written last.
    Main,
    /// The one that is looked at.
    Followed,
    /// The one through this step that was written last.
    Through(NodeIndex),
}

/// A row on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// A row of the alignment.
    Row(usize),
    /// So many rows that do not differ, from that one on.
    Fold { from: usize, rows: usize },
}

/// Two runs problem by problem.
#[derive(Debug)]
pub struct RunPair {
    pub between: Between,
    /// `None` while it is computed; else why there is none.
    pub gap: Option<Result<Box<Gap>, String>>,
    /// Places of the cases that are listed.
    pub listed: Vec<usize>,
    pub cursor: usize,
    serial: u64,
}

impl Pair {
    /// The row of the cursor, or the first one of its fold.
    pub fn row(&self) -> Option<usize> {
        Some(match self.items.get(self.cursor)? {
            Item::Row(row) => *row,
            Item::Fold { from, .. } => *from,
        })
    }

    /// Lists the rows; the cursor stays where it was.
    fn list(&mut self, only_differences: bool) {
        let row = self.row();
        self.items.clear();
        for (at, row) in self.alignment.rows.iter().enumerate() {
            if !only_differences || row.differs() {
                self.items.push(Item::Row(at));
                continue;
            }
            match self.items.last_mut() {
                Some(Item::Fold { rows, .. }) => *rows += 1,
                _ => self.items.push(Item::Fold { from: at, rows: 1 }),
            }
        }
        self.go_to(row.unwrap_or(0));
    }

    /// Puts the cursor on a row, or on the fold that it is in.
    fn go_to(&mut self, row: usize) {
        let holds = |item: &Item| match item {
            Item::Row(at) => *at == row,
            Item::Fold { from, rows } => (*from..from + rows).contains(&row),
        };
        let found = self.items.iter().position(holds);
        self.cursor = found.unwrap_or(0);
        self.scroll = 0;
    }
}

impl RunPair {
    fn list(&mut self, only_differences: bool) {
        let selected = self.listed.get(self.cursor).copied();
        let cases = self.between.cases.iter().enumerate();
        self.listed = cases
            .filter(|(_, case)| !only_differences || case.flip.is_flipped())
            .map(|(at, _)| at)
            .collect();
        let kept = self.listed.iter().position(|at| Some(*at) == selected);
        self.cursor = kept.unwrap_or(0);
    }
}

/// Compares two trajectories; they are read if they are not there yet.
fn compare(model: &mut Model, sides: [Side; 2], from_runs: bool) -> Vec<Effect> {
    model.compare.serial += 1;
    let mut effects = Vec::new();
    for side in &sides {
        effects.extend(fetch(model, side.entry));
    }
    model.compare.pair = Some(Pair {
        sides,
        alignment: Alignment::default(),
        said: "reading …".to_owned(),
        is_aligning: false,
        items: Vec::new(),
        cursor: 0,
        scroll: 0,
        side: 0,
        serial: model.compare.serial,
        from_runs,
    });
    enter(model, false);
    effects.extend(settle(model));
    effects
}

/// Shows the screen.
fn enter(model: &mut Model, shows_runs: bool) {
    model.compare.shows_runs = shows_runs;
    // One goes back from here to there, and not in a circle.
    if model.view.opened_from == Some(Screen::Compare) {
        model.view.opened_from = None;
    }
    if model.view.screen != Screen::Compare {
        model.compare.from = Some(model.view.screen);
        model.view.screen = Screen::Compare;
    }
}

/// Reads a trajectory that is not there.
fn fetch(model: &mut Model, entry: usize) -> Option<Effect> {
    let slot = model.slots.get_mut(entry)?;
    if !matches!(slot, Slot::Closed | Slot::Failed(_)) {
        return None;
    }
    *slot = Slot::Opening;
    Some(Effect::Open { entry })
}

impl Comparison {
    /// Whether a trajectory is one of the two.
    pub(super) fn is_of(&self, entry: usize) -> bool {
        let pair = self.pair.as_ref();
        pair.is_some_and(|pair| pair.sides.iter().any(|side| side.entry == entry))
    }
}

/// Has what was aligned of a trajectory aligned anew: it was opened again.
pub(super) fn opened(model: &mut Model, entry: usize) {
    if !model.compare.is_of(entry) {
        return;
    }
    model.compare.serial += 1;
    if let Some(pair) = &mut model.compare.pair {
        pair.serial = model.compare.serial;
        pair.is_aligning = false;
        "reading …".clone_into(&mut pair.said);
    }
}

/// Has the trajectories aligned once both are there.
pub(super) fn settle(model: &mut Model) -> Option<Effect> {
    let pair = model.compare.pair.as_mut()?;
    if pair.said.is_empty() || pair.is_aligning {
        return None;
    }
    let entries = [pair.sides[0].entry, pair.sides[1].entry];
    let mut steps: [Vec<Arc<StepRecord>>; 2] = Default::default();
    for (side, entry) in entries.into_iter().enumerate() {
        let tree = match model.slots.get(entry) {
            Some(Slot::Open(session)) => {
                let of = &mut pair.sides[side];
                of.path = match of.branch {
                    Branch::Main => session.tree().main_line(),
                    Branch::Followed => session.followed_path(),
                    Branch::Through(node) => path_through(session.tree(), node),
                };
                session.tree()
            }
            Some(Slot::Failed(message)) => {
                pair.said.clone_from(message);
                return None;
            }
            // Read by and by.
            _ => return None,
        };
        let path = pair.sides[side].path.iter();
        steps[side] = path
            .map(|&node| Arc::clone(&tree.node(node).step))
            .collect();
    }
    if steps.iter().all(Vec::is_empty) {
        "neither trajectory has a step".clone_into(&mut pair.said);
        return None;
    }
    "comparing …".clone_into(&mut pair.said);
    pair.is_aligning = true;
    Some(Effect::Work(Work::Align {
        serial: pair.serial,
        sides: steps,
    }))
}

/// Takes the rows of two trajectories.
pub(super) fn aligned(model: &mut Model, serial: u64, alignment: Alignment) {
    let only_differences = model.compare.only_differences;
    let pair = model.compare.pair.as_mut();
    let Some(pair) = pair.filter(|pair| pair.is_aligning && pair.serial == serial) else {
        return;
    };
    pair.is_aligning = false;
    pair.alignment = alignment;
    pair.said.clear();
    pair.list(only_differences);
    pair.go_to(pair.alignment.first_divergence().unwrap_or(0));
}

/// The path through a step to the leaf below it that was written last.
fn path_through(tree: &Tree, node: NodeIndex) -> Vec<NodeIndex> {
    let mut last = None;
    let mut below = vec![node];
    while let Some(at) = below.pop() {
        let children = tree.children(Some(at));
        if children.is_empty() {
            last = last.max(Some(at));
        }
        below.extend(children);
    }
    tree.path(last.unwrap_or(node))
}

/// Takes the figures of two runs.
pub(super) fn gap(model: &mut Model, serial: u64, gap: Result<Box<Gap>, String>) {
    if let Some(runs) = &mut model.compare.runs
        && runs.serial == serial
    {
        runs.gap = Some(gap);
    }
}

/// Compares two runs.
fn compare_runs(model: &mut Model, runs: [u32; 2]) -> Vec<Effect> {
    let mut between = match Between::new(&model.survey, runs) {
        Ok(between) => between,
        Err(why) => {
            model.say(NoticeLevel::Warning, why);
            return Vec::new();
        }
    };
    if model.reading.is_some() {
        let text = "the log is still being read: D and D again compare what has come since";
        between.cautions.push(text.to_owned());
    }
    model.compare.serial += 1;
    let serial = model.compare.serial;
    let sample = Box::new(between.sample(&model.survey));
    let mut pair = RunPair {
        between,
        gap: None,
        listed: Vec::new(),
        cursor: 0,
        serial,
    };
    pair.list(model.compare.only_differences);
    model.compare.runs = Some(pair);
    enter(model, true);
    vec![Effect::Work(Work::Gap { serial, sample })]
}

/// Whether something of the comparison on screen is still to come.
pub(super) fn is_awaited(model: &Model) -> bool {
    let compare = &model.compare;
    if model.view.screen != Screen::Compare {
        return false;
    }
    if compare.shows_runs {
        return compare.runs.as_ref().is_some_and(|runs| runs.gap.is_none());
    }
    if compare.pair.as_ref().is_some_and(|pair| pair.is_aligning) {
        return true;
    }
    let sides = compare.pair.iter().flat_map(|pair| &pair.sides);
    let mut slots = sides.filter_map(|side| model.slots.get(side.entry));
    slots.any(|slot| matches!(slot, Slot::Opening))
}

/// As it was before anything was compared. Comparisons are counted on: what is
/// still on its way is of none that comes.
pub(super) fn reset(model: &mut Model) {
    model.compare = Comparison {
        serial: model.compare.serial,
        ..Comparison::default()
    };
}

/// One level back: from trajectories to the runs they are of, else to where the
/// comparison was opened.
pub(super) fn back(model: &mut Model) -> Vec<Effect> {
    let of_runs = model
        .compare
        .pair
        .as_ref()
        .is_some_and(|pair| pair.from_runs);
    if of_runs && !model.compare.shows_runs && model.compare.runs.is_some() {
        model.compare.shows_runs = true;
        return Vec::new();
    }
    let from = model.compare.from.unwrap_or(Screen::Inspector);
    model.view.screen = from;
    match from.is_table() {
        true => Vec::new(),
        false => follow::show(model, model.current),
    }
}

/// Shows the screen as it was left.
pub(super) fn back_to(model: &mut Model) -> Vec<Effect> {
    model.view.screen = Screen::Compare;
    Vec::new()
}
