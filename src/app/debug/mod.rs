//! Stopping where it matters: breakpoints, watched expressions, and the list
//! of both.
//!
//! A breakpoint on a step is of one trajectory, by the number of the step: it
//! holds on every branch, re-runs included. A condition is of all
//! trajectories. Both last as long as the program.

mod jumps;
mod list;
mod met;

pub use jumps::Jumps;
pub use list::{Listed, rows};

pub(super) use jumps::{far, go, here};
pub(super) use list::{accept, remove, take, toggle};
pub(super) use met::{begin, told};

use crate::expr::{Expr, Scope};
use crate::session::{Session, Stop, StopAt};

use super::model::{Model, NoticeLevel, Slot};

/// What stops a run.
#[derive(Debug, Clone, PartialEq)]
pub enum On {
    /// A step of one trajectory: its place among the entries, and the number
    /// of the step from 1.
    Step { entry: usize, step: u32 },
    /// A condition over the steps of every trajectory, as it was typed: models
    /// have the names that each pool gives them.
    Condition(Expr),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Breakpoint {
    /// What it is called; never used again.
    pub id: u32,
    pub on: On,
    pub enabled: bool,
    /// Runs that it stopped.
    pub hits: usize,
    /// Steps that runs passed at which it could not be decided.
    pub undecided: usize,
}

/// What was set to stop runs, and what is watched.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Debug {
    pub breakpoints: Vec<Breakpoint>,
    /// Expressions over a step, of any kind, as they were typed.
    pub watches: Vec<Expr>,
    last_id: u32,
}

impl Debug {
    fn add(&mut self, on: On) -> u32 {
        self.last_id += 1;
        self.breakpoints.push(Breakpoint {
            id: self.last_id,
            on,
            enabled: true,
            hits: 0,
            undecided: 0,
        });
        self.last_id
    }

    /// The breakpoint on a step of a trajectory.
    pub fn on_step(&self, entry: usize, step: u32) -> Option<&Breakpoint> {
        let wanted = On::Step { entry, step };
        self.breakpoints.iter().find(|found| found.on == wanted)
    }

    /// Where runs of an entry stop.
    fn stops(&self, entry: usize, session: &Session) -> Vec<Stop> {
        let pool = &session.settings().run.pool;
        let models: Vec<&str> = pool.iter().map(|model| model.name.as_str()).collect();
        let enabled = self.breakpoints.iter().filter(|found| found.enabled);
        let stops = enabled.filter_map(|found| {
            let at = match &found.on {
                On::Step { entry: of, step } => (*of == entry).then_some(StopAt::Step(*step))?,
                On::Condition(expr) => match expr.clone().over_models(&models) {
                    Ok(expr) => StopAt::When(Box::new(expr)),
                    Err(_) => StopAt::Never,
                },
            };
            Some(Stop { id: found.id, at })
        });
        stops.collect()
    }
}

/// Tells every open session where its runs stop.
pub(super) fn share(model: &mut Model) {
    for (entry, slot) in model.slots.iter_mut().enumerate() {
        if let Slot::Open(session) = slot {
            let stops = model.debug.stops(entry, session);
            session.set_stops(stops);
        }
    }
}

/// Sets a breakpoint on the step at the cursor, or takes it away.
pub(super) fn toggle_step(model: &mut Model) {
    let entry = model.current;
    let Some(step) = model.session().and_then(|session| {
        let cursor = session.cursor()?;
        Some(session.tree().node(cursor).step.index)
    }) else {
        return;
    };
    let known = model.debug.on_step(entry, step).map(|found| found.id);
    let text = match known {
        Some(id) => {
            model.debug.breakpoints.retain(|found| found.id != id);
            format!("breakpoint {id} is gone")
        }
        None => {
            let id = model.debug.add(On::Step { entry, step });
            format!("breakpoint {id}: runs of this trajectory stop at step {step}; W lists all")
        }
    };
    share(model);
    model.say(NoticeLevel::Info, text);
}

/// Reads an expression over a step for a session's pool; what is kept has the
/// names as they were typed, which other pools read their own way.
fn checked(text: &str, condition: bool, models: &[&str]) -> Result<Expr, String> {
    let expr = match condition {
        true => Expr::condition(text, Scope::Step),
        false => Expr::value(text, Scope::Step),
    };
    let expr = expr.map_err(|error| error.to_string())?;
    let named = expr.clone().over_models(models);
    named.map(|_| expr).map_err(|error| error.to_string())
}
