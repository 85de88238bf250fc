//! The inspector's state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::endpoint::Capabilities;
use crate::model::probed::ProbedScorer;
use crate::session::Session;
use crate::survey::Survey;
use crate::trace::NodeIndex;
use crate::trace::record::{LabelRecord, StepId};

use super::action::{Action, Context};
use super::analysis::Analysed;
use super::compare::Comparison;
use super::debug::{Debug, Jumps};
use super::labelling::Labelling;
use super::line_edit::LineEdit;
use super::probes::Waiting;
use super::rollouts::{Quote, Rollouts};
use super::search::Search;
use super::table::{Runs, Table, Use};
use super::talk::{TAPE_ONLY, Talk};
use super::values::Values;
use super::what_if::Slid;
use crate::expr::Scope;

/// Whether calls can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Live,
    /// Tape only: nothing leaves the machine.
    Replay,
}

/// Which screen fills the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    Inspector,
    /// The tree of branches in place of the list of steps.
    Tree,
    /// What the decisions of the trajectory were worth.
    Values,
    /// One row a run.
    Runs,
    /// One row a trajectory.
    Problems,
    /// The log under another value of its router's parameter.
    WhatIf,
    /// What the log says of its router as a whole.
    Analysis,
    /// Two trajectories, or two runs.
    Compare,
}

impl Screen {
    /// Whether it is of several trajectories instead of one.
    pub fn is_table(self) -> bool {
        matches!(
            self,
            Self::Runs | Self::Problems | Self::WhatIf | Self::Analysis | Self::Compare
        )
    }
}

/// A pane of the inspector, in the order of the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pane {
    Steps,
    Text,
    Decision,
}

impl Pane {
    pub const ALL: [Self; 3] = [Self::Steps, Self::Text, Self::Decision];

    pub(super) fn next(self) -> Self {
        match self {
            Self::Steps => Self::Text,
            Self::Text => Self::Decision,
            Self::Decision => Self::Steps,
        }
    }

    pub(super) fn previous(self) -> Self {
        self.next().next()
    }
}

/// A problem that can be opened; its place is that of its trajectory in the
/// survey.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Id of the problem.
    pub problem: String,
    /// Id of the run.
    pub run: String,
    /// One line for the picker: id, domain, difficulty, beginning of the question.
    pub title: String,
}

/// What is known of an entry's session.
pub enum Slot {
    /// Not asked for yet.
    Closed,
    Opening,
    Open(Box<Session>),
    Failed(String),
}

/// What is known of a model's endpoint.
#[derive(Debug, Clone, PartialEq)]
pub enum EndpointState {
    Unknown,
    Probing,
    Ready(Box<Capabilities>),
    Down(String),
}

/// What is known of those that score for the router, beside the pool.
#[derive(Debug, Clone, PartialEq)]
pub enum ScorersState {
    /// Nobody is asked, or nobody has been yet.
    Unknown,
    Probing,
    /// By role.
    Ready(BTreeMap<String, ProbedScorer>),
    Down(String),
}

/// What lies over the screen, the last one on top.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    Help {
        scroll: usize,
    },
    Palette {
        input: LineEdit,
        selected: usize,
    },
    Picker {
        input: LineEdit,
        selected: usize,
    },
    /// Choose the model of the next step.
    Override {
        selected: usize,
    },
    ConfirmQuit,
    /// Writing a step again costs money: about this much.
    ConfirmRerun {
        price: String,
    },
    /// Rollouts are many calls: about so many, for about this much.
    ConfirmRollouts(Quote),
    Search {
        input: LineEdit,
        /// What was looked for before: searching shows its matches while it
        /// is typed, and giving up brings these back.
        before: String,
    },
    /// Breakpoints and watched expressions.
    Stops {
        selected: usize,
    },
    Expression {
        purpose: Purpose,
        input: LineEdit,
        error: Option<String>,
    },
}

/// What an expression is typed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    RunUntil,
    /// Over the steps that are there, towards the question.
    BackUntil,
    /// To stop where it holds; with the id of a breakpoint that has another.
    Breakpoint(Option<u32>),
    /// To be shown at every step; with the place of one that it replaces.
    Watch(Option<usize>),
    /// To arrange the table of problems.
    Table(Use),
    /// The cost of a problem that a value is sought for: a number.
    Cost,
    /// The spec of a router.
    Rule,
    /// What a right answer is worth: a number.
    Worth,
    /// A line for the audience of a talk.
    Caption,
    /// What a person who labels has to say of a step.
    Note,
}

impl Purpose {
    /// What the expression is over.
    pub fn scope(self) -> Scope {
        match self {
            Self::RunUntil | Self::BackUntil | Self::Breakpoint(_) | Self::Watch(_) => Scope::Step,
            Self::Table(_) | Self::Cost | Self::Rule | Self::Worth | Self::Caption | Self::Note => {
                Scope::Trajectory
            }
        }
    }

    /// Whether it is one in the language of expressions.
    pub fn is_expression(self) -> bool {
        !matches!(
            self,
            Self::Cost | Self::Rule | Self::Worth | Self::Caption | Self::Note
        )
    }
}

/// How things are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    pub screen: Screen,
    pub focus: Pane,
    /// The screen that the trajectory was opened from: there one goes back.
    pub opened_from: Option<Screen>,
    /// The step to go to once the trajectory is there.
    pub go_to: Option<u32>,
    /// The source of mathematics instead of its readable form.
    pub source: bool,
    /// Tokens shaded by confidence.
    pub shading: bool,
    /// First line shown of the text pane, where the person scrolled it;
    /// `None` follows the cursor.
    pub text_scroll: Option<usize>,
    pub decision_scroll: usize,
    /// First line shown of the text pane and the last that can be, as the
    /// screen last drew it: scrolling starts from what the person sees.
    pub text_top: usize,
    pub text_last: usize,
    pub decision_last: usize,
    /// The last condition run until.
    pub run_until: String,
    /// The same of the layer on top, where it scrolls.
    pub layer_last: usize,
    pub mouse: bool,
    /// Talk mode: the tape only, large, nothing private.
    pub talk: bool,
}

/// How grave a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeLevel {
    Info,
    Warning,
    Error,
}

/// One line for the person at the bottom of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub level: NoticeLevel,
    pub text: String,
}

/// Everything the inspector knows.
pub struct Model {
    pub mode: Mode,
    pub entries: Vec<Entry>,
    pub slots: Vec<Slot>,
    /// What every trajectory came to; shared with what is worked out of it
    /// beside the screen.
    pub survey: Arc<Survey>,
    pub table: Table,
    pub runs: Runs,
    pub what_if: Slid,
    pub values: Values,
    pub rollouts: Rollouts,
    pub analysis: Analysed,
    /// Labels are being given, one step after the other.
    pub labelling: Option<Labelling>,
    /// Labels that were read while their trajectories were being opened.
    pub(super) late_labels: Vec<(usize, LabelRecord)>,
    /// Who gives them.
    pub who: String,
    pub talk: Talk,
    pub compare: Comparison,
    /// Bytes of the log that were read and all there are, while it is read.
    pub reading: Option<(u64, u64)>,
    /// Trajectories that were opened before all of their records were read.
    pub(super) behind: BTreeSet<usize>,
    /// Place of the entry on screen.
    pub current: usize,
    pub endpoints: Vec<EndpointState>,
    pub scorers: ScorersState,
    /// What is to be done once all of them have answered.
    pub(super) waiting: Option<Waiting>,
    pub view: View,
    pub layers: Vec<Layer>,
    pub search: Search,
    /// Marked steps by problem.
    pub marks: BTreeMap<String, BTreeSet<StepId>>,
    /// Breakpoints and watched expressions.
    pub debug: Debug,
    /// Where far movements were made from.
    pub jumps: Jumps,
    pub notice: Option<Notice>,
    /// The log cannot be written: generating is off.
    pub log_broken: Option<String>,
    /// Playing the tape.
    pub playing: bool,
    /// Counts ticks, for the busy sign.
    pub ticks: u64,
    /// Whether a tick has been asked for and not come yet.
    pub(super) ticking: bool,
    pub width: u16,
    pub height: u16,
    /// Name of the theme, for the status line.
    pub theme: String,
    /// Where the log is written or read, for the title.
    pub log_name: String,
    pub quitting: bool,
}

impl Model {
    /// A model of nothing, for a pool of so many models.
    pub fn new(mode: Mode, models: usize) -> Self {
        Self {
            mode,
            entries: Vec::new(),
            slots: Vec::new(),
            table: Table::default(),
            runs: Runs::default(),
            what_if: Slid::default(),
            values: Values::default(),
            rollouts: Rollouts::default(),
            analysis: Analysed::default(),
            labelling: None,
            late_labels: Vec::new(),
            who: "person".to_owned(),
            compare: Comparison::default(),
            survey: Arc::default(),
            talk: Talk::default(),
            reading: None,
            behind: BTreeSet::new(),
            current: 0,
            endpoints: vec![EndpointState::Unknown; models],
            scorers: ScorersState::Unknown,
            waiting: None,
            view: View {
                screen: Screen::Inspector,
                focus: Pane::Steps,
                opened_from: None,
                go_to: None,
                source: false,
                shading: true,
                text_scroll: None,
                decision_scroll: 0,
                text_top: 0,
                text_last: 0,
                decision_last: 0,
                run_until: "escalation".to_owned(),
                layer_last: 0,
                mouse: false,
                talk: false,
            },
            layers: Vec::new(),
            search: Search::default(),
            marks: BTreeMap::new(),
            debug: Debug::default(),
            jumps: Jumps::default(),
            notice: None,
            log_broken: None,
            playing: false,
            ticks: 0,
            ticking: false,
            width: 80,
            height: 24,
            theme: String::new(),
            log_name: String::new(),
            quitting: false,
        }
    }

    /// The session on screen.
    pub fn session(&self) -> Option<&Session> {
        match self.slots.get(self.current) {
            Some(Slot::Open(session)) => Some(session),
            _ => None,
        }
    }

    pub(super) fn session_mut(&mut self) -> Option<&mut Session> {
        match self.slots.get_mut(self.current) {
            Some(Slot::Open(session)) => Some(session),
            _ => None,
        }
    }

    /// Whether any problem has a call in flight.
    pub fn is_generating(&self) -> bool {
        self.open_sessions().any(Session::is_generating)
    }

    /// Whether a call in flight costs money.
    pub fn is_paying(&self) -> bool {
        self.open_sessions().any(|session| {
            session.is_generating()
                && session
                    .settings()
                    .run
                    .pool
                    .iter()
                    .any(|model| model.price.is_some())
        })
    }

    /// Where keys are looked up now.
    pub fn context(&self) -> Context {
        match self.talk.is_touring() {
            true => Context::Tour,
            false => self.beneath_tour(),
        }
    }

    /// Where keys are looked up once no tour has them.
    pub(super) fn beneath_tour(&self) -> Context {
        match self.layers.last() {
            Some(Layer::Help { .. }) => Context::Global,
            Some(Layer::Palette { .. }) => Context::Palette,
            Some(Layer::Picker { .. }) => Context::Picker,
            Some(Layer::Override { .. } | Layer::Stops { .. }) => Context::Menu,
            Some(Layer::ConfirmQuit | Layer::ConfirmRerun { .. } | Layer::ConfirmRollouts(_)) => {
                Context::Confirm
            }
            Some(Layer::Search { .. } | Layer::Expression { .. }) => Context::TextInput,
            None => self.screen_context(),
        }
    }

    /// The context of the screen, whatever lies over it.
    pub fn screen_context(&self) -> Context {
        match self.view.screen {
            Screen::Inspector if self.labelling.is_some() => Context::Label,
            Screen::Inspector => Context::Inspector,
            Screen::Tree => Context::Tree,
            Screen::Runs => Context::Runs,
            Screen::Problems => Context::Problems,
            Screen::WhatIf => Context::WhatIf,
            Screen::Values => Context::Values,
            Screen::Analysis => Context::Analysis,
            Screen::Compare => Context::Compare,
        }
    }

    /// Whether who wrote the steps, scores, outcome and what others said of
    /// them are hidden.
    pub fn is_blind(&self) -> bool {
        let labels = self.screen_context() == Context::Label;
        self.labelling
            .as_ref()
            .is_some_and(|labelling| labels && labelling.blind)
    }

    /// Whether a step of the problem on screen is marked.
    pub fn is_marked(&self, step: &str) -> bool {
        self.entries
            .get(self.current)
            .and_then(|entry| self.marks.get(&entry.problem))
            .is_some_and(|marks| marks.contains(step))
    }

    /// Why an action cannot be done now; `None` where it can. Feeds the hint
    /// bar, the palette and the refusal alike.
    pub fn unavailable(&self, action: Action) -> Option<&'static str> {
        let replay = self.mode == Mode::Replay;
        let on = |context: &[Context]| {
            let keys = action.info().keys.iter();
            keys.clone().any(|(of, _)| context.contains(of))
        };
        let is_table = self.view.screen.is_table();
        let (tables, trajectory) = (
            [
                Context::Runs,
                Context::Problems,
                Context::WhatIf,
                Context::Compare,
            ],
            [Context::Inspector, Context::Tree],
        );
        let of_screen = on(&[self.screen_context()]);
        let labels = self.screen_context() == Context::Label;
        match action {
            _ if on(&[Context::Global]) => self.unavailable_anywhere(action),
            _ if on(&[Context::Values]) && !of_screen && !on(&trajectory) => {
                Some("this is of the screen of values: V shows it")
            }
            _ if on(&[Context::Analysis]) && !of_screen && !on(&trajectory) => {
                Some("this is of the screen of analysis: a shows it")
            }
            _ if labels && on(&trajectory) && !on(&[Context::Label]) => {
                Some("this is not done while labelling: esc leaves it")
            }
            _ if !labels && on(&[Context::Label]) && !on(&trajectory) => {
                Some("this is of labelling: A begins it")
            }
            _ if is_table && on(&trajectory) && !of_screen => {
                Some("this is of one trajectory: enter opens the one of this row")
            }
            _ if on(&tables) && !on(&trajectory) && !of_screen => Some(if on(&[Context::WhatIf]) {
                "this is of the what-if screen: t shows it"
            } else if on(&[Context::Compare]) {
                "this is of a comparison: D shows one"
            } else {
                "this is of the table of problems: P shows it"
            }),
            Action::Override | Action::Edit | Action::Rerun | Action::Rollouts | Action::Retry
                if replay =>
            {
                Some("this is a recording: open the problem live to branch from it")
            }
            Action::Override | Action::Edit | Action::Rerun | Action::Rollouts | Action::Retry
                if self.view.talk =>
            {
                Some(TAPE_ONLY)
            }
            Action::Edit | Action::Rerun | Action::Copy | Action::Mark | Action::Breakpoint
                if self.cursor().is_none() && !is_table =>
            {
                Some("choose a step first")
            }
            _ => None,
        }
    }

    fn unavailable_anywhere(&self, action: Action) -> Option<&'static str> {
        match action {
            Action::Label if self.talk.is_recording() => {
                Some("a tour holds no labels: give them when none is recorded")
            }
            Action::Search | Action::NextMatch | Action::PreviousMatch
                if self.view.screen.is_table() =>
            {
                Some(
                    "texts are searched in a trajectory: enter opens one; ctrl-p finds by question",
                )
            }
            Action::Caption if !self.view.talk && !self.talk.is_recording() => {
                Some("captions are of talks: f5 begins one")
            }
            Action::Cancel
                if !self.playing
                    && self.waiting.is_none()
                    && !self.session().is_some_and(Session::is_generating) =>
            {
                Some("nothing is running")
            }
            _ => None,
        }
    }

    /// The cursor of the session on screen.
    pub fn cursor(&self) -> Option<NodeIndex> {
        self.session().and_then(Session::cursor)
    }

    pub(super) fn say(&mut self, level: NoticeLevel, text: impl Into<String>) {
        self.notice = Some(Notice {
            level,
            text: text.into(),
        });
    }

    fn open_sessions(&self) -> impl Iterator<Item = &Session> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Open(session) => Some(&**session),
            Slot::Closed | Slot::Opening | Slot::Failed(_) => None,
        })
    }
}
