//! The screen's loop: terminal events, reports of calls and timers become
//! messages; messages change the model; effects are performed; then one draw.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{Event as TerminalEvent, KeyEventKind, MouseEventKind};
use tokio::sync::mpsc::{Receiver, channel};

use crate::app::tour::Tour;
use crate::app::{
    Effect, EndpointState, Model, Msg, Notice, NoticeLevel, ScorersState, Work, close, update,
};
use crate::headless::clock::now;
use crate::headless::scoring::Scoring;
use crate::model::endpoint::Endpoint;
use crate::survey::Survey;
use crate::trace::LogWriter;
use crate::trace::record::ModelFacts;

use super::input::keymap::{Keymap, Lookup, Pending};
use super::input::keys::Key;
use super::runner::{Calls, Events, Job, Journal, Report, edit};
use super::screens::{self, Drawn, ViewCache};
use super::sessions::{self, LabelsGo, Opener, Sides};
use super::terminal::Screen;
use super::text::sanitize::sanitize_line;
use super::theme::{ColorDepth, Theme, Themes};

/// Reports that may wait for the loop.
const QUEUE: usize = 256;
/// No two frames closer than this, however fast text arrives.
const FRAME: Duration = Duration::from_millis(16);
/// Lines a notch of the wheel turns.
const WHEEL: i32 = 3;

/// How the program looks and listens.
pub struct Look {
    pub themes: Themes,
    pub theme: Theme,
    pub depth: ColorDepth,
    pub keymap: Keymap,
    pub mouse: bool,
    pub shading: bool,
    /// Shown at the bottom of the first frame.
    pub warning: Option<String>,
}

impl Look {
    /// Changes to the theme after the one of this name; its name, or what is
    /// wrong with it.
    pub(super) fn next_theme(&mut self, current: &str) -> Result<String, String> {
        let names = self.themes.names();
        let at = names.iter().position(|name| *name == current);
        let next = at.map_or(0, |at| (at + 1) % names.len().max(1));
        let name = names.get(next).ok_or("there is no theme")?;
        let loaded = self.themes.load(name, self.depth);
        self.theme = loaded.theme;
        match loaded.warnings.into_iter().next() {
            Some(warning) => Err(warning),
            None => Ok(name.clone()),
        }
    }
}

/// What the inspector is opened on.
pub struct Subject {
    pub model: Model,
    pub opener: Opener,
    /// In pool order; none in a replay.
    pub endpoints: Vec<Arc<dyn Endpoint>>,
    /// Whom the router asks.
    pub scoring: Scoring,
    /// None in a replay.
    pub writer: Option<LogWriter>,
    pub labels: LabelsGo,
}

/// How the inspector was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Quit,
    /// By a signal, or because the terminal is gone.
    Interrupted,
}

/// What is left once the screen is.
#[derive(Debug)]
pub struct Left {
    pub how: Ended,
    /// What was recorded, and whether that is all that was done; `None` where
    /// nothing was.
    pub tour: Option<(Tour, bool)>,
    /// Whether somebody may still be watching.
    pub talk: bool,
}

/// Runs the inspector until the person quits.
///
/// # Errors
/// The terminal or a thread fails; the terminal is restored before.
pub fn run(subject: Subject, look: Look) -> std::io::Result<Left> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let (sender, reports) = channel(QUEUE);
    let calls = Calls::new(
        runtime.handle().clone(),
        subject.endpoints,
        subject.scoring,
        sender,
    );
    let sides = Sides::new(subject.opener.clone(), subject.labels);
    let journal = Journal::start(subject.writer, calls.clone(), sides)?;
    // Before the terminal is taken: a signal must never leave it taken.
    let signals = {
        let _on = runtime.enter();
        Signals::listen()?
    };
    let mut inspector = Inspector {
        screen: Screen::open(look.mouse)?,
        model: subject.model,
        opener: subject.opener,
        look,
        events: Events::start(runtime.handle(), calls.reports()),
        calls,
        journal,
        failed: None,
        gone: false,
        cache: ViewCache::default(),
        drawn: Drawn::default(),
        pending: Pending::default(),
        dirty: true,
    };
    let result = runtime.block_on(inspector.run(reports, signals));
    // What is in flight was paid for: it is recorded before it is dropped.
    for effect in close(&mut inspector.model, &now()) {
        inspector.perform(effect);
    }
    let tour = inspector.model.recorded_tour();
    let talk = inspector.model.view.talk;
    let Inspector {
        screen,
        journal,
        calls,
        events,
        ..
    } = inspector;
    calls.abort_all();
    drop(events);
    // The terminal first: what is printed from here on is to be seen.
    drop(screen);
    journal.finish();
    // A model in the middle of a token must not hold the program up.
    runtime.shutdown_timeout(Duration::from_millis(200));
    result.map(|how| Left { how, tour, talk })
}

struct Inspector {
    model: Model,
    opener: Opener,
    look: Look,
    calls: Calls,
    journal: Journal,
    screen: Screen,
    events: Events,
    /// The terminal failed: the program ends with this.
    failed: Option<std::io::Error>,
    /// Nobody is at the other end of the terminal any more.
    gone: bool,
    cache: ViewCache,
    drawn: Drawn,
    pending: Pending,
    dirty: bool,
}

impl Inspector {
    async fn run(
        &mut self,
        mut reports: Receiver<Report>,
        mut signals: Signals,
    ) -> std::io::Result<Ended> {
        self.begin()?;
        let mut drawn_at = Instant::now();
        while !self.model.quitting {
            let frame_due = drawn_at + FRAME;
            tokio::select! {
                Some(report) = reports.recv() => self.report(report),
                () = signals.ended() => return Ok(Ended::Interrupted),
                () = tokio::time::sleep_until(frame_due.into()), if self.dirty => {}
            }
            // Everything that waits is taken, so that one draw shows it all.
            while let Ok(report) = reports.try_recv() {
                self.report(report);
            }
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            if self.gone {
                return Ok(Ended::Interrupted);
            }
            if self.dirty && Instant::now() >= frame_due {
                self.draw()?;
                drawn_at = Instant::now();
            }
        }
        Ok(Ended::Quit)
    }

    /// The first frame, then everything that may be slow.
    fn begin(&mut self) -> std::io::Result<()> {
        let size = self.screen.size()?;
        self.look.theme.name().clone_into(&mut self.model.theme);
        self.model.view.mouse = self.look.mouse;
        self.model.view.shading = self.look.shading;
        self.message(Msg::Resize {
            width: size.width,
            height: size.height,
        });
        let current = self.model.current;
        if !self.model.entries.is_empty() {
            let result = self.opener.open(current, &self.model.entries[current]);
            self.message(Msg::Opened {
                entry: current,
                result,
            });
        }
        if let Some(text) = self.look.warning.take() {
            self.model.notice = Some(Notice {
                level: NoticeLevel::Warning,
                text,
            });
        }
        self.draw()?;
        self.probe();
        self.calls
            .runtime()
            .spawn_blocking(super::text::highlight::warm);
        self.read_on();
        Ok(())
    }

    /// Asks everybody what they can do; in a talk nothing leaves the machine.
    fn probe(&mut self) {
        let scorers = self.calls.asks_scorers();
        if self.model.view.talk {
            return self.model.put_off_probes(scorers);
        }
        for place in 0..self.model.endpoints.len() {
            self.model.endpoints[place] = EndpointState::Probing;
            self.calls.probe(place);
        }
        if scorers {
            self.model.scorers = ScorersState::Probing;
            self.calls.probe_scorers();
        }
    }

    /// Reads what is left of the log beside the screen.
    fn read_on(&self) {
        let opener = self.opener.clone();
        let reports = self.calls.reports();
        self.calls.runtime().spawn_blocking(move || {
            while let Some(read) = opener.read_on() {
                let (labels, msg) = match read {
                    Ok(batch) => (
                        batch.labels,
                        Msg::Surveyed {
                            facts: batch.facts,
                            progress: batch.progress,
                            warning: batch.warning,
                        },
                    ),
                    Err(message) => (Vec::new(), Msg::Unread(message)),
                };
                let is_last = matches!(msg, Msg::Unread(_));
                let labels = (!labels.is_empty()).then_some(Msg::LabelsRead(labels));
                for msg in labels.into_iter().chain([msg]) {
                    // The loop is gone only when the program ends; it takes its
                    // time where it is behind.
                    if reports.blocking_send(Report::Msg(msg)).is_err() {
                        return;
                    }
                }
                if is_last {
                    return;
                }
            }
        });
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Msg(msg) => self.message(msg),
            Report::Terminal(Ok(event)) => self.terminal_event(&event),
            Report::Terminal(Err(error)) => self.failed = Some(error),
            Report::TerminalClosed => self.gone = true,
            Report::Streamed(stream) => {
                for msg in stream.take() {
                    self.message(msg);
                }
            }
        }
    }

    fn terminal_event(&mut self, event: &TerminalEvent) {
        match event {
            TerminalEvent::Key(key) => {
                let repeat = key.kind == KeyEventKind::Repeat;
                if let Some(key) = Key::from_event(key) {
                    self.key(key, repeat);
                }
            }
            TerminalEvent::Paste(text) => {
                self.message(Msg::Text(sanitize_line(text).into_owned()));
            }
            TerminalEvent::Resize(width, height) => {
                self.message(Msg::Resize {
                    width: *width,
                    height: *height,
                });
            }
            TerminalEvent::Mouse(mouse) => {
                let lines = match mouse.kind {
                    MouseEventKind::ScrollDown => WHEEL,
                    MouseEventKind::ScrollUp => -WHEEL,
                    _ => return,
                };
                if let Some(pane) = self.drawn.pane_at(mouse.column, mouse.row) {
                    self.message(Msg::Wheel { lines, pane });
                }
            }
            TerminalEvent::FocusGained | TerminalEvent::FocusLost => {}
        }
    }

    fn key(&mut self, key: Key, repeat: bool) {
        let context = self.model.context();
        let keys = self.pending.shown_with(key);
        match self
            .look
            .keymap
            .feed(&mut self.pending, context, key, repeat)
        {
            Lookup::Action { action, count } => {
                if self.model.view.talk {
                    self.message(Msg::Pressed(keys));
                }
                self.message(Msg::Action { action, count });
            }
            Lookup::Text(c) => self.message(Msg::Text(c.to_string())),
            // In the list of models digits choose; they are bound to nothing.
            Lookup::Unbound(key) => {
                if let Some(c) = key.text().filter(char::is_ascii_digit) {
                    self.message(Msg::Text(c.to_string()));
                }
                self.dirty = true;
            }
            Lookup::Pending => self.dirty = true,
        }
    }

    fn message(&mut self, msg: Msg) {
        self.dirty = true;
        for effect in update(&mut self.model, msg, &now()) {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Append(records) => self.journal.submit(Job::Append(records)),
            Effect::Label(labels) => self.journal.submit(Job::Label(labels)),
            Effect::HearLabels { entry } => {
                if let Some(of) = self.model.entries.get(entry) {
                    let (run, problem) = (of.run.clone(), of.problem.clone());
                    self.journal.submit(Job::Hear { run, problem });
                }
            }
            Effect::Remark(records) => self.journal.submit(Job::Remark(records)),
            Effect::Generate { entry, call } => {
                self.journal.submit(Job::Generate { entry, call });
            }
            Effect::Score { entry, ask } => self.journal.submit(Job::Score { entry, ask }),
            Effect::Abort { entry, generation } => {
                self.journal.submit(Job::Abort { entry, generation });
            }
            Effect::Probe { model } => self.calls.probe(model),
            Effect::ProbeScorers => self.calls.probe_scorers(),
            Effect::Open { entry } => self.open(entry),
            Effect::Rule { run, spec, pool } => self.rule(run, spec, pool),
            Effect::Work(work) => self.work(work),
            Effect::Editor { entry, text } => {
                self.events.stop();
                let left = self.screen.lend(|| edit(&text));
                self.events = Events::start(self.calls.runtime(), self.calls.reports());
                let result = left.unwrap_or_else(|error| {
                    Err(format!("the terminal did not come back: {error}"))
                });
                self.message(Msg::Edited { entry, result });
            }
            Effect::Copy(text) => {
                let copied = copy(&text).map(|()| text.chars().count());
                let result = copied.map_err(|error| format!("cannot copy: {error}"));
                self.message(Msg::Copied(result));
            }
            Effect::Tick { milliseconds } => {
                let calls = self.calls.clone();
                self.calls.runtime().spawn(async move {
                    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                    calls.send(Msg::Tick);
                });
            }
            Effect::NextTheme => {
                let result = self.look.next_theme(&self.model.theme);
                self.message(Msg::Themed(result));
            }
            Effect::Mouse(on) => self.trouble(|screen| screen.set_mouse(on)),
            Effect::Redraw => self.trouble(Screen::repaint),
            Effect::Suspend => self.trouble(Screen::suspend),
            // The loop sees that the model is quitting.
            Effect::Quit => {}
        }
    }

    fn open(&self, entry: usize) {
        let Some(of) = self.model.entries.get(entry).cloned() else {
            return;
        };
        let opener = self.opener.clone();
        let calls = self.calls.clone();
        self.calls.runtime().spawn_blocking(move || {
            let result = opener.open(entry, &of);
            calls.send(Msg::Opened { entry, result });
        });
    }

    /// Makes a router beside the screen: its files are read and hashed.
    fn rule(&self, run: u32, spec: String, pool: Vec<ModelFacts>) {
        let calls = self.calls.clone();
        self.calls.runtime().spawn_blocking(move || {
            let rule = sessions::rule(&spec, &pool);
            calls.send(Msg::Ruled { run, spec, rule });
        });
    }

    /// Works something out beside the screen.
    fn work(&self, work: Work) {
        let calls = self.calls.clone();
        let survey = Arc::clone(&self.model.survey);
        let opener = self.opener.clone();
        self.calls.runtime().spawn_blocking(move || {
            let texts_of = |survey: &Survey, place| opener.texts(survey, place);
            let msg = work.done(&survey, &sessions::build, &texts_of);
            // Whoever takes it may change the survey.
            drop(survey);
            calls.send(msg);
        });
    }

    /// Does something to the terminal; a failure is said, not fatal.
    fn trouble(&mut self, act: impl FnOnce(&mut Screen) -> std::io::Result<()>) {
        if let Err(error) = act(&mut self.screen) {
            self.model.notice = Some(Notice {
                level: NoticeLevel::Error,
                text: format!("the terminal refused: {error}"),
            });
        }
        self.dirty = true;
    }

    fn draw(&mut self) -> std::io::Result<()> {
        let Self {
            model,
            look,
            cache,
            pending,
            screen,
            ..
        } = self;
        let mut drawn = Drawn::default();
        screen.draw(|frame| {
            let area = frame.area();
            let buffer = frame.buffer_mut();
            drawn = screens::draw(
                area,
                buffer,
                model,
                &look.theme,
                &look.keymap,
                pending,
                cache,
            );
        })?;
        model.view.text_top = drawn.text.top;
        model.view.text_last = drawn.text.last;
        model.view.decision_last = drawn.decision_last;
        model.view.layer_last = drawn.layer_last;
        self.drawn = drawn;
        self.dirty = false;
        Ok(())
    }
}

/// Puts text on the clipboard through the terminal (OSC 52), which works over
/// SSH; control characters stay out of it.
fn copy(text: &str) -> std::io::Result<()> {
    let clean = super::text::sanitize::sanitize(text);
    let command = crossterm::clipboard::CopyToClipboard::to_clipboard_from(clean.as_bytes());
    crossterm::execute!(std::io::stdout(), command)
}

/// Signals that end the program in an orderly way.
struct Signals {
    #[cfg(unix)]
    streams: Vec<tokio::signal::unix::Signal>,
}

impl Signals {
    #[cfg(unix)]
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [
            SignalKind::terminate(),
            SignalKind::hangup(),
            SignalKind::interrupt(),
        ];
        let streams = kinds.into_iter().map(signal).collect::<Result<_, _>>()?;
        Ok(Self { streams })
    }

    #[cfg(unix)]
    async fn ended(&mut self) {
        let waiting = self
            .streams
            .iter_mut()
            .map(|stream| Box::pin(stream.recv()));
        futures_util::future::select_all(waiting).await;
    }

    #[cfg(not(unix))]
    fn listen() -> std::io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn ended(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
