//! The list of breakpoints and watched expressions.

use super::super::effect::Effect;
use super::super::follow;
use super::super::line_edit::LineEdit;
use super::super::model::{Layer, Model, NoticeLevel, Purpose, Screen};
use super::{Breakpoint, On, checked, share};
use crate::expr::Expr;

/// A row of the list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Listed<'a> {
    Breakpoint(&'a Breakpoint),
    Watch(&'a Expr),
}

/// The rows: breakpoints in the order they were set, then what is watched.
pub fn rows(model: &Model) -> Vec<Listed<'_>> {
    let breakpoints = model.debug.breakpoints.iter().map(Listed::Breakpoint);
    let watches = model.debug.watches.iter().map(Listed::Watch);
    breakpoints.chain(watches).collect()
}

/// The place of a row's breakpoint, or of what it watches.
enum At {
    Breakpoint(usize),
    Watch(usize),
}

fn at(model: &Model, row: usize) -> Option<At> {
    let breakpoints = model.debug.breakpoints.len();
    match row.checked_sub(breakpoints) {
        None => Some(At::Breakpoint(row)),
        Some(watch) => (watch < model.debug.watches.len()).then_some(At::Watch(watch)),
    }
}

/// Switches the breakpoint of a row off, or on again.
pub fn toggle(model: &mut Model, row: usize) {
    match at(model, row) {
        Some(At::Breakpoint(place)) => {
            let found = &mut model.debug.breakpoints[place];
            found.enabled = !found.enabled;
            share(model);
        }
        Some(At::Watch(_)) => {
            let text = "a watched expression stops nothing: d takes it away";
            model.say(NoticeLevel::Info, text);
        }
        None => {}
    }
}

/// Takes the breakpoint or the watched expression of a row away.
pub fn remove(model: &mut Model, row: usize) {
    match at(model, row) {
        Some(At::Breakpoint(place)) => {
            model.debug.breakpoints.remove(place);
            share(model);
        }
        Some(At::Watch(place)) => drop(model.debug.watches.remove(place)),
        None => {}
    }
    let left = rows(model).len();
    if let Some(Layer::Stops { selected }) = model.layers.last_mut() {
        *selected = (*selected).min(left.saturating_sub(1));
    }
}

/// Goes to the step of a row, or lets its expression be changed.
pub fn accept(model: &mut Model, row: usize) -> Vec<Effect> {
    let (purpose, text) = match at(model, row) {
        Some(At::Breakpoint(place)) => match &model.debug.breakpoints[place] {
            Breakpoint {
                on: On::Step { entry, step },
                ..
            } => {
                let (entry, step) = (*entry, *step);
                return open(model, entry, step);
            }
            Breakpoint {
                id,
                on: On::Condition(expr),
                ..
            } => (Purpose::Breakpoint(Some(*id)), expr.text().to_owned()),
        },
        Some(At::Watch(place)) => {
            let text = model.debug.watches[place].text().to_owned();
            (Purpose::Watch(Some(place)), text)
        }
        None => return Vec::new(),
    };
    model.layers.push(Layer::Stops { selected: row });
    model.layers.push(Layer::Expression {
        purpose,
        input: LineEdit::new(text),
        error: None,
    });
    Vec::new()
}

fn open(model: &mut Model, entry: usize, step: u32) -> Vec<Effect> {
    if model.view.screen.is_table() {
        model.view.screen = Screen::Inspector;
    }
    let effects = follow::show(model, entry);
    model.view.go_to = Some(step);
    follow::go_to_wanted(model);
    effects
}

/// Takes an expression for a breakpoint or a watch; with a place it takes the
/// one's that is there.
///
/// # Errors
/// In words for the person.
pub fn take(model: &mut Model, purpose: Purpose, text: &str) -> Result<(), String> {
    let session = model.session();
    let pool = session.map(|session| session.settings().run.pool.clone());
    let pool = pool.unwrap_or_default();
    let models: Vec<&str> = pool.iter().map(|model| model.name.as_str()).collect();
    match purpose {
        Purpose::Breakpoint(known) => {
            let expr = checked(text, true, &models)?;
            let mut breakpoints = model.debug.breakpoints.iter_mut();
            match breakpoints.find(|found| Some(found.id) == known) {
                Some(found) => {
                    found.on = On::Condition(expr);
                    (found.hits, found.undecided, found.enabled) = (0, 0, true);
                }
                None => {
                    let id = model.debug.add(On::Condition(expr));
                    let text = format!(
                        "breakpoint {id}: c, C, p and B stop where it holds, in every trajectory"
                    );
                    model.say(NoticeLevel::Info, text);
                }
            }
            share(model);
        }
        Purpose::Watch(place) => {
            let expr = checked(text, false, &models)?;
            match place.and_then(|place| model.debug.watches.get_mut(place)) {
                Some(found) => *found = expr,
                None => model.debug.watches.push(expr),
            }
        }
        _ => {}
    }
    Ok(())
}
