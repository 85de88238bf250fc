//! The loop of the training screen: keys and a growing file.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyEventKind};

use crate::app::action::Context;
use crate::app::training::{Progress, Training, TrainingEffect, TrainingMsg};
use crate::train::log::{TrainingLog, TrainingLogError};
use crate::tui::input::keymap::{Lookup, Pending};
use crate::tui::input::keys::Key;
use crate::tui::run::{Ended, Look};
use crate::tui::terminal::Screen;

/// How often a run that goes on is looked at.
const FOLLOW: Duration = Duration::from_millis(200);
/// How often signals are looked at while nothing else happens.
const IDLE: Duration = Duration::from_secs(1);

/// Says how a run ended, once, when it has.
pub type Ending = Box<dyn FnMut() -> Option<Result<(), String>>>;

/// A run to look at.
pub struct Run {
    /// Its folder, or its log.
    pub path: PathBuf,
    pub screen: Training,
    /// How the run of this program ended, once it has; `None` where it makes
    /// none.
    pub ended: Option<Ending>,
    /// Set by a signal.
    pub stop: Arc<AtomicBool>,
}

/// Shows the run until the person quits.
///
/// # Errors
/// The terminal fails; it is restored before.
pub fn run(mut run: Run, look: Look) -> io::Result<Ended> {
    let mut shown = Shown {
        terminal: Screen::open(look.mouse)?,
        look,
        pending: Pending::default(),
    };
    shown.look.theme.name().clone_into(&mut run.screen.theme);
    run.screen.notice = shown.look.warning.take();
    let mut looked = None;
    let mut dirty = true;
    while !run.screen.quitting {
        if run.stop.load(Ordering::Relaxed) {
            return Ok(Ended::Interrupted);
        }
        let due = |at: Instant| at.elapsed() >= FOLLOW;
        if follows(&run.screen.progress) && looked.is_none_or(due) {
            dirty |= run.look();
            looked = Some(Instant::now());
        }
        if std::mem::take(&mut dirty) {
            shown.draw(&run.screen)?;
        }
        let wait = match follows(&run.screen.progress) {
            true => FOLLOW,
            false => IDLE,
        };
        if event::poll(wait)? {
            let event = event::read()?;
            // The mouse moves, and nothing changes.
            dirty |= matches!(event, Event::Key(_) | Event::Resize(..));
            shown.event(&event, &mut run.screen)?;
        }
    }
    Ok(Ended::Quit)
}

/// Whether anything may still come.
fn follows(progress: &Progress) -> bool {
    match progress {
        Progress::Waiting | Progress::Running | Progress::Open => true,
        Progress::Finished | Progress::Failed(_) => false,
    }
}

impl Run {
    /// Reads what is new; whether anything is.
    fn look(&mut self) -> bool {
        let ended = self.ended.as_mut().and_then(|ended| ended());
        let mut changed = ended.is_some();
        match &mut self.screen.log {
            None => match TrainingLog::open(&self.path) {
                Ok(log) => {
                    self.screen.update(TrainingMsg::Opened(Box::new(log)));
                    changed = true;
                }
                // A run of our own has not begun to write.
                Err(_) if self.screen.trains => {}
                Err(error) => changed |= self.unreadable(&error),
            },
            Some(log) => match log.follow(&self.path) {
                Ok(true) => {
                    self.screen.grown();
                    changed = true;
                }
                Ok(false) => {}
                Err(error) => changed |= self.unreadable(&error),
            },
        }
        if let Some(result) = ended {
            self.screen.update(TrainingMsg::Ended(result));
        }
        changed
    }
}

impl Run {
    /// Says why the log cannot be read; whether that is news.
    fn unreadable(&mut self, error: &TrainingLogError) -> bool {
        let told = error.to_string();
        let news = self.screen.notice.as_ref() != Some(&told);
        self.screen.update(TrainingMsg::Unreadable(told));
        news
    }
}

struct Shown {
    terminal: Screen,
    look: Look,
    pending: Pending,
}

impl Shown {
    fn draw(&mut self, screen: &Training) -> io::Result<()> {
        let Self {
            terminal,
            look,
            pending,
        } = self;
        terminal.draw(|frame| {
            let area = frame.area();
            super::draw(
                area,
                frame.buffer_mut(),
                screen,
                &look.theme,
                &look.keymap,
                pending,
            );
        })
    }

    fn event(&mut self, event: &Event, screen: &mut Training) -> io::Result<()> {
        let Event::Key(event) = event else {
            return Ok(());
        };
        let repeat = event.kind == KeyEventKind::Repeat;
        let Some(key) = Key::from_event(event) else {
            return Ok(());
        };
        let keymap = &self.look.keymap;
        let found = keymap.feed(&mut self.pending, Context::Global, key, repeat);
        let Lookup::Action { action, count } = found else {
            return Ok(());
        };
        match screen.update(TrainingMsg::Action { action, count }) {
            None => Ok(()),
            Some(TrainingEffect::Redraw) => self.terminal.repaint(),
            Some(TrainingEffect::Suspend) => self.terminal.suspend(),
            Some(TrainingEffect::NextTheme) => {
                let result = self.look.next_theme(&screen.theme);
                screen.update(TrainingMsg::Themed(result));
                Ok(())
            }
        }
    }
}
