//! The screen of analysis: which page, what is asked, and what was found of
//! the trajectories that the table of problems shows.

use crate::eval::analysis::{Analysis, Ask, Failure, Score, Slice, Target};

use super::action::Action;
use super::effect::Effect;
use super::model::{Model, NoticeLevel, Screen};
use super::table::Use;
use super::work::Work;

/// A page of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Page {
    #[default]
    Calibration,
    Distribution,
    Escalation,
    Cost,
    Failures,
    /// What each rule of the panel does.
    Rules,
}

impl Page {
    /// In the order they are turned.
    pub const ALL: [Self; 6] = [
        Self::Calibration,
        Self::Distribution,
        Self::Escalation,
        Self::Cost,
        Self::Failures,
        Self::Rules,
    ];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Calibration => "Calibration",
            Self::Distribution => "Distribution",
            Self::Escalation => "Escalation",
            Self::Cost => "Cost",
            Self::Failures => "Failures",
            Self::Rules => "Rules",
        }
    }
}

/// The state of the screen.
#[derive(Debug, Default)]
pub struct Analysed {
    pub page: Page,
    pub ask: Ask,
    /// The row of the page's list.
    pub row: usize,
    /// The rule whose surface is shown.
    pub rule: usize,
    /// The column, on the page of failures.
    pub column: usize,
    pub found: Option<Box<Analysis>>,
    /// What was asked for: facts of the survey, trajectories, and whether
    /// regrets were known.
    asked: Option<(usize, Vec<u32>, Ask, bool)>,
    /// Whether that is on its way.
    is_awaited: bool,
}

impl Analysed {
    /// Whether an answer is still to come.
    pub(super) fn is_awaited(&self) -> bool {
        self.is_awaited
    }

    /// As it was before anybody looked; what was asked for still comes.
    pub(super) fn reset(&mut self) {
        *self = Self {
            is_awaited: self.is_awaited,
            ..Self::default()
        };
    }

    /// Rows of the page's list.
    pub fn rows(&self) -> usize {
        let Some(found) = &self.found else { return 0 };
        match self.page {
            Page::Calibration => found.reliability.len(),
            Page::Distribution => found.histograms.len(),
            Page::Escalation => found.escalation.by_difficulty.len(),
            Page::Cost | Page::Rules => 0,
            Page::Failures => found.by_domain.rows.len() + found.by_difficulty.rows.len(),
        }
    }
}

/// Asks for what the screen shows, where that is another than was asked for.
pub(super) fn refresh(model: &mut Model) -> Option<Effect> {
    if model.view.screen != Screen::Analysis || model.reading.is_some() {
        return None;
    }
    model.table.refresh(&model.survey, false);
    let facts = model.survey.facts();
    // One at a time: of a live run there is something new with every step. The
    // failures are counted with the regrets; whoever takes these changes the
    // survey, which nobody should be looking at then.
    // While texts are read, some of the trajectories are still to be found.
    let is_open = model.values.are_awaited() || model.table.texts_read().is_some();
    if model.analysis.is_awaited || is_open {
        return None;
    }
    let regrets = model.values.are_of(model.survey.evidence());
    let (places, ask) = (&model.table.order, model.analysis.ask);
    let is_asked = model
        .analysis
        .asked
        .as_ref()
        .is_some_and(|(known, of, what, with)| {
            (*known, of, *what, *with) == (facts, places, ask, regrets)
        });
    if is_asked {
        return None;
    }
    let places = places.clone();
    model.analysis.asked = Some((facts, places.clone(), ask, regrets));
    model.analysis.is_awaited = true;
    let places = places.into_iter().map(|place| place as usize).collect();
    Some(Effect::Work(Work::Analyse { places, ask }))
}

/// Takes what was found, unless something else is wanted by now.
pub(super) fn analysed(model: &mut Model, found: Box<Analysis>) {
    model.analysis.is_awaited = false;
    if model.analysis.ask == found.ask {
        model.analysis.found = Some(found);
        let last = model.analysis.rows().saturating_sub(1);
        model.analysis.row = model.analysis.row.min(last);
    }
}

/// Shows the screen, or the trajectory again.
pub(super) fn show(model: &mut Model) -> Vec<Effect> {
    super::navigate::switch(model, Screen::Analysis)
}

/// Does an action of the screen; `None` for one that is of no such screen.
pub(super) fn act(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    let panel = model
        .session()
        .map(|session| session.settings().panel.rules().count());
    let rules = panel.unwrap_or_default();
    let analysis = &mut model.analysis;
    match action {
        Action::NextPane => turn(model, 1),
        Action::PreviousPane => turn(model, Page::ALL.len() - 1),
        Action::NextScore => analysis.ask.score = after(&Score::ALL, analysis.ask.score),
        Action::NextSlice => analysis.ask.slice = after(&Slice::ALL, analysis.ask.slice),
        Action::NextTarget => {
            let shown = analysis.found.as_ref().map(|found| found.target);
            let shown = analysis.ask.target.or(shown).unwrap_or(Target::Answer);
            analysis.ask.target = Some(after(&Target::ALL, shown));
        }
        Action::Left if analysis.page == Page::Rules => {
            analysis.rule = analysis.rule.saturating_sub(1);
        }
        Action::Right if analysis.page == Page::Rules => {
            analysis.rule = (analysis.rule + 1).min(rules.saturating_sub(1));
        }
        Action::Left => analysis.column = analysis.column.saturating_sub(1),
        Action::Right => {
            analysis.column = (analysis.column + 1).min(Failure::ALL.len() - 1);
        }
        Action::First => analysis.row = 0,
        Action::Last => vertical(model, i64::from(i32::MAX)),
        Action::Accept => open(model),
        _ => return None,
    }
    Some(Vec::new())
}

fn after<T: Copy + PartialEq>(all: &[T], one: T) -> T {
    let at = all.iter().position(|known| *known == one).unwrap_or(0);
    all[(at + 1) % all.len()]
}

fn turn(model: &mut Model, by: usize) {
    let analysis = &mut model.analysis;
    let at = Page::ALL.iter().position(|page| *page == analysis.page);
    analysis.page = Page::ALL[(at.unwrap_or(0) + by) % Page::ALL.len()];
    analysis.row = 0;
}

/// Moves over the rows.
pub(super) fn vertical(model: &mut Model, by: i64) {
    let analysis = &mut model.analysis;
    let by = isize::try_from(by).unwrap_or(isize::MAX);
    let last = analysis.rows().saturating_sub(1);
    analysis.row = analysis.row.saturating_add_signed(by).min(last);
}

/// Opens the trajectories of a cell of the failures in the table of problems.
fn open(model: &mut Model) {
    let analysis = &model.analysis;
    let (Page::Failures, Some(found)) = (analysis.page, &analysis.found) else {
        return;
    };
    let failure = Failure::ALL[analysis.column].name();
    let domains = found.by_domain.rows.len();
    let by_domain = analysis.row < domains;
    let rows = found.by_domain.rows.iter().chain(&found.by_difficulty.rows);
    let Some(part) = rows.into_iter().nth(analysis.row) else {
        return;
    };
    let wanted = match part.number {
        Some(d) => format!("difficulty >= {d} & difficulty < {}", d + 1.0),
        None if !part.is_unknown => {
            // There is no other way to write a quote.
            let quote = if part.name.contains('"') { '\'' } else { '"' };
            format!("area = {quote}{}{quote}", part.name)
        }
        None if by_domain => "!known(area)".to_owned(),
        None => "!known(difficulty)".to_owned(),
    };
    // What the table showed is still wanted.
    let held = model.table.expression(Use::Filter);
    let held = held.map_or_else(String::new, |held| format!("({}) & ", held.text()));
    let filter = format!("{held}failure = {failure} & {wanted}");
    match model.table.take(Use::Filter, &filter, &model.survey) {
        Ok(()) => model.view.screen = Screen::Problems,
        Err(why) => model.say(NoticeLevel::Error, why),
    }
}
