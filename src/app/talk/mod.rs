//! Talk mode: what an audience is shown.
//!
//! Tape only: while it is on nothing is generated, not even by the embedded
//! pair, whose calls never leave the machine. One rule without exceptions is
//! one that a speaker can rely on, and what is drawn again on stage may come
//! out otherwise than it did at home; `f5` lifts it. What is private is not
//! drawn, keys are echoed, and a tour may hold the keys.

mod player;
mod private;
mod recorder;

use std::collections::VecDeque;

use super::action::{Action, Context};
use super::effect::Effect;
use super::keys;
use super::model::{EndpointState, Layer, Mode, Model, NoticeLevel, Purpose, ScorersState};
use super::tour::{Deed, MOST_LOGS, MOST_TEXT, Target, Tour, is_text};
use super::update::close;

pub use player::Progress;
pub use private::Private;

pub(super) use player::{go_on, next_tick, ticked};

use player::Player;
use recorder::Recorder;

/// Said of what would make a call.
pub(super) const TAPE_ONLY: &str = "talk mode plays the tape only: f5 leaves it";
/// Keys that are remembered for the echo.
const ECHO: usize = 6;

/// Something that was done, for the echo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pressed {
    /// The keys as they were pressed; `None` where a tour did it.
    pub keys: Option<String>,
    pub action: Action,
    pub count: Option<u32>,
    /// Where it was done.
    pub context: Context,
    /// How often in a row.
    pub times: u32,
}

/// What talk mode keeps; whether it is on is part of the view.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Talk {
    /// What nobody is to read.
    pub private: Private,
    /// The last things that were done, the newest last.
    pub echo: VecDeque<Pressed>,
    /// Keys whose action comes next.
    keys: Option<String>,
    /// What somebody typed for the audience.
    caption: Option<String>,
    player: Option<Player>,
    recorder: Option<Recorder>,
    /// Whether endpoints are still to be probed, and scorers with them.
    unprobed: Option<bool>,
    /// Milliseconds of the tick that was asked for.
    tick: u64,
}

impl Talk {
    /// Whether a tour holds the keys.
    pub fn is_touring(&self) -> bool {
        self.player.is_some()
    }

    /// Whether what is done is written down.
    pub fn is_recording(&self) -> bool {
        self.recorder.is_some()
    }

    /// The line under the screen.
    pub fn caption(&self) -> Option<&str> {
        match &self.player {
            Some(player) => player.caption(),
            None => self.caption.as_deref(),
        }
    }

    /// Every caption that may come: the bar has room for the longest, so that
    /// nothing moves from scene to scene.
    pub fn captions(&self) -> impl Iterator<Item = &str> {
        let tour = self.player.iter().flat_map(Player::captions);
        tour.chain(self.caption.as_deref())
    }

    /// What is pointed at: nothing before everything of the scene is done.
    pub fn highlights(&self) -> &[Target] {
        self.player.as_ref().map_or(&[], Player::highlights)
    }

    /// Where the tour stands.
    pub fn progress(&self) -> Option<Progress> {
        self.player.as_ref().map(Player::progress)
    }

    /// Title of the tour.
    pub fn title(&self) -> Option<&str> {
        self.player.as_ref().and_then(Player::title)
    }

    /// Remembers keys whose action is the next message.
    pub(super) fn press(&mut self, keys: String) {
        self.keys = Some(keys);
    }

    fn remember(&mut self, action: Action, count: Option<u32>, context: Context) {
        let pressed = Pressed {
            keys: self.keys.take(),
            action,
            count,
            context,
            times: 1,
        };
        if let Some(last) = self.echo.back_mut() {
            let times = last.times;
            if (Pressed {
                times,
                ..pressed.clone()
            }) == *last
            {
                last.times = times.saturating_add(1);
                return;
            }
        }
        if self.echo.len() == ECHO {
            self.echo.pop_front();
        }
        self.echo.push_back(pressed);
    }

    /// Takes an action that nobody may play out of the recording, with how it
    /// was chosen in the palette.
    pub(super) fn forget_palette(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.forget_from(Action::Palette);
        }
    }
}

impl Model {
    /// Writes down everything that is done from here on. `logs` are the names
    /// of the logs that are open, with the filter over them. What cannot stand
    /// in a tour is left out: a name of several lines, say.
    pub fn record_tour(&mut self, logs: Vec<String>, filter: Option<String>) {
        let entry = self.entries.get(self.current);
        let told = logs.len() <= MOST_LOGS && logs.iter().all(|log| is_text(log));
        let fit = |text: &String| is_text(text);
        self.talk.recorder = Some(Recorder::new(Tour {
            logs: if told { logs } else { Vec::new() },
            filter: filter.filter(fit),
            problem: entry.map(|entry| entry.problem.clone()).filter(fit),
            run: entry.map(|entry| entry.run.clone()).filter(fit),
            ..Tour::default()
        }));
    }

    /// What was written down, and whether that is all that was done; `None`
    /// where nothing was.
    pub fn recorded_tour(&mut self) -> Option<(Tour, bool)> {
        let recorder = self.talk.recorder.take()?;
        let whole = !recorder.is_full();
        recorder.finish().map(|tour| (tour, whole))
    }

    /// Gives the keys to a tour, `speed` times as fast as it is written.
    ///
    /// # Errors
    /// In words for the person: the log does not hold what the tour begins at,
    /// or the session is no tape.
    pub fn begin_tour(&mut self, tour: Tour, speed: f64) -> Result<(), String> {
        if self.mode == Mode::Live {
            return Err("a tour is of a recording: open the log by `replay`".to_owned());
        }
        let wanted = |entry: &super::Entry| {
            tour.problem.as_ref().is_none_or(|id| *id == entry.problem)
                && tour.run.as_ref().is_none_or(|id| *id == entry.run)
        };
        let named = tour.problem.is_some() || tour.run.is_some();
        if named {
            let place = self.entries.iter().position(wanted);
            self.current = place.ok_or_else(|| {
                let id = tour.problem.as_deref().unwrap_or("any");
                let run = tour.run.as_ref();
                let run = run.map_or_else(String::new, |run| format!(" of run `{run}`"));
                format!("the tour begins at problem `{id}`{run}, which this log does not hold")
            })?;
        }
        self.view.talk = true;
        self.talk.player = Some(Player::new(tour, speed));
        Ok(())
    }

    /// Puts off what would be asked at the start, of the scorers too where
    /// there are any, until talk mode is left.
    pub fn put_off_probes(&mut self, scorers: bool) {
        self.talk.unprobed = Some(scorers);
    }
}

/// Does an action that somebody gave: for the tour where one holds the keys,
/// else for the screen.
pub(super) fn act(model: &mut Model, action: Action, count: Option<u32>, now: &str) -> Vec<Effect> {
    if model.talk.is_touring() {
        model.talk.keys = None;
        return player::key(model, action, now);
    }
    if model.view.talk {
        let context = model.context();
        model.talk.remember(action, count, context);
    }
    note(model, Deed::once(action, count), now);
    // A caption is of what was on screen; the field for the next one offers it.
    if action != Action::Caption {
        model.talk.caption = None;
    }
    keys::act(model, action, count, now)
}

/// Writes down what is about to be done.
pub(super) fn note(model: &mut Model, deed: Deed, now: &str) {
    let Some(recorder) = &mut model.talk.recorder else {
        return;
    };
    // Of these nothing is left on a tape.
    let aside = |layer: &Layer| {
        matches!(
            layer,
            Layer::Override { .. }
                | Layer::ConfirmQuit
                | Layer::ConfirmRerun { .. }
                | Layer::ConfirmRollouts(_)
                | Layer::Expression {
                    purpose: Purpose::Caption | Purpose::Note,
                    ..
                }
        )
    };
    let is_played = match deed {
        // It stops the tape, which a tour does not play.
        Deed::Act {
            action: Action::BackLevel | Action::Cancel,
            ..
        } if model.playing && model.layers.is_empty() => false,
        Deed::Act { action, .. } => action.is_for_tours(),
        Deed::Type(_) => true,
    };
    if is_played && !model.layers.last().is_some_and(aside) {
        recorder.note(deed, now);
    }
}

/// Remembers how long the tick is that was asked for.
pub(super) fn ask(model: &mut Model, milliseconds: u64) {
    model.talk.tick = milliseconds;
}

/// Takes what was typed for the audience.
pub(super) fn caption(model: &mut Model, text: &str, now: &str) {
    let text: String = text.trim().chars().take(MOST_TEXT).collect();
    let caption = Some(text).filter(|text| !text.is_empty());
    if let Some(recorder) = &mut model.talk.recorder {
        recorder.caption(caption.clone(), now);
    }
    model.talk.caption = caption;
}

/// Enters talk mode, or leaves it. On the way in every call is dropped; on the
/// way out those are asked that were not asked at the start.
pub(super) fn toggle(model: &mut Model, now: &str) -> Vec<Effect> {
    model.view.talk = !model.view.talk;
    if model.view.talk {
        model.waiting = None;
        let effects = close(model, now);
        let text = "talk mode: the tape only, and nothing private on screen; f5 leaves it";
        model.say(NoticeLevel::Info, text);
        return effects;
    }
    model.talk.caption = None;
    model.talk.echo.clear();
    model.say(NoticeLevel::Info, "talk mode is off");
    let Some(scorers) = model.talk.unprobed.take() else {
        return Vec::new();
    };
    let mut effects = Vec::new();
    for (place, state) in model.endpoints.iter_mut().enumerate() {
        if *state == EndpointState::Unknown {
            *state = EndpointState::Probing;
            effects.push(Effect::Probe { model: place });
        }
    }
    if scorers {
        model.scorers = ScorersState::Probing;
        effects.push(Effect::ProbeScorers);
    }
    effects
}
