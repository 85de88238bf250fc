//! Actions and text of what lies over the screen.

use crate::expr::{Completion, Expr, Scope, complete};
use crate::session::Command;

use super::action::{ACTIONS, Action, ActionInfo};
use super::debug;
use super::effect::Effect;
use super::finder::find;
use super::follow::{here, show};
use super::line_edit::LineEdit;
use super::model::{Layer, Model, NoticeLevel, Purpose};
use super::navigate::{goto_step, search_jump};
use super::{labelling, rollouts, talk, values, what_if};

/// Rows a page of a list moves by.
const PAGE: i64 = 10;
/// More rows than any list has.
const FAR: i64 = i32::MAX as i64;
/// No effect.
const NOTHING: Answer = Answer::Effects(Vec::new());

/// What a layer answers to an action.
pub(super) enum Answer {
    Effects(Vec<Effect>),
    /// The action that was chosen is to be done on the screen below.
    Do(Action),
    /// Quitting was confirmed.
    Leave,
}

/// Does an action on the layer on top.
pub(super) fn act(model: &mut Model, action: Action, now: &str) -> Answer {
    match action {
        Action::BackLevel | Action::Cancel => {
            if let Some(Layer::Search { before, .. }) = model.layers.pop() {
                model.search.query = before;
            }
            return NOTHING;
        }
        Action::Help if matches!(model.layers.last(), Some(Layer::Help { .. })) => {
            model.layers.pop();
            return NOTHING;
        }
        Action::Quit if matches!(model.layers.last(), Some(Layer::Help { .. })) => {
            model.layers.pop();
            return NOTHING;
        }
        Action::Accept => return accept(model, now),
        Action::Enable | Action::Remove => {
            if let Some(&Layer::Stops { selected }) = model.layers.last() {
                match action {
                    Action::Enable => debug::toggle(model, selected),
                    _ => debug::remove(model, selected),
                }
            }
            return NOTHING;
        }
        Action::Complete => {
            complete_name(model);
            return NOTHING;
        }
        _ => {}
    }
    let typing = model.layers.last_mut().and_then(Layer::input).is_some();
    if let Some(rows) = movement(action, typing) {
        select(model, rows);
        return NOTHING;
    }
    if let Some(input) = model.layers.last_mut().and_then(Layer::input) {
        edit(input, action);
        changed(model);
    }
    NOTHING
}

/// Takes typed or pasted text; true where that chooses and accepts at once: a
/// digit in the list of models.
pub(super) fn text(model: &mut Model, text: &str) -> bool {
    let models = model
        .session()
        .map_or(0, |session| session.settings().models());
    match model.layers.last_mut() {
        Some(Layer::Override { selected }) => {
            let place = text.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
            let chosen = place.filter(|&place| place < models);
            if let Some(place) = chosen {
                *selected = place;
            }
            chosen.is_some()
        }
        Some(layer) => {
            if let Some(input) = layer.input() {
                input.insert(text);
                changed(model);
            }
            false
        }
        None => false,
    }
}

impl Layer {
    fn input(&mut self) -> Option<&mut LineEdit> {
        match self {
            Self::Palette { input, .. }
            | Self::Picker { input, .. }
            | Self::Search { input, .. }
            | Self::Expression { input, .. } => Some(input),
            Self::Help { .. }
            | Self::Override { .. }
            | Self::Stops { .. }
            | Self::ConfirmQuit
            | Self::ConfirmRerun { .. }
            | Self::ConfirmRollouts(_) => None,
        }
    }
}

/// The actions that the palette offers for what was typed, best first.
pub fn palette_rows(query: &str) -> Vec<&'static ActionInfo> {
    let offered: Vec<&ActionInfo> = ACTIONS.iter().filter(|info| info.in_palette()).collect();
    let lines: Vec<String> = offered
        .iter()
        .map(|info| format!("{} {}", info.id, info.doc))
        .collect();
    let found = find(query, lines.iter().map(String::as_str)).into_iter();
    let mut rows: Vec<&ActionInfo> = found.map(|found| offered[found.place]).collect();
    // Who types a name means it.
    let query = query.trim();
    rows.sort_by_key(|info| (info.id != query, !info.id.starts_with(query)));
    rows
}

/// The entries that the picker shows for what was typed, best first: those that
/// hold it as it is before those that hold its letters.
pub fn picker_rows(model: &Model, query: &str) -> Vec<usize> {
    let titles = model.entries.iter().map(|entry| entry.title.as_str());
    let found = find(query, titles).into_iter().map(|found| found.place);
    let wanted = query.trim().to_lowercase();
    let (as_it_is, others): (Vec<usize>, Vec<usize>) =
        found.partition(|&place| model.entries[place].title.to_lowercase().contains(&wanted));
    as_it_is.into_iter().chain(others).collect()
}

/// Searching shows its matches while it is typed; lists start at the top.
fn changed(model: &mut Model) {
    match model.layers.last_mut() {
        Some(Layer::Palette { selected, .. } | Layer::Picker { selected, .. }) => *selected = 0,
        Some(Layer::Search { input, .. }) => model.search.query = input.text().to_owned(),
        Some(Layer::Expression { error, .. }) => *error = None,
        _ => {}
    }
}

/// Rows an action moves by. Where something is typed, the first and the last
/// are places of the line.
fn movement(action: Action, typing: bool) -> Option<i64> {
    match action {
        Action::First if !typing => Some(-FAR),
        Action::Last if !typing => Some(FAR),
        Action::Down => Some(1),
        Action::Up => Some(-1),
        Action::HalfPageDown => Some(PAGE / 2),
        Action::HalfPageUp => Some(-PAGE / 2),
        Action::PageDown => Some(PAGE),
        Action::PageUp => Some(-PAGE),
        _ => None,
    }
}

pub(super) fn select(model: &mut Model, by: i64) {
    let length = match model.layers.last() {
        Some(Layer::Palette { input, .. }) => palette_rows(input.text()).len(),
        Some(Layer::Picker { input, .. }) => picker_rows(model, input.text()).len(),
        Some(Layer::Override { .. }) => model
            .session()
            .map_or(0, |session| session.settings().models()),
        Some(Layer::Help { .. }) => model.view.layer_last + 1,
        Some(Layer::Stops { .. }) => debug::rows(model).len(),
        _ => 0,
    };
    let (Some(Layer::Palette { selected, .. })
    | Some(Layer::Picker { selected, .. })
    | Some(Layer::Override { selected })
    | Some(Layer::Stops { selected })
    | Some(Layer::Help { scroll: selected })) = model.layers.last_mut()
    else {
        return;
    };
    let moved = selected.saturating_add_signed(isize::try_from(by).unwrap_or(0));
    *selected = moved.min(length.saturating_sub(1));
}

fn edit(input: &mut LineEdit, action: Action) {
    input.keep();
    match action {
        Action::Left => input.left(),
        Action::Right => input.right(),
        Action::First => input.home(),
        Action::Last => input.end(),
        Action::DeleteBackward => input.delete_backward(),
        Action::DeleteForward => input.delete_forward(),
        Action::DeleteWord => input.delete_word(),
        Action::DeleteLine => input.delete_line(),
        _ => {}
    }
}

fn accept(model: &mut Model, now: &str) -> Answer {
    let Some(layer) = model.layers.pop() else {
        return NOTHING;
    };
    match layer {
        Layer::Palette { input, selected } => accept_palette(model, &input, selected),
        Layer::Picker { input, selected } => match picker_rows(model, input.text()).get(selected) {
            Some(&entry) => Answer::Effects(show(model, entry)),
            None => NOTHING,
        },
        Layer::Override { selected } => {
            Answer::Effects(here(model, Command::Override { model: selected }, now))
        }
        Layer::Stops { selected } => Answer::Effects(debug::accept(model, selected)),
        Layer::ConfirmQuit => Answer::Leave,
        Layer::ConfirmRerun { .. } => Answer::Effects(here(model, Command::Rerun, now)),
        Layer::ConfirmRollouts(quote) => Answer::Effects(rollouts::begin(model, quote, now)),
        Layer::Search { input, .. } => {
            model.search.query = input.text().to_owned();
            search_jump(model, 1);
            NOTHING
        }
        Layer::Expression { purpose, input, .. } => accept_expression(model, purpose, input, now),
        Layer::Help { .. } => NOTHING,
    }
}

/// A number goes to that step (`:42`), anything else does the action chosen.
fn accept_palette(model: &mut Model, input: &LineEdit, selected: usize) -> Answer {
    if let Ok(step) = input.text().trim().parse::<u32>() {
        goto_step(model, step);
        return NOTHING;
    }
    match palette_rows(input.text()).get(selected) {
        Some(info) => Answer::Do(info.action),
        None => {
            model.say(
                NoticeLevel::Warning,
                format!("no action is called `{}`", input.text()),
            );
            NOTHING
        }
    }
}

/// What may follow in the expression that is being typed.
pub fn completion<'t>(model: &Model, purpose: Purpose, input: &'t LineEdit) -> Completion<'t> {
    complete(
        input.before(),
        purpose.scope(),
        &names_of_models(model, purpose),
    )
}

fn names_of_models(model: &Model, purpose: Purpose) -> Vec<&str> {
    if let Purpose::Table(_) = purpose {
        let pools = model.survey.runs().iter().flat_map(|run| &run.pool);
        let mut names: Vec<&str> = pools.map(|&name| model.survey.name(name)).collect();
        names.sort_unstable();
        names.dedup();
        return names;
    }
    let pool = model.session().map(|session| &session.settings().run.pool);
    let models = pool.into_iter().flatten();
    models.map(|model| model.name.as_str()).collect()
}

/// Completes the name before the cursor, where there is only one or several
/// begin alike.
fn complete_name(model: &mut Model) {
    let Some(Layer::Expression { purpose, input, .. }) = model.layers.last() else {
        return;
    };
    if matches!(purpose, Purpose::Caption | Purpose::Note) {
        return;
    }
    let added = completion(model, *purpose, input).addition();
    if let (Some(Layer::Expression { input, error, .. }), Some(added)) =
        (model.layers.last_mut(), added)
    {
        input.keep();
        input.insert(&added);
        *error = None;
    }
}

fn accept_expression(model: &mut Model, purpose: Purpose, input: LineEdit, now: &str) -> Answer {
    match expression(model, purpose, input.text(), now) {
        Ok(effects) => Answer::Effects(effects),
        Err(error) => {
            // What was typed stays to be mended.
            model.layers.push(Layer::Expression {
                purpose,
                input,
                error: Some(error),
            });
            NOTHING
        }
    }
}

/// Does what an expression was typed for.
fn expression(
    model: &mut Model,
    purpose: Purpose,
    text: &str,
    now: &str,
) -> Result<Vec<Effect>, String> {
    match purpose {
        Purpose::Table(of) => {
            model.table.take(of, text, &model.survey)?;
            return Ok(Vec::new());
        }
        Purpose::Cost => return what_if::for_cost(model, text),
        Purpose::Rule => return what_if::other_rule(model, text),
        Purpose::Worth => return values::set_worth(model, text).map(|()| Vec::new()),
        Purpose::Breakpoint(_) | Purpose::Watch(_) => {
            return debug::take(model, purpose, text).map(|()| Vec::new());
        }
        // Without a condition only breakpoints stop.
        Purpose::RunUntil if text.trim().is_empty() => return Ok(here(model, Command::Run, now)),
        Purpose::BackUntil if text.trim().is_empty() => {
            return Ok(here(model, Command::BackUntil(None), now));
        }
        Purpose::Caption => {
            talk::caption(model, text, now);
            return Ok(Vec::new());
        }
        Purpose::Note => return Ok(labelling::note(model, text, now)),
        Purpose::RunUntil | Purpose::BackUntil => {}
    }
    let models = names_of_models(model, purpose);
    let checked = Expr::condition(text, Scope::Step).and_then(|expr| expr.over_models(&models));
    let condition = Box::new(checked.map_err(|error| error.to_string())?);
    text.clone_into(&mut model.view.run_until);
    let command = match purpose {
        Purpose::BackUntil => Command::BackUntil(Some(condition)),
        _ => Command::RunUntil(condition),
    };
    Ok(here(model, command, now))
}
