//! The training screen: what it knows and how it changes.

use crate::train::log::{Head, TrainingLog};
use crate::train::record::Iteration;
use crate::train::surface::Surface;

use super::action::Action;

/// Iterations that a page moves.
const PAGE: u32 = 100;

/// What is drawn over the iterations, the most telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    Coverage,
    Cost,
    Kappa,
    Reward,
    Kl,
    Miss,
}

impl Curve {
    pub const ALL: [Self; 6] = [
        Self::Coverage,
        Self::Cost,
        Self::Kappa,
        Self::Reward,
        Self::Kl,
        Self::Miss,
    ];

    /// Its value at an iteration; `None` where there is none.
    #[must_use]
    pub fn value(self, one: &Iteration, head: &Head) -> Option<f64> {
        match self {
            Self::Coverage => Some(one.policy.coverage),
            Self::Cost => Some(head.relative(one.batch.cost)),
            Self::Kappa => Some(one.threshold.kappa),
            Self::Reward => Some(one.batch.reward),
            Self::Kl => one.policy.kl,
            Self::Miss => Some(one.threshold.miss),
        }
    }

    /// Its heading.
    #[must_use]
    pub fn title(self, log: &TrainingLog) -> String {
        let params = &log.head.params;
        match self {
            Self::Coverage => format!("coverage ≥ {:.3}", 1.0 - params.tolerated()),
            Self::Cost if log.head.large_cost.is_some() => "cost / large".to_owned(),
            Self::Cost => "cost".to_owned(),
            Self::Kappa => "κ".to_owned(),
            Self::Reward => "reward".to_owned(),
            Self::Kl => "KL, nats".to_owned(),
            Self::Miss => format!("misses, α {}", params.alpha),
        }
    }

    /// What the curve is held against.
    #[must_use]
    pub fn level(self, log: &TrainingLog) -> Option<f64> {
        match self {
            Self::Coverage => Some(1.0 - log.head.params.tolerated()),
            Self::Miss => Some(log.head.params.alpha),
            _ => None,
        }
    }
}

/// How far the run is, as far as anybody can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The program reads the forest; there is no log yet.
    Waiting,
    /// Iterations come.
    Running,
    /// The log does not say that it ended, and this program does not train:
    /// it may be running elsewhere, or have been interrupted.
    Open,
    Finished,
    Failed(String),
}

/// The training screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Training {
    /// The run's folder, as it was named.
    pub name: String,
    pub log: Option<TrainingLog>,
    /// The iteration that is looked at; `None`: the last one, as it comes.
    pub cursor: Option<u32>,
    pub progress: Progress,
    /// Whether this program trains, so that quitting stops the run.
    pub trains: bool,
    pub help: bool,
    /// Which curves a small window shows, counted from 0 round and round.
    pub page: usize,
    /// Whether quitting waits for a second key.
    pub confirm: bool,
    pub quitting: bool,
    pub notice: Option<String>,
    pub theme: String,
}

/// What happens to the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum TrainingMsg {
    Action {
        action: Action,
        count: Option<u32>,
    },
    /// A log was opened for the first time.
    Opened(Box<TrainingLog>),
    /// The log cannot be read.
    Unreadable(String),
    /// The run of this program is over.
    Ended(Result<(), String>),
    Themed(Result<String, String>),
}

/// What the screen asks of whoever runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainingEffect {
    NextTheme,
    Redraw,
    Suspend,
}

impl Training {
    /// A screen on a run in `name`; `trains`: this program makes it.
    #[must_use]
    pub fn new(name: String, trains: bool) -> Self {
        Self {
            name,
            log: None,
            cursor: None,
            progress: Progress::Waiting,
            trains,
            help: false,
            page: 0,
            confirm: false,
            quitting: false,
            notice: None,
            theme: String::new(),
        }
    }

    /// The last iteration there is.
    #[must_use]
    pub fn last(&self) -> Option<u32> {
        self.log.as_ref()?.iterations.keys().next_back().copied()
    }

    /// The iteration that is shown: that of the cursor, or the last.
    #[must_use]
    pub fn shown(&self) -> Option<&Iteration> {
        let iterations = &self.log.as_ref()?.iterations;
        let up_to = self.cursor.unwrap_or(u32::MAX);
        iterations.range(..=up_to).next_back().map(|(_, one)| one)
    }

    /// The policy's surface by then.
    #[must_use]
    pub fn surface(&self) -> Option<&Surface> {
        let log = self.log.as_ref()?;
        if let (None, Some(end)) = (self.cursor, &log.end) {
            return Some(&end.surface);
        }
        // A surface goes by the iterations done, of which the one shown is the
        // last.
        let up_to = self.cursor.map_or(u32::MAX, |cursor| cursor + 1);
        log.surfaces.range(..=up_to).next_back().map(|(_, one)| one)
    }

    /// The surface before training.
    #[must_use]
    pub fn first_surface(&self) -> Option<&Surface> {
        self.log.as_ref()?.surfaces.values().next()
    }

    /// Changes the screen.
    pub fn update(&mut self, msg: TrainingMsg) -> Option<TrainingEffect> {
        match msg {
            TrainingMsg::Action { action, count } => return self.act(action, count),
            TrainingMsg::Opened(log) => {
                self.notice = out_of_reach(&log);
                self.log = Some(*log);
                self.progress = self.going_on();
            }
            TrainingMsg::Unreadable(why) => self.notice = Some(why),
            TrainingMsg::Ended(Ok(())) => self.progress = Progress::Finished,
            TrainingMsg::Ended(Err(why)) => self.progress = Progress::Failed(why),
            TrainingMsg::Themed(Ok(name)) => {
                self.notice = Some(format!("theme {name}"));
                self.theme = name;
            }
            TrainingMsg::Themed(Err(why)) => self.notice = Some(why),
        }
        None
    }

    /// To be called when the log has grown.
    pub fn grown(&mut self) {
        let over = matches!(self.progress, Progress::Failed(_) | Progress::Finished);
        if !(self.trains && over) {
            self.progress = self.going_on();
        }
    }

    fn going_on(&self) -> Progress {
        let ended = self.log.as_ref().is_some_and(|log| log.end.is_some());
        match (self.trains, ended) {
            // After the last iteration comes the report, which may fail.
            (true, _) => Progress::Running,
            (false, true) => Progress::Finished,
            (false, false) => Progress::Open,
        }
    }

    fn act(&mut self, action: Action, count: Option<u32>) -> Option<TrainingEffect> {
        self.notice = None;
        let confirmed = std::mem::take(&mut self.confirm);
        let times = |step: u32| step.saturating_mul(count.unwrap_or(1));
        match action {
            Action::Left => self.go(-i64::from(times(1))),
            Action::Right => self.go(i64::from(times(1))),
            Action::Up | Action::HalfPageUp => self.go(-i64::from(times(PAGE / 10))),
            Action::Down | Action::HalfPageDown => self.go(i64::from(times(PAGE / 10))),
            Action::PageUp => self.go(-i64::from(times(PAGE))),
            Action::PageDown => self.go(i64::from(times(PAGE))),
            Action::First => self.cursor = Some(count.map_or(0, |n| n.saturating_sub(1))),
            Action::Last => self.cursor = count.map(|n| n.saturating_sub(1)),
            Action::Help => self.help = !self.help,
            Action::BackLevel => self.back(),
            Action::NextPane => self.page = self.page.wrapping_add(1),
            Action::PreviousPane => self.page = self.page.wrapping_sub(1),
            Action::Quit | Action::Cancel => self.quit(confirmed),
            Action::NextTheme => return Some(TrainingEffect::NextTheme),
            Action::Redraw => return Some(TrainingEffect::Redraw),
            Action::Suspend => return Some(TrainingEffect::Suspend),
            _ => self.notice = Some(format!("`{action}` does nothing here")),
        }
        None
    }

    fn back(&mut self) {
        if self.help {
            self.help = false;
        } else {
            self.cursor = None;
        }
    }

    fn quit(&mut self, confirmed: bool) {
        let running = matches!(self.progress, Progress::Waiting | Progress::Running);
        if self.trains && running && !confirmed {
            self.confirm = true;
            self.notice = Some(
                "Training is running: the same key again stops it; `--resume` goes on".to_owned(),
            );
            return;
        }
        self.quitting = true;
    }

    /// Moves the cursor; past the last iteration it follows the run again.
    fn go(&mut self, by: i64) {
        let Some(last) = self.last() else {
            return;
        };
        let at = i64::from(self.cursor.unwrap_or(last).min(last));
        let to = (at + by).max(0);
        self.cursor = (to < i64::from(last)).then_some(to as u32);
    }
}

/// Where α is less than what the large model itself misses.
fn out_of_reach(log: &TrainingLog) -> Option<String> {
    let (params, floor) = (&log.head.params, log.head.floor?.value);
    (params.floor == 0.0 && params.alpha < floor).then(|| {
        let alpha = params.alpha;
        format!("α = {alpha} lies below the A/A floor {floor:.4}: no router can keep it")
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn act(screen: &mut Training, action: Action, count: Option<u32>) {
        assert_eq!(screen.update(TrainingMsg::Action { action, count }), None);
    }

    #[test]
    fn quitting_a_run_of_ones_own_takes_two_keys() {
        let mut screen = Training::new("run".into(), true);
        act(&mut screen, Action::Quit, None);
        assert!(screen.confirm && !screen.quitting);
        act(&mut screen, Action::Left, None);
        act(&mut screen, Action::Quit, None);
        assert!(!screen.quitting, "another key in between takes it back");
        act(&mut screen, Action::Quit, None);
        assert!(screen.quitting);
        let mut other = Training::new("run".into(), false);
        act(&mut other, Action::Quit, None);
        assert!(other.quitting, "somebody else's run goes on");
    }

    #[test]
    fn a_failure_stays_on_the_screen() {
        let mut screen = Training::new("run".into(), true);
        screen.update(TrainingMsg::Ended(Err("no forest".into())));
        screen.grown();
        assert_eq!(screen.progress, Progress::Failed("no forest".into()));
        act(&mut screen, Action::Quit, None);
        assert!(screen.quitting);
    }

    #[test]
    fn keys_of_other_screens_say_that_they_do_nothing() {
        let mut screen = Training::new("run".into(), false);
        act(&mut screen, Action::Override, None);
        assert!(
            screen
                .notice
                .as_deref()
                .is_some_and(|n| n.contains("override"))
        );
        act(&mut screen, Action::Help, None);
        assert!(screen.help && screen.notice.is_none());
        act(&mut screen, Action::BackLevel, None);
        assert!(!screen.help);
    }
}
