//! What a run met of the breakpoints, in one line for the person.

use crate::session::{Met, Undecided};

use super::super::model::{Model, NoticeLevel, Slot};
use super::On;

/// Takes what the last run of an entry met: counts it, and says it.
pub fn told(model: &mut Model, entry: usize) -> Option<(NoticeLevel, String)> {
    let met = match model.slots.get_mut(entry) {
        Some(Slot::Open(session)) if !session.is_generating() => session.take_met(),
        _ => return None,
    };
    count(model, &met);
    let hit = hit(model, &met.hit);
    let undecided = met
        .undecided
        .iter()
        .filter_map(|(id, found)| undecided(model, *id, found));
    let parts: Vec<String> = hit.into_iter().chain(undecided).collect();
    let level = match met.undecided.is_empty() {
        true => NoticeLevel::Info,
        false => NoticeLevel::Warning,
    };
    let of = model.entries.get(entry).filter(|_| entry != model.current);
    let of = of.map_or_else(String::new, |of| format!("{}: ", of.problem));
    (!parts.is_empty()).then(|| (level, format!("{of}{}", parts.join("; "))))
}

/// Begins a run that the session does not know as one: a tape that plays.
pub fn begin(model: &mut Model) {
    if let Some(session) = model.session_mut() {
        session.forget_met();
    }
}

fn count(model: &mut Model, met: &Met) {
    for found in &mut model.debug.breakpoints {
        found.hits += usize::from(met.hit.contains(&found.id));
        let undecided = met.undecided.get(&found.id);
        found.undecided += undecided.map_or(0, |found| found.steps);
    }
}

fn hit(model: &Model, ids: &[u32]) -> Option<String> {
    let (first, others) = ids.split_first()?;
    let named = named(model, *first)?;
    let others = match others.len() {
        0 => String::new(),
        others => format!(" (and {others} more)"),
    };
    Some(format!("stopped at breakpoint {first}, {named}{others}"))
}

fn undecided(model: &Model, id: u32, found: &Undecided) -> Option<String> {
    let named = named(model, id)?;
    let steps = match found.steps {
        1 => "1 step".to_owned(),
        steps => format!("{steps} steps"),
    };
    let why = match found.fields.first() {
        Some(field) => format!("{}: {}", field.info().name, field.unknown_because()),
        None => "this pool has no such model".to_owned(),
    };
    Some(format!(
        "breakpoint {id}, {named}, could not be decided at {steps} ({why})"
    ))
}

fn named(model: &Model, id: u32) -> Option<String> {
    let found = model
        .debug
        .breakpoints
        .iter()
        .find(|found| found.id == id)?;
    Some(match &found.on {
        On::Step { step, .. } => format!("step {step}"),
        On::Condition(expr) => format!("`{expr}`"),
    })
}
