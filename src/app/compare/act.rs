//! Actions on the screen of a comparison.

use crate::eval::compare::Row;

use super::super::action::Action;
use super::super::effect::Effect;
use super::super::follow;
use super::super::model::{Model, NoticeLevel, Screen};
use super::super::navigate;
use super::{Branch, Item, Pair, RunPair, Side, compare, compare_runs, settle};

/// Lines of a page.
const PAGE: i64 = 10;

/// Does an action of the screen; `None` for one that is of no such screen.
pub fn act(model: &mut Model, action: Action, count: Option<u32>) -> Option<Vec<Effect>> {
    let times = i64::from(count.unwrap_or(1));
    match action {
        Action::OnlyDifferences => toggle(model),
        Action::Swap => return Some(swap(model)),
        Action::Accept => return Some(open(model)),
        Action::First => to_row(model, count.unwrap_or(1)),
        Action::Last => to_row(model, count.unwrap_or(u32::MAX)),
        Action::NextDifference => difference(model, times),
        Action::PreviousDifference => difference(model, -times),
        Action::FirstDivergence => first_divergence(model),
        Action::HalfPageDown => scroll(model, times * PAGE / 2),
        Action::HalfPageUp => scroll(model, -times * PAGE / 2),
        Action::PageDown => scroll(model, times * PAGE),
        Action::PageUp => scroll(model, -times * PAGE),
        Action::NextPane | Action::PreviousPane | Action::Left | Action::Right => {
            if let Some(pair) = trajectories(model) {
                pair.side = match action {
                    Action::Left => 0,
                    Action::Right => 1,
                    _ => 1 - pair.side,
                };
            }
        }
        _ => return None,
    }
    Some(Vec::new())
}

/// The trajectories, where they are on screen.
fn trajectories(model: &mut Model) -> Option<&mut Pair> {
    match model.compare.shows_runs {
        true => None,
        false => model.compare.pair.as_mut(),
    }
}

/// The runs, where they are on screen.
fn runs(model: &mut Model) -> Option<&mut RunPair> {
    match model.compare.shows_runs {
        true => model.compare.runs.as_mut(),
        false => None,
    }
}

/// Moves the cursor over the rows.
pub fn vertical(model: &mut Model, by: i64) {
    let by = isize::try_from(by).unwrap_or(isize::MAX);
    let moved =
        |cursor: usize, rows: usize| cursor.saturating_add_signed(by).min(rows.saturating_sub(1));
    if let Some(runs) = runs(model) {
        runs.cursor = moved(runs.cursor, runs.listed.len());
    } else if let Some(pair) = trajectories(model) {
        pair.cursor = moved(pair.cursor, pair.items.len());
        pair.scroll = 0;
    }
}

/// Scrolls through a row that is higher than the window, then on to the next.
pub fn scroll(model: &mut Model, lines: i64) {
    // As the screen last drew it.
    let last = model.view.text_last;
    if model.compare.shows_runs {
        return vertical(model, lines);
    }
    let Some(pair) = trajectories(model) else {
        return;
    };
    let by = isize::try_from(lines).unwrap_or(isize::MAX);
    let to = pair.scroll.saturating_add_signed(by);
    if (lines > 0 && pair.scroll < last) || (lines < 0 && pair.scroll > 0) {
        pair.scroll = to.min(last);
    } else {
        vertical(model, lines.signum());
    }
}

/// To a row by its number, from 1.
fn to_row(model: &mut Model, number: u32) {
    let far = i64::from(i32::MAX);
    vertical(model, -far);
    vertical(model, i64::from(number) - 1);
}

fn toggle(model: &mut Model) {
    let only = !model.compare.only_differences;
    model.compare.only_differences = only;
    if let Some(pair) = &mut model.compare.pair {
        pair.list(only);
    }
    if let Some(runs) = &mut model.compare.runs {
        runs.list(only);
    }
    let text = match only {
        true => "only what differs",
        false => "everything",
    };
    model.say(NoticeLevel::Info, text);
}

/// Exchanges the sides.
fn swap(model: &mut Model) -> Vec<Effect> {
    if let Some(runs) = runs(model) {
        let first = |side: usize| runs.between.runs[side].first().copied();
        return match first(1).zip(first(0)) {
            Some((second, first)) => compare_runs(model, [second, first]),
            None => Vec::new(),
        };
    }
    model.compare.serial += 1;
    let serial = model.compare.serial;
    if let Some(pair) = trajectories(model) {
        pair.sides.reverse();
        pair.alignment = std::mem::take(&mut pair.alignment).swapped();
        // The eye stays on the trajectory that it was on.
        pair.side = 1 - pair.side;
        pair.serial = serial;
        // What is on its way is of the sides as they were.
        pair.is_aligning = false;
    }
    settle(model).into_iter().collect()
}

/// To the `by`-th row after (before) the cursor that differs.
fn difference(model: &mut Model, by: i64) {
    let skip = usize::try_from(by.unsigned_abs())
        .unwrap_or(1)
        .saturating_sub(1);
    if let Some(runs) = runs(model) {
        let flipped = |at: &usize| runs.between.cases[runs.listed[*at]].flip.is_flipped();
        let found = match by >= 0 {
            true => (runs.cursor + 1..runs.listed.len())
                .filter(flipped)
                .nth(skip),
            false => (0..runs.cursor).rev().filter(flipped).nth(skip),
        };
        match found {
            Some(at) => runs.cursor = at,
            None => model.say(NoticeLevel::Info, "no other problem came out differently"),
        }
        return;
    }
    let Some(pair) = trajectories(model) else {
        return;
    };
    let differs = |at: &usize| match pair.items[*at] {
        Item::Row(row) => pair.alignment.rows[row].differs(),
        Item::Fold { .. } => false,
    };
    let found = match by >= 0 {
        true => (pair.cursor + 1..pair.items.len())
            .filter(differs)
            .nth(skip),
        false => (0..pair.cursor).rev().filter(differs).nth(skip),
    };
    match found {
        Some(at) => (pair.cursor, pair.scroll) = (at, 0),
        None => model.say(NoticeLevel::Info, "no other step differs"),
    }
}

fn first_divergence(model: &mut Model) {
    if let Some(runs) = runs(model) {
        runs.cursor = 0;
        return;
    }
    let Some(pair) = trajectories(model) else {
        return;
    };
    if !pair.said.is_empty() {
        return;
    }
    match pair.alignment.first_divergence() {
        Some(row) => pair.go_to(row),
        None => model.say(NoticeLevel::Info, "the trajectories are the same"),
    }
}

/// Opens what the cursor is on: a pair of trajectories, a step, a fold.
fn open(model: &mut Model) -> Vec<Effect> {
    if let Some(runs) = runs(model) {
        let case = runs.listed.get(runs.cursor);
        let places = case.map(|&at| &runs.between.cases[at].places);
        let first = |side: usize| places.and_then(|places| places[side].first().copied());
        let Some((first, second)) = first(0).zip(first(1)) else {
            return Vec::new();
        };
        let sides = [first, second].map(|entry| Side {
            entry,
            branch: Branch::Main,
            path: Vec::new(),
        });
        return compare(model, sides, true);
    }
    let Some(pair) = trajectories(model) else {
        return Vec::new();
    };
    match pair.items.get(pair.cursor) {
        Some(Item::Fold { .. }) => {
            toggle(model);
            Vec::new()
        }
        Some(Item::Row(row)) => {
            let row = pair.alignment.rows[*row];
            open_step(model, row)
        }
        None => Vec::new(),
    }
}

/// Opens a step of a row in the inspector.
fn open_step(model: &mut Model, row: Row) -> Vec<Effect> {
    let Some(pair) = trajectories(model) else {
        return Vec::new();
    };
    let side = &pair.sides[pair.side];
    let node = row
        .step(pair.side)
        .and_then(|at| side.path.get(at).copied());
    let entry = side.entry;
    let Some(node) = node else {
        let text = "there is no step on this side: tab changes to the other";
        model.say(NoticeLevel::Info, text);
        return Vec::new();
    };
    model.view.screen = Screen::Inspector;
    model.view.opened_from = Some(Screen::Compare);
    let effects = follow::show(model, entry);
    navigate::goto(model, Some(node));
    effects
}
