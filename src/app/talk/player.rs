//! Playing a tour: its scenes one after the other, at their pace.
//!
//! The only clock is [`Effect::Tick`]. Going back does everything from the
//! start again, at once: the same messages give the same model.

use std::collections::{BTreeMap, BTreeSet};

use crate::trace::record::StepId;

use super::super::action::Action;
use super::super::debug::{Debug, Jumps};
use super::super::effect::Effect;
use super::super::model::{Model, NoticeLevel, Slot, View};
use super::super::search::Search;
use super::super::table::{Runs, Table};
use super::super::tour::{Deed, Rest, SHORTEST, Scene, Target, Tour};
use super::super::update::{ask_for_work, refresh};
use super::super::what_if::Slid;
use super::super::{compare, follow, keys, overlay};

/// The longest tick: what is due while another tick is under way is late by
/// no more than this.
const TICK: u64 = 250;

/// A tour that is played.
#[derive(Debug, Clone, PartialEq)]
pub struct Player {
    tour: Tour,
    /// How things were when it began; none before the log is read.
    start: Option<Start>,
    /// How many times as fast as it is written.
    speed: f64,
    /// The scene on screen.
    scene: usize,
    /// What is done next of it, and how often that has been done.
    deed: usize,
    times: u32,
    /// Milliseconds of the tour since something was done.
    waited: f64,
    paused: bool,
    rush: Option<Rush>,
}

/// Everything before a scene is done at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rush {
    to: usize,
    /// What is done in that scene as well.
    inclusive: bool,
}

/// Where a tour stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// From 1.
    pub scene: usize,
    pub of: usize,
    pub paused: bool,
    /// Whether somebody is waited for: at the end, or where a scene says so.
    pub waits: bool,
}

/// What a tour begins with, to begin again with it.
#[derive(Debug, Clone, PartialEq)]
struct Start {
    view: View,
    current: usize,
    table: Table,
    marks: BTreeMap<String, BTreeSet<StepId>>,
    debug: Debug,
    jumps: Jumps,
}

/// What comes next.
enum Due {
    /// Something is done.
    Deed,
    /// The next scene begins.
    Scene,
    /// After so many milliseconds of the tour.
    In(f64),
    /// When somebody goes on.
    Never,
}

impl Player {
    pub fn new(tour: Tour, speed: f64) -> Self {
        Self {
            tour,
            start: None,
            speed,
            scene: 0,
            deed: 0,
            times: 0,
            waited: 0.0,
            paused: false,
            rush: None,
        }
    }

    fn shown(&self) -> Option<&Scene> {
        self.tour.scenes.get(self.scene)
    }

    pub fn title(&self) -> Option<&str> {
        self.tour.title.as_deref()
    }

    pub fn caption(&self) -> Option<&str> {
        self.shown()?.caption.as_deref()
    }

    pub fn captions(&self) -> impl Iterator<Item = &str> {
        let scenes = self.tour.scenes.iter();
        scenes.filter_map(|scene| scene.caption.as_deref())
    }

    pub fn highlights(&self) -> &[Target] {
        match self.shown() {
            Some(scene) if self.is_done(scene) => &scene.highlight,
            _ => &[],
        }
    }

    pub fn progress(&self) -> Progress {
        Progress {
            scene: self.scene + 1,
            of: self.tour.scenes.len(),
            paused: self.paused,
            waits: matches!(self.due(), Due::Never),
        }
    }

    /// Whether everything in the scene has been done.
    fn is_done(&self, scene: &Scene) -> bool {
        self.deed >= scene.deeds.len()
    }

    fn is_last(&self) -> bool {
        self.scene + 1 >= self.tour.scenes.len()
    }

    fn due(&self) -> Due {
        let Some(scene) = self.shown() else {
            return Due::Never;
        };
        let is_before = self.rush.is_some_and(|rush| self.scene < rush.to);
        if !self.is_done(scene) {
            let is_within = |rush: Rush| rush.inclusive && self.scene == rush.to;
            let rushes = is_before || self.rush.is_some_and(is_within);
            // The first is done as the scene begins.
            let first = self.deed == 0 && self.times == 0;
            let left = scene.every() as f64 - self.waited;
            return match rushes || first || left <= 0.0 {
                true => Due::Deed,
                false => Due::In(left),
            };
        }
        if is_before {
            return Due::Scene;
        }
        match scene.rest {
            _ if self.is_last() || self.paused => Due::Never,
            Rest::Key => Due::Never,
            Rest::Pause(pause) if self.waited >= pause as f64 => Due::Scene,
            Rest::Pause(pause) => Due::In(pause as f64 - self.waited),
        }
    }

    /// Takes the next thing to do.
    fn take(&mut self) -> Option<Deed> {
        let deed = self.shown()?.deeds.get(self.deed)?.clone();
        self.times += 1;
        if self.times >= deed.times() {
            self.deed += 1;
            self.times = 0;
        }
        self.waited = 0.0;
        Some(deed)
    }

    fn enter(&mut self, scene: usize) {
        self.scene = scene;
        self.deed = 0;
        self.times = 0;
        self.waited = 0.0;
    }
}

/// What a key does while a tour has the keys.
pub fn key(model: &mut Model, action: Action, now: &str) -> Vec<Effect> {
    match action {
        Action::NextScene => next(model),
        Action::PreviousScene => return previous(model),
        Action::PauseTour => {
            if let Some(player) = &mut model.talk.player {
                player.paused = !player.paused;
            }
        }
        Action::BackLevel | Action::Cancel => {
            model.talk.player = None;
            let text = "the tour is left: the keys are yours; f5 leaves talk mode";
            model.say(NoticeLevel::Info, text);
        }
        Action::Quit => return keys::leave(model),
        Action::NextTheme => return vec![Effect::NextTheme],
        Action::Redraw | Action::Suspend => return keys::act(model, action, None, now),
        _ => {}
    }
    Vec::new()
}

/// To the next scene; what is left of this one is done at once.
fn next(model: &mut Model) {
    let Some(player) = &mut model.talk.player else {
        return;
    };
    let done = player.shown().is_none_or(|scene| player.is_done(scene));
    let last = player.is_last();
    player.rush = Some(Rush {
        to: if last { player.scene } else { player.scene + 1 },
        inclusive: last,
    });
    if last && done {
        let text = "the end: esc gives the keys back";
        model.say(NoticeLevel::Info, text);
    }
}

/// To the scene before this one: everything up to it is done again.
fn previous(model: &mut Model) -> Vec<Effect> {
    let Some(player) = &mut model.talk.player else {
        return Vec::new();
    };
    player.rush = Some(Rush {
        to: player.scene.saturating_sub(1),
        inclusive: true,
    });
    player.enter(0);
    let start = player.start.clone();
    start.map_or_else(Vec::new, |start| restore(model, start))
}

/// Everything as it was when the tour began. Trajectories are read anew: the
/// cursor of each is where it was at first.
fn restore(model: &mut Model, start: Start) -> Vec<Effect> {
    model.view = start.view;
    model.table = start.table;
    model.marks = start.marks;
    model.debug = start.debug;
    model.jumps = start.jumps;
    model.values.worth = None;
    model.analysis.reset();
    compare::reset(model);
    model.runs = Runs::default();
    model.what_if = Slid::default();
    model.search = Search::default();
    model.layers.clear();
    model.notice = None;
    model.talk.echo.clear();
    for slot in &mut model.slots {
        // One that is being read comes fresh.
        if !matches!(slot, Slot::Opening) {
            *slot = Slot::Closed;
        }
    }
    follow::show(model, start.current)
}

/// Whether nothing is on its way that the next thing done would have to wait
/// for.
fn is_settled(model: &Model) -> bool {
    let slot = model.slots.get(model.current);
    model.reading.is_none()
        && !matches!(slot, None | Some(Slot::Closed | Slot::Opening))
        && !model.what_if.is_awaited()
        && model.table.texts_read().is_none()
        && !model.values.are_awaited()
        && !model.analysis.is_awaited()
        && !compare::is_awaited(model)
}

/// Does everything that is due.
pub(in super::super) fn go_on(model: &mut Model, now: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    while is_settled(model) {
        begin(model);
        let Some(player) = &mut model.talk.player else {
            break;
        };
        match player.due() {
            Due::Deed => {
                if let Some(deed) = player.take() {
                    effects.extend(perform(model, deed, now));
                }
            }
            Due::Scene => player.enter(player.scene + 1),
            Due::In(_) | Due::Never => break,
        }
    }
    effects
}

/// Remembers how things are, once.
fn begin(model: &mut Model) {
    let is_new = |player: &Player| player.start.is_none();
    if !model.talk.player.as_ref().is_some_and(is_new) {
        return;
    }
    let start = Start {
        view: model.view.clone(),
        current: model.current,
        table: model.table.clone(),
        marks: model.marks.clone(),
        debug: model.debug.clone(),
        jumps: model.jumps.clone(),
    };
    if let Some(player) = &mut model.talk.player {
        player.start = Some(start);
    }
}

/// Does a thing as if its key had been pressed.
fn perform(model: &mut Model, deed: Deed, now: &str) -> Vec<Effect> {
    model.notice = None;
    let mut effects = match deed {
        Deed::Act { action, count, .. } => {
            let context = model.beneath_tour();
            model.talk.remember(action, count, context);
            keys::act(model, action, count, now)
        }
        Deed::Type(text) => {
            overlay::text(model, &text);
            Vec::new()
        }
    };
    refresh(model);
    effects.extend(ask_for_work(model));
    // Nothing else comes of what a tour may do; should it, it is not done.
    effects.retain(|effect| {
        matches!(
            effect,
            Effect::Open { .. } | Effect::Rule { .. } | Effect::Work(_) | Effect::Tick { .. }
        )
    });
    effects
}

/// Time passed: as much as was asked for.
pub(in super::super) fn ticked(model: &mut Model) {
    let tick = model.talk.tick as f64;
    if let Some(player) = &mut model.talk.player {
        player.waited += tick * player.speed;
    }
}

/// Milliseconds after which something is due; `None` where nothing is by
/// itself.
pub(in super::super) fn next_tick(model: &Model) -> Option<u64> {
    let player = model.talk.player.as_ref()?;
    if !is_settled(model) {
        return None;
    }
    match player.due() {
        Due::In(left) => Some(((left / player.speed).ceil() as u64).clamp(SHORTEST, TICK)),
        Due::Deed | Due::Scene | Due::Never => None,
    }
}
