//! Actions on the tables.

use crate::expr::{Expr, ExprError, Scope};
use crate::survey::{Survey, Texts};

use super::super::action::Action;
use super::super::compare;
use super::super::effect::Effect;
use super::super::follow::show;
use super::super::line_edit::LineEdit;
use super::super::model::{Layer, Mode, Model, NoticeLevel, Purpose, Screen, Slot};
use super::super::work::Work;
use super::{Table, Use};

/// Moves the cursor of the table on screen.
pub fn vertical(model: &mut Model, by: i64) {
    let (cursor, rows) = match model.view.screen {
        Screen::Runs => (&mut model.runs.cursor, model.runs.rows.len()),
        _ => (&mut model.table.cursor, model.table.rows.len()),
    };
    let by = isize::try_from(by).unwrap_or(isize::MAX);
    let last = rows.saturating_sub(1);
    *cursor = cursor.saturating_add_signed(by).min(last);
}

/// Does an action of the tables; `None` for one that is of no table.
pub fn act(model: &mut Model, action: Action, count: Option<u32>) -> Option<Vec<Effect>> {
    let row = |number: u32| i64::from(number) - 1;
    let far = i64::from(i32::MAX);
    match action {
        Action::First | Action::Last => {
            vertical(model, -far);
            let target = match (action, count) {
                (_, Some(number)) => row(number),
                (Action::Last, None) => far,
                _ => 0,
            };
            vertical(model, target);
        }
        Action::Accept | Action::Right => return Some(open(model)),
        Action::Left => close(model),
        Action::Mark => compare::mark(model),
        Action::Filter => ask(model, Use::Filter),
        Action::SortBy => ask(model, Use::Sort),
        Action::GroupBy => ask(model, Use::Group),
        Action::Fold => {
            model.table.fold = !model.table.fold;
            model.table.arrange(&model.survey);
            let text = match model.table.fold {
                true => "repeats of a problem share a row",
                false => "every trajectory has a row",
            };
            model.say(NoticeLevel::Info, text);
        }
        _ => return None,
    }
    Some(Vec::new())
}

/// Opens the field for an expression, which offers the one that holds.
pub fn ask(model: &mut Model, of: Use) {
    let table = &model.table;
    let held = table.expression(of).map(|expr| expr.text().to_owned());
    let held = held.or_else(|| table.removed.clone().filter(|_| of == Use::Filter));
    model.layers.push(Layer::Expression {
        purpose: Purpose::Table(of),
        input: LineEdit::offering(held.unwrap_or_default()),
        error: None,
    });
}

impl Table {
    /// Takes a text as the expression for a use; an empty one takes it away.
    ///
    /// # Errors
    /// In words for the person.
    pub fn take(&mut self, of: Use, text: &str, survey: &Survey) -> Result<(), String> {
        if text.trim().is_empty() {
            self.set(of, None);
            return Ok(());
        }
        let said = |error: ExprError| error.to_string();
        let expr = match of {
            Use::Filter => Expr::condition(text, Scope::Trajectory),
            Use::Sort | Use::Group => Expr::value(text, Scope::Trajectory),
        };
        let expr = expr.map_err(said)?;
        survey.ask(&expr).map_err(said)?;
        self.set(of, Some(expr));
        Ok(())
    }
}

/// Asks for the texts that the table wants to see next. Not while the survey
/// grows or is about to be changed: whoever reads holds on to it.
pub fn read_on(model: &mut Model) -> Option<Effect> {
    let is_recording = model.mode == Mode::Replay;
    if model.reading.is_some() || (is_recording && model.values.are_awaited()) {
        return None;
    }
    // Every label changes the survey.
    if model.labelling.is_some() {
        return None;
    }
    let mut part = model.table.next_part(&model.survey)?;
    if !is_recording {
        // What is being written is in no log that could be read.
        for place in part.places().to_vec() {
            if let Some(Slot::Open(session)) = model.slots.get(place as usize)
                && session.tree().problem().is_some()
            {
                part.give(place, Texts::of_tree(session.tree()));
            }
        }
    }
    Some(Effect::Work(Work::Texts(Box::new(part))))
}

/// One level back: the filter goes, then the run that was opened, then the
/// table.
pub fn back(model: &mut Model) {
    let table = &mut model.table;
    if matches!(
        model.view.screen,
        Screen::Runs | Screen::WhatIf | Screen::Analysis
    ) {
        model.view.screen = Screen::Inspector;
    } else if table.filter.is_some() {
        table.set(Use::Filter, None);
        model.say(NoticeLevel::Info, "the filter is gone; f offers it again");
    } else if table.run.is_some() {
        table.show_run(None);
        model.view.screen = Screen::Runs;
    } else {
        model.view.screen = Screen::Inspector;
    }
}

/// Opens what is under the cursor: the problems of a run, the rows of a group,
/// a trajectory.
fn open(model: &mut Model) -> Vec<Effect> {
    if model.view.screen == Screen::Runs {
        if let Some(row) = model.runs.rows.get(model.runs.cursor) {
            let several = model.runs.rows.len() > 1;
            model.table.show_run(Some(row.run).filter(|_| several));
            model.table.cursor = 0;
            model.view.screen = Screen::Problems;
        }
        return Vec::new();
    }
    if model.table.toggle(&model.survey) {
        return Vec::new();
    }
    match model.table.selected() {
        Some(place) => {
            model.view.screen = Screen::Inspector;
            model.view.opened_from = Some(Screen::Problems);
            show(model, place)
        }
        None => Vec::new(),
    }
}

/// Closes the group or problem that the row under the cursor belongs to.
fn close(model: &mut Model) {
    if model.view.screen != Screen::Problems {
        return;
    }
    let table = &mut model.table;
    let at = table.cursor.min(table.rows.len().saturating_sub(1));
    let is_open = |row: &super::Row| {
        matches!(
            row,
            super::Row::Group { open: true, .. } | super::Row::Problem { open: true, .. }
        )
    };
    let above = table.rows.get(..=at).unwrap_or_default();
    if let Some(found) = above.iter().rposition(is_open) {
        table.cursor = found;
        table.toggle(&model.survey);
    }
}

/// Shows the trajectory `by` further in the table, as it is arranged.
pub fn next_problem(model: &mut Model, by: i64) -> Vec<Effect> {
    model.table.refresh(&model.survey, model.reading.is_some());
    let order = &model.table.order;
    let current = order
        .iter()
        .position(|&place| place as usize == model.current);
    let last = order.len() as i64 - 1;
    if last < 0 {
        model.say(NoticeLevel::Info, "no trajectory is in the table");
        return Vec::new();
    }
    // One that is not in the table comes before all that are.
    let target = match current {
        Some(at) => at as i64 + by,
        None if by > 0 => by - 1,
        None => 0,
    };
    if current.is_some() && !(0..=last).contains(&target) {
        let text = match by > 0 {
            true => "this is the last problem of the table (P)",
            false => "this is the first problem of the table (P)",
        };
        model.say(NoticeLevel::Info, text);
        return Vec::new();
    }
    let place = order[usize::try_from(target.clamp(0, last)).unwrap_or(0)] as usize;
    if let Some(row) = model.table.row_of(place) {
        model.table.cursor = row;
    }
    show(model, place)
}
