//! Pictures and recordings, drawn by what draws the screen.

use std::collections::VecDeque;
use std::io::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::ExportArgs;
use super::output::{Outputs, PICTURE, RECORDING, Target, Written, settled};
use super::view::ViewArgs;
use crate::app::action::Action;
use crate::app::{Effect, Model, Msg, Screen, Use, update};
use crate::cli::{replay, screen, talk};
use crate::config::Flags;
use crate::counts::counted;
use crate::expr::{Expr, Scope};
use crate::headless::export::{Chosen, named};
use crate::headless::{Exit, Failure};
use crate::survey::Survey;
use crate::trace::Log;
use crate::train::params::CostLedger;
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
        let survey = of_tables(args, &log, survey)?;
        let entry = wanted(args, &log, &survey)?;
        let (mut model, opener) = sessions::replay(log, survey, Vec::new());
        model.current = entry;
        model.view.talk = args.talk;
        model.talk.private = talk::private(&config, None);
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

    /// Writes what was asked for; it is not in its place then.
    ///
    /// # Errors
    /// A step or a screen that is not there, and those of writing.
    pub fn write(&mut self, args: &ExportArgs, outputs: &Outputs) -> Result<Vec<Written>, Failure> {
        let mut written = Vec::new();
        if let Some(path) = &args.cast {
            let mut out = outputs.begin(RECORDING, path)?;
            let recorded = self.record(&mut out, args.pace).map(|()| out);
            written.push(Written::new(RECORDING, path, settled(path, recorded)?));
        }
        if let Some(path) = &args.svg {
            self.go_to_step(args.view.step)?;
            self.arrange(args)?;
            self.show(args)?;
            let svg = buffer_to_svg(
                &self.draw(),
                &SvgOptions::of_theme("pointsman", &self.theme),
            );
            let mut out = outputs.begin(PICTURE, path)?;
            let drawn = out.write_all(svg.as_bytes()).map(|()| out);
            written.push(Written::new(PICTURE, path, settled(path, drawn)?));
        }
        Ok(written)
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
        let effects = update(&mut self.model, msg, "");
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        let mut effects = VecDeque::from(effects);
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

    /// Tells the screens what they are asked, as `show` tells them.
    fn arrange(&mut self, args: &ExportArgs) -> Result<(), Failure> {
        let view = &args.view;
        self.model.values.worth = view.worth;
        self.model.analysis.ask = view.ask();
        self.model.analysis.page = view.page.unwrap_or_default();
        if !OF_TABLE.contains(&view.screen()) {
            return Ok(());
        }
        let model = &mut self.model;
        if let Some(run) = &args.run {
            model.table.run = Some(run_of(model, run)?);
        }
        // One about texts has been asked of the log already.
        let filter = args.filter.as_ref().filter(|text| !reads_texts(text));
        let uses = [
            (Use::Filter, "filter", filter),
            (Use::Sort, "sort", view.sort.as_ref()),
            (Use::Group, "group", view.group.as_ref()),
        ];
        for (of, flag, text) in uses {
            if let Some(text) = text {
                let taken = model.table.take(of, text, &model.survey);
                taken.map_err(|why| Failure::usage(format!("--{flag}: {why}")))?;
            }
        }
        Ok(())
    }

    /// Shows a screen.
    fn show(&mut self, args: &ExportArgs) -> Result<(), Failure> {
        let view = &args.view;
        let name = view.screen();
        let found = SCREENS.iter().find(|(known, ..)| *known == name);
        let Some((_, screen, action)) = found else {
            return Err(Failure::usage(format!("no screen `{name}`")));
        };
        if let Some(with) = &view.with_run {
            // The runs are marked where they are listed.
            let marked = [run_of_entry(&self.model), Some(run_of(&self.model, with)?)];
            self.take(action_of(Action::Runs));
            self.model.compare.marked_runs = marked.into_iter().flatten().collect();
        }
        if let Some(action) = action {
            self.take(action_of(*action));
        }
        if self.model.view.screen == *screen {
            return match screen {
                Screen::WhatIf => self.slide(view),
                _ => Ok(()),
            };
        }
        let said = self
            .model
            .notice
            .as_ref()
            .map(|notice| notice.text.as_str());
        if *screen == Screen::Compare && view.with_run.is_none() {
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

    /// Decides the run again as it is wanted.
    fn slide(&mut self, view: &ViewArgs) -> Result<(), Failure> {
        let wrong = |flag: &str, why: String| Failure::usage(format!("--{flag}: {why}"));
        if let Some(spec) = &view.rule {
            let effects = self.model.decide_by(spec);
            let effects = effects.map_err(|why| wrong("rule", why))?;
            self.perform(effects);
            // A picture of why there is none would be a surprise.
            if self.model.what_if.what_if().is_none() {
                return Err(wrong("rule", self.model.what_if.said.clone()));
            }
        }
        if view.ledger == Some(CostLedger::Full) {
            self.take(action_of(Action::OtherLedger));
        }
        if let Some(value) = view.value {
            let slid = self.model.slide(value);
            slid.map_err(|why| wrong(&format!("value {value}"), why))?;
        }
        if let Some(cost) = view.cost {
            let reached = self.model.slide_for_cost(cost);
            if !reached.map_err(|why| wrong("cost", why))? {
                let message = format!("no value with an estimate is as cheap as {cost}");
                return Err(Failure::new(Exit::Failed, message));
            }
        }
        Ok(())
    }

    /// The step asked for; a picture of another one would be a lie.
    fn go_to_step(&mut self, step: Option<u32>) -> Result<(), Failure> {
        let length = self.length();
        if let Some(step) = step.filter(|&step| step as usize > length) {
            let steps = counted(length, "step");
            let message = format!("there is no step {step}: the trajectory has {steps}");
            return Err(Failure::usage(message));
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

/// Screens of the trajectories that the table of problems shows.
const OF_TABLE: &[&str] = &["problems", "analysis"];

fn action_of(action: Action) -> Msg {
    Msg::Action {
        action,
        count: None,
    }
}

/// The place of the run whose id begins so.
fn run_of(model: &Model, id: &str) -> Result<u32, Failure> {
    let survey = &model.survey;
    let runs = survey.runs().iter();
    let ids: Vec<&str> = runs.map(|run| survey.name(run.id)).collect();
    let place = named(&ids, id)?;
    u32::try_from(place).map_err(|_| Failure::new(Exit::Failed, "too many runs"))
}

/// The run of the trajectory that is shown.
fn run_of_entry(model: &Model) -> Option<u32> {
    let current = model.survey.trajectories().get(model.current);
    current.map(|found| found.run)
}

/// Whether a filter is about texts, which a survey does not hold.
fn reads_texts(filter: &str) -> bool {
    Expr::condition(filter, Scope::Trajectory).is_ok_and(|condition| condition.reads_texts())
}

/// For a picture of tables, the survey of those trajectories whose texts fulfil
/// the filter: the table itself has none.
fn of_tables(args: &ExportArgs, log: &Log, survey: Survey) -> Result<Survey, Failure> {
    let filter = args.filter.as_ref().filter(|text| reads_texts(text));
    match filter {
        Some(filter) if OF_TABLE.contains(&args.view.screen()) => {
            replay::filtered(log, survey, filter)
        }
        _ => Ok(survey),
    }
}

/// The place of the trajectory to show: the first that is wanted.
fn wanted(args: &ExportArgs, log: &Log, survey: &Survey) -> Result<usize, Failure> {
    let mut chosen = Chosen::new(log, &args.selection(), Some(survey))?;
    let Some(found) = chosen.advance()? else {
        return Err(chosen.none());
    };
    let unnamed = args.run.is_none() && args.problem.is_none();
    if args.view.screen() == "what-if" && unnamed && !survey.is_one_run() {
        // Not the first one that happens to be there.
        let runs = survey.runs().iter().map(|run| survey.name(run.id));
        let runs: Vec<&str> = runs.collect();
        let failure = Failure::usage(format!("the log holds {} runs", runs.len()));
        return Err(failure.hint(format!("--run takes one of {}", runs.join(", "))));
    }
    let place = survey.find(found.run, found.problem);
    // The survey is of the same log.
    place.ok_or_else(|| Failure::new(Exit::BadData, "the trajectory is not in the log"))
}
