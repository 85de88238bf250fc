//! Pictures and recordings, drawn by what draws the screen.

use std::collections::VecDeque;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Map, Value};

use super::ExportArgs;
use super::output::{Outputs, Target, settled};
use crate::app::action::Action;
use crate::app::{Effect, Model, Msg, Screen, update};
use crate::cli::screen;
use crate::config::Flags;
use crate::headless::export::Chosen;
use crate::headless::{Exit, Failure};
use crate::survey::Survey;
use crate::trace::Log;
use crate::tui::export_cast::Cast;
use crate::tui::export_svg::{SvgOptions, buffer_to_svg};
use crate::tui::input::keymap::{Keymap, Pending};
use crate::tui::screens::{self, ViewCache};
use crate::tui::sessions::{self, Opener};
use crate::tui::theme::{ColorDepth, Theme, Themes};

/// The screens that there are pictures of, and what shows each from the
/// inspector. A new screen is one row more.
const SCREENS: &[(&str, Screen, Option<Action>)] = &[
    ("inspector", Screen::Inspector, None),
    ("tree", Screen::Tree, Some(Action::Tree)),
    ("runs", Screen::Runs, Some(Action::Runs)),
    ("problems", Screen::Problems, Some(Action::Problems)),
    ("what-if", Screen::WhatIf, Some(Action::WhatIf)),
    ("values", Screen::Values, Some(Action::Values)),
    ("analysis", Screen::Analysis, Some(Action::Analysis)),
    ("compare", Screen::Compare, Some(Action::Compare)),
];

/// The names of the screens.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SCREENS.iter().map(|(name, ..)| *name)
}

/// A trajectory on a screen that nobody sees.
pub(super) struct Picture {
    model: Model,
    opener: Opener,
    theme: Theme,
    cache: ViewCache,
    area: Rect,
}

impl Picture {
    /// Opens the trajectory that is wanted.
    ///
    /// # Errors
    /// A theme or a trajectory that is not there.
    pub fn of(args: &ExportArgs, log: Log, survey: Survey) -> Result<Self, Failure> {
        let flags = Flags {
            theme: args.theme.clone(),
            ..Flags::default()
        };
        let config = screen::configuration(flags)?;
        // A picture has colours wherever it is made.
        let loaded =
            Themes::new(config.themes_folder()).load(&config.theme.value, ColorDepth::TrueColor);
        if let Some(warning) = loaded.warnings.first() {
            return Err(Failure::usage(warning.clone()));
        }
        let entry = wanted(args, &log, &survey)?;
        let (mut model, opener) = sessions::replay(log, survey, Vec::new());
        model.current = entry;
        let (width, height) = (args.width, args.height);
        update(&mut model, Msg::Resize { width, height }, "");
        let result = opener.open(entry, &model.entries[entry]);
        if let Err(message) = &result {
            return Err(Failure::new(Exit::BadData, message.clone()));
        }
        let mut picture = Self {
            model,
            opener,
            theme: loaded.theme,
            cache: ViewCache::default(),
            area: Rect::new(0, 0, width, height),
        };
        picture.take(Msg::Opened { entry, result });
        Ok(picture)
    }

    /// Writes what was asked for.
    ///
    /// # Errors
    /// A step or a screen that is not there, and those of writing.
    pub fn write(
        &mut self,
        args: &ExportArgs,
        outputs: &Outputs,
        told: &mut Map<String, Value>,
    ) -> Result<(), Failure> {
        if let Some(path) = &args.cast {
            let mut out = outputs.begin("cast", path)?;
            let recorded = self.record(&mut out, args.pace);
            let finished = recorded.and_then(|()| out.finish());
            settled(path, finished)?;
            told.insert("cast".to_owned(), path.to_string_lossy().into());
        }
        if let Some(path) = &args.svg {
            self.go_to_step(args.step)?;
            self.show(&args.screen)?;
            let svg = buffer_to_svg(
                &self.draw(),
                &SvgOptions::of_theme("pointsman", &self.theme),
            );
            let mut out = outputs.begin("svg", path)?;
            let written = std::io::Write::write_all(&mut out, svg.as_bytes());
            let finished = written.and_then(|()| Target::finish(out));
            settled(path, finished)?;
            told.insert("svg".to_owned(), path.to_string_lossy().into());
        }
        Ok(())
    }

    fn draw(&mut self) -> Buffer {
        let mut buffer = Buffer::empty(self.area);
        screens::draw(
            self.area,
            &mut buffer,
            &self.model,
            &self.theme,
            &Keymap::default(),
            &Pending::default(),
            &mut self.cache,
        );
        buffer
    }

    /// Takes a message, and does at once what it asks for.
    fn take(&mut self, msg: Msg) {
        let mut effects = VecDeque::from(update(&mut self.model, msg, ""));
        while let Some(effect) = effects.pop_front() {
            let msg = match effect {
                Effect::Open { entry } => Msg::Opened {
                    entry,
                    result: self.opener.open(entry, &self.model.entries[entry]),
                },
                Effect::Rule { run, spec, pool } => Msg::Ruled {
                    run,
                    rule: sessions::rule(&spec, &pool),
                    spec,
                },
                Effect::Work(work) => {
                    let texts_of = |survey: &Survey, place| self.opener.texts(survey, place);
                    work.done(&self.model.survey, &sessions::build, &texts_of)
                }
                // What else there is needs a terminal, a network or a person.
                _ => continue,
            };
            effects.extend(update(&mut self.model, msg, ""));
        }
    }

    /// Shows a screen.
    fn show(&mut self, name: &str) -> Result<(), Failure> {
        let found = SCREENS.iter().find(|(known, ..)| *known == name);
        let Some((_, screen, action)) = found else {
            return Err(Failure::usage(format!("no screen `{name}`")));
        };
        if let Some(action) = action {
            self.take(Msg::Action {
                action: *action,
                count: None,
            });
        }
        if self.model.view.screen == *screen {
            return Ok(());
        }
        let said = self
            .model
            .notice
            .as_ref()
            .map(|notice| notice.text.as_str());
        if *screen == Screen::Compare {
            let message = "the screen `compare`: no other run has this problem";
            let failure = Failure::new(Exit::Failed, message);
            return Err(failure.hint("name the logs of both runs"));
        }
        let said = said.unwrap_or("the log has nothing to show on it");
        Err(Failure::new(
            Exit::Failed,
            format!("the screen `{name}`: {said}"),
        ))
    }

    /// The step asked for; a picture of another one would be a lie.
    fn go_to_step(&mut self, step: Option<u32>) -> Result<(), Failure> {
        let length = self.length();
        if let Some(step) = step.filter(|&step| step as usize > length) {
            return Err(Failure::usage(format!(
                "there is no step {step}: the trajectory has {length}"
            )));
        }
        self.model.go_to_step(step.unwrap_or(u32::MAX));
        Ok(())
    }

    /// Number of steps of the trajectory.
    fn length(&self) -> usize {
        let session = self.model.session();
        session.map_or(0, |session| session.followed_path().len())
    }

    /// Plays the trajectory from the question to its last step, so many seconds
    /// each.
    fn record(&mut self, out: &mut Target, pace: f64) -> std::io::Result<()> {
        let size = (self.area.width, self.area.height);
        let mut cast = Cast::begin(out, size, "pointsman")?;
        let last = u32::try_from(self.length()).unwrap_or(u32::MAX);
        for step in 0..=last {
            self.model.go_to_step(step);
            let buffer = self.draw();
            cast.frame(f64::from(step) * pace, &buffer)?;
        }
        cast.end((f64::from(last) + 1.0) * pace)?;
        Ok(())
    }
}

/// The place of the trajectory to show: the first that is wanted.
fn wanted(args: &ExportArgs, log: &Log, survey: &Survey) -> Result<usize, Failure> {
    let mut chosen = Chosen::new(log, &args.selection())?;
    let Some(found) = chosen.advance()? else {
        return Err(chosen.none());
    };
    let place = survey.find(found.run, found.problem);
    // The survey is of the same log.
    place.ok_or_else(|| Failure::new(Exit::BadData, "the trajectory is not in the log"))
}
