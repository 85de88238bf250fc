//! The inspector on a stage: keys go through the real keymap and the real
//! `update`; the endpoints are a script, the log is a list, the clock counts.
//!
//! Shared by `tests/tui` and the benches, which use different parts of it.

#![allow(dead_code, reason = "each user takes the parts it needs")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use pointsman::app::{Effect, Model, Msg, Pane, Slot, Work, update};
use pointsman::model::endpoint::{Capabilities, EndpointError, FailureKind, StepReply};
use pointsman::model::recorded::scripted_reply;
use pointsman::model::scorer::step::Score;
use pointsman::problem::Problem;
use pointsman::problem::answer::RuleGrader;
use pointsman::router::{RouterSpec, build};
use pointsman::session::{Engine, Event, Generate, Session, Settings};
use pointsman::survey::Survey;
use pointsman::trace::record::{
    Continuation, FORMAT, LabelRecord, ModelFacts, PriceFacts, Record, RunRecord, Sampling,
    ValueKind,
};
use pointsman::trace::{NodeIndex, Tree};
use pointsman::tui::input::keymap::{Keymap, Lookup, Pending};
use pointsman::tui::input::keys::{Code, Key, parse_chord};
use pointsman::tui::sessions::{self, Opener};
use pointsman::tui::text::sanitize::sanitize_line;

/// A step that answers the problems of [`problems`] rightly.
pub const ANSWER: &str = r"The answer is $\boxed{7}$.";

/// What an endpoint does when it is called.
#[derive(Debug, Clone)]
pub enum Cue {
    /// Streams the step's tokens, then replies.
    Say(Box<StepReply>),
    Fail(FailureKind, &'static str),
    /// Streams these pieces and then nothing more.
    Hang(Vec<&'static str>),
}

/// A step whose tokens all have this probability.
pub fn say(text: &str, certainty: f64) -> Cue {
    Cue::Say(Box::new(scripted_reply(text, certainty)))
}

/// Who answers the calls.
pub enum Script {
    /// These, in order; a call beyond them fails the test.
    Cues(VecDeque<Cue>),
    /// Made from the number of the call.
    Endless(fn(usize) -> Cue),
}

/// A message that can be kept: what [`Msg`] is, without the sessions in it.
#[derive(Debug, Clone)]
pub enum Heard {
    Action(pointsman::app::action::Action, Option<u32>),
    Pressed(String),
    Text(String),
    Wheel(i32, Pane),
    Resize(u16, u16),
    Session(usize, Event),
    LogFailed(String),
    LabelFailed(Vec<LabelRecord>, String),
    LabelsRead(Vec<LabelRecord>),
    LabelsAdded(Vec<LabelRecord>),
    Opened(usize),
    Edited(usize, Result<Option<String>, String>),
    Copied(usize),
    Themed(String),
    Probed(usize),
    /// The same with something else to say.
    Found(usize, Box<Capabilities>),
    Ruled {
        run: u32,
        spec: String,
        pool: Vec<ModelFacts>,
    },
    Worked(Work),
    Tick,
}

impl Heard {
    /// The message; sessions are opened anew.
    pub fn msg(&self, opener: &Opener, model: &Model) -> Msg {
        match self.clone() {
            Self::Action(action, count) => Msg::Action { action, count },
            Self::Pressed(keys) => Msg::Pressed(keys),
            Self::Text(text) => Msg::Text(text),
            Self::Wheel(lines, pane) => Msg::Wheel { lines, pane },
            Self::Resize(width, height) => Msg::Resize { width, height },
            Self::Session(entry, event) => Msg::Session { entry, event },
            Self::LogFailed(message) => Msg::LogFailed { message },
            Self::LabelFailed(labels, message) => Msg::LabelFailed { labels, message },
            Self::LabelsRead(labels) => Msg::LabelsRead(labels),
            Self::LabelsAdded(labels) => Msg::LabelsAdded(labels),
            Self::Opened(entry) => Msg::Opened {
                entry,
                result: match model.entries.get(entry) {
                    Some(of) => opener.open(entry, of),
                    None => Err("there is no such trajectory".to_owned()),
                },
            },
            Self::Edited(entry, result) => Msg::Edited { entry, result },
            Self::Copied(characters) => Msg::Copied(Ok(characters)),
            Self::Themed(name) => Msg::Themed(Ok(name)),
            Self::Probed(model) => Msg::Probed {
                model,
                result: Ok(Box::new(capabilities())),
            },
            Self::Found(model, capabilities) => Msg::Probed {
                model,
                result: Ok(capabilities),
            },
            Self::Ruled { run, spec, pool } => Msg::Ruled {
                run,
                rule: sessions::rule(&spec, &pool),
                spec,
            },
            Self::Worked(work) => {
                let texts_of = |survey: &Survey, place| opener.texts(survey, place);
                work.done(&model.survey, &sessions::build, &texts_of)
            }
            Self::Tick => Msg::Tick,
        }
    }
}

/// A model with everything around it played by the test.
pub struct Stage {
    pub model: Model,
    pub opener: Opener,
    pub keymap: Keymap,
    pub pending: Pending,
    pub script: Script,
    /// What the log holds.
    pub log: Vec<Record>,
    /// What the side file holds.
    pub labels: Vec<LabelRecord>,
    /// Whether the disk refuses to take more.
    pub disk_full: bool,
    /// Every call that was made: entry and request.
    pub calls: Vec<(usize, Generate)>,
    /// Calls that are not answered yet.
    pub open_calls: Vec<(usize, Generate)>,
    /// What scorers answer, one after the other.
    pub scores: VecDeque<Option<f64>>,
    /// Milliseconds of the tick that was asked for.
    pub tick: Option<u64>,
    /// What the editor was opened on.
    pub editor: Option<(usize, String)>,
    pub clipboard: Option<String>,
    pub probed: Vec<usize>,
    /// Effects that only a terminal can perform, in order.
    pub terminal: Vec<Effect>,
    /// Everything that was heard, with its time.
    pub heard: Vec<(Heard, String)>,
    queue: VecDeque<Heard>,
    log_broken: Option<String>,
    seconds: u64,
}

/// Three small problems, all with the answer 7.
pub fn problems() -> Vec<Problem> {
    let problem = |id: &str, question: &str, domain: &str| Problem {
        id: id.into(),
        question: question.into(),
        gold: Some("7".into()),
        difficulty: Some(2.0),
        domain: Some(domain.into()),
        source: "plain".into(),
    };
    vec![
        problem("sum", "What is 2 + 2 + 3?", "arithmetic"),
        problem("difference", "What is 11 - 4?", "arithmetic"),
        problem("root", r"What is $\sqrt{49}$?", "algebra"),
    ]
}

/// A run of two models, `tiny-small` (1 parameter) and `tiny-large` (10).
pub fn run(router: &str, max_steps: u32) -> RunRecord {
    let spec: RouterSpec = router.parse().expect("a router spec");
    let model = |name: &str, params: f64| ModelFacts {
        params: Some(params),
        ..ModelFacts::new(name, "recorded")
    };
    RunRecord {
        format: FORMAT,
        run: "run".into(),
        key: "key".into(),
        started: "2026-01-02T03:04:05Z".into(),
        version: "0".into(),
        command: "test".into(),
        router: spec.facts(BTreeMap::new()),
        pool: vec![model("tiny-small", 1e6), model("tiny-large", 1e7)],
        sampling: Sampling {
            max_steps,
            ..Sampling::default()
        },
        seed: 7,
        signal: "prob".into(),
        cost_unit: Some("flops".into()),
        dataset: None,
        shard: None,
        grading: None,
        scorers: BTreeMap::new(),
    }
}

/// The run with a price on its large model.
pub fn priced(mut run: RunRecord) -> RunRecord {
    for model in &mut run.pool {
        model.price = Some(PriceFacts {
            input: rust_decimal::Decimal::new(4, 1),
            cached_input: None,
            cache_write: None,
            output: rust_decimal::Decimal::new(16, 1),
            currency: "USD".into(),
            per: rust_decimal::Decimal::from(1_000_000),
            as_of: None,
        });
    }
    run
}

/// Settings of a live run.
pub fn live(run: RunRecord) -> Settings {
    let names: Vec<String> = run.pool.iter().map(|model| model.name.clone()).collect();
    let spec: RouterSpec = run.router.spec.parse().expect("a router spec");
    let engine = Engine {
        router: build(&spec, &names, None).expect("the router fits the pool"),
        grader: Arc::new(RuleGrader),
        who: "ada".into(),
    };
    Settings::live(run, engine)
}

pub fn capabilities() -> Capabilities {
    Capabilities {
        top: 2,
        which_stop: true,
        cached_count: true,
        ..Capabilities::bare(Continuation::Exact, ValueKind::LogprobPreTemperature)
    }
}

impl Stage {
    /// The inspector over [`problems`] with the rule `threshold:t=0.6`, the
    /// first problem open.
    pub fn new(cues: impl IntoIterator<Item = Cue>) -> Self {
        Self::on(live(run("threshold:t=0.6", 12)), problems(), cues)
    }

    pub fn on(
        settings: Settings,
        problems: Vec<Problem>,
        cues: impl IntoIterator<Item = Cue>,
    ) -> Self {
        let (model, opener) = sessions::live(settings, problems);
        Self::of(model, opener, Script::Cues(cues.into_iter().collect()))
    }

    pub fn of(model: Model, opener: Opener, script: Script) -> Self {
        let mut stage = Self {
            model,
            opener,
            keymap: Keymap::default(),
            pending: Pending::default(),
            script,
            log: Vec::new(),
            labels: Vec::new(),
            disk_full: false,
            calls: Vec::new(),
            open_calls: Vec::new(),
            scores: VecDeque::new(),
            tick: None,
            editor: None,
            clipboard: None,
            probed: Vec::new(),
            terminal: Vec::new(),
            heard: Vec::new(),
            queue: VecDeque::new(),
            log_broken: None,
            seconds: 0,
        };
        stage.hear(Heard::Opened(stage.model.current));
        stage
    }

    /// More answers of the endpoints.
    pub fn cue(&mut self, cues: impl IntoIterator<Item = Cue>) {
        match &mut self.script {
            Script::Cues(queue) => queue.extend(cues),
            Script::Endless(_) => panic!("the script has no end"),
        }
    }

    /// Presses keys: chords as `keys.toml` writes them, separated by blanks.
    pub fn keys(&mut self, script: &str) {
        for chord in script.split_whitespace() {
            let keys = parse_chord(chord).unwrap_or_else(|error| panic!("{chord}: {error}"));
            for key in keys {
                self.key(key);
            }
        }
    }

    /// Types text, character by character.
    pub fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            self.key(Key::plain(Code::Char(c)));
        }
    }

    /// Pastes text, which the screen's loop makes safe first.
    pub fn paste(&mut self, text: &str) {
        self.hear(Heard::Text(sanitize_line(text).into_owned()));
    }

    pub fn key(&mut self, key: Key) {
        let context = self.model.context();
        let keys = self.pending.shown_with(key);
        match self.keymap.feed(&mut self.pending, context, key, false) {
            Lookup::Action { action, count } => {
                if self.model.view.talk {
                    self.hear(Heard::Pressed(keys));
                }
                self.hear(Heard::Action(action, count));
            }
            Lookup::Text(c) => self.hear(Heard::Text(c.to_string())),
            Lookup::Unbound(key) => {
                if let Some(c) = key.text().filter(char::is_ascii_digit) {
                    self.hear(Heard::Text(c.to_string()));
                }
            }
            Lookup::Pending => {}
        }
    }

    /// Takes a message and everything that comes of it at once.
    pub fn hear(&mut self, heard: Heard) {
        self.queue.push_back(heard);
        while let Some(heard) = self.queue.pop_front() {
            self.seconds += 1;
            let now = self.now();
            let msg = heard.msg(&self.opener, &self.model);
            self.heard.push((heard, now.clone()));
            for effect in update(&mut self.model, msg, &now) {
                self.perform(effect);
            }
        }
    }

    pub fn now(&self) -> String {
        let (minutes, seconds) = (self.seconds / 60, self.seconds % 60);
        format!(
            "2026-01-02T{:02}:{:02}:{seconds:02}Z",
            minutes / 60 % 24,
            minutes % 60
        )
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Append(records) if self.disk_full => {
                let message = format!("cannot append {} records: disk full", records.len());
                self.log_broken = Some(message.clone());
                self.queue.push_back(Heard::LogFailed(message));
            }
            Effect::Label(labels) if self.disk_full => {
                let message = "cannot write the labels: disk full".to_owned();
                self.queue.push_back(Heard::LabelFailed(labels, message));
            }
            Effect::Label(labels) => self.labels.extend(labels),
            // Nobody else is there; a test hears whom it wants.
            Effect::HearLabels { .. } => {}
            Effect::Append(records) | Effect::Remark(records) => self.log.extend(records),
            Effect::Generate { entry, call } => self.generate(entry, *call),
            Effect::Score { entry, ask } => {
                let value = self.scores.pop_front().expect("no score was expected");
                let score = Box::new(Score {
                    value,
                    ..Score::default()
                });
                let generation = ask.generation;
                let scored = Event::Scored { generation, score };
                self.queue.push_back(Heard::Session(entry, scored));
            }
            Effect::Abort { entry, generation } => {
                self.open_calls
                    .retain(|(of, call)| (*of, call.generation) != (entry, generation));
            }
            Effect::Probe { model } => {
                self.probed.push(model);
                self.queue.push_back(Heard::Probed(model));
            }
            Effect::ProbeScorers => panic!("nobody scores on this stage but by its script"),
            Effect::Open { entry } => self.queue.push_back(Heard::Opened(entry)),
            Effect::Rule { run, spec, pool } => {
                self.queue.push_back(Heard::Ruled { run, spec, pool });
            }
            Effect::Work(work) => self.queue.push_back(Heard::Worked(work)),
            Effect::Editor { entry, text } => self.editor = Some((entry, text)),
            Effect::Copy(text) => {
                self.queue.push_back(Heard::Copied(text.chars().count()));
                self.clipboard = Some(text);
            }
            Effect::Tick { milliseconds } => {
                assert_eq!(self.tick, None, "one tick at a time");
                self.tick = Some(milliseconds);
            }
            Effect::NextTheme => self.queue.push_back(Heard::Themed("light".into())),
            Effect::Mouse(_) | Effect::Redraw | Effect::Suspend | Effect::Quit => {
                self.terminal.push(effect);
            }
        }
    }

    /// Makes a call as the journal does: never one that could not be recorded.
    fn generate(&mut self, entry: usize, call: Generate) {
        let generation = call.generation;
        if let Some(message) = &self.log_broken {
            let error = failure(FailureKind::Configuration, message);
            self.queue
                .push_back(Heard::Session(entry, Event::Failed { generation, error }));
            return;
        }
        let number = self.calls.len();
        self.calls.push((entry, call.clone()));
        let cue = match &mut self.script {
            Script::Cues(queue) => queue
                .pop_front()
                .unwrap_or_else(|| panic!("no call was expected, but call {number} was made")),
            Script::Endless(make) => make(number),
        };
        self.open_calls.push((entry, call));
        self.play(entry, generation, cue);
    }

    /// Answers the oldest call that hangs.
    pub fn answer(&mut self, cue: Cue) {
        let (entry, call) = self.open_calls.first().cloned().expect("a call hangs");
        self.play(entry, call.generation, cue);
        let next = self.queue.pop_front();
        next.into_iter().for_each(|heard| self.hear(heard));
    }

    fn play(&mut self, entry: usize, generation: u64, cue: Cue) {
        let delta = |text: &str| {
            Heard::Session(
                entry,
                Event::Delta {
                    generation,
                    text: text.to_owned(),
                },
            )
        };
        let last = match cue {
            Cue::Hang(pieces) => {
                self.queue.extend(pieces.into_iter().map(delta));
                return;
            }
            Cue::Fail(kind, message) => Event::Failed {
                generation,
                error: failure(kind, message),
            },
            Cue::Say(reply) => {
                self.queue
                    .extend(reply.tokens.iter().map(|token| delta(&token.text)));
                Event::Reply { generation, reply }
            }
        };
        self.open_calls
            .retain(|(of, call)| (*of, call.generation) != (entry, generation));
        self.queue.push_back(Heard::Session(entry, last));
    }

    /// Lets the time pass that a tick was asked for; false where none was.
    pub fn pass(&mut self) -> bool {
        let asked = self.tick.take().is_some();
        if asked {
            self.hear(Heard::Tick);
        }
        asked
    }

    /// Lets ticks come until none is asked for.
    pub fn settle(&mut self) {
        for _ in 0..1_000 {
            if !self.pass() {
                return;
            }
        }
        panic!("it ticks for ever");
    }

    /// Leaves the editor with this text in the file.
    pub fn save(&mut self, text: &str) {
        let (entry, before) = self.editor.take().expect("the editor is open");
        let edited = (text != before).then(|| text.to_owned());
        self.hear(Heard::Edited(entry, Ok(edited)));
    }

    pub fn session(&self) -> &Session {
        self.model.session().expect("a session is open")
    }

    pub fn session_of(&self, entry: usize) -> &Session {
        match &self.model.slots[entry] {
            Slot::Open(session) => session,
            _ => panic!("entry {entry} is not open"),
        }
    }

    /// The steps to the cursor: `model: text`.
    pub fn path(&self) -> Vec<String> {
        let cursor = self.session().cursor();
        cursor
            .map(|at| self.told(&self.session().tree().path(at)))
            .unwrap_or_default()
    }

    /// The followed path: `model: text`.
    pub fn followed(&self) -> Vec<String> {
        self.told(&self.session().followed_path())
    }

    fn told(&self, nodes: &[NodeIndex]) -> Vec<String> {
        let tree = self.session().tree();
        let told = nodes.iter().map(|&at| &tree.node(at).step);
        told.map(|step| format!("{}: {}", step.model.replace("tiny-", ""), step.text))
            .collect()
    }

    /// 1-based number of the step at the cursor; 0 is the question.
    pub fn at(&self) -> u32 {
        let cursor = self.session().cursor();
        cursor.map_or(0, |at| self.session().tree().node(at).step.index)
    }

    /// The line at the bottom; empty where there is none.
    pub fn notice(&self) -> &str {
        self.model.notice.as_ref().map_or("", |notice| &notice.text)
    }

    /// The tree that the log gives for the problem on screen.
    pub fn logged(&self, entry: usize) -> Tree {
        let problem = self.model.entries[entry].problem.clone();
        Tree::from_records("run", problem, self.log.iter().cloned())
    }
}

fn failure(kind: FailureKind, message: &str) -> EndpointError {
    EndpointError {
        endpoint: "tiny-small".into(),
        kind,
        message: message.into(),
        attempts: Vec::new(),
    }
}
