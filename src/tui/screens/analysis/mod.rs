//! The screen of analysis, page by page.

mod cost;
mod failures;
mod list;
mod scores;

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::app::tour::Part;
use crate::app::{Model, Page, Pane, Use};
use crate::eval::analysis::Analysis;
use crate::headless::figure;
use crate::survey::Survey;
use crate::trace::record::shared_beginning;
use crate::tui::text::sanitize::sanitize_line;
use crate::tui::theme::Theme;
use crate::tui::widgets::steps::without_shared;
use crate::tui::widgets::{self, plot};

use super::{Drawn, surface};

/// Columns of a window from which a list stands beside its figure.
const BESIDE: u16 = 110;

/// Draws the screen's body.
pub fn draw(area: Rect, buffer: &mut Buffer, model: &Model, theme: &Theme) -> Drawn {
    let inner = widgets::pane(area, buffer, theme, &theme.shown(&title(model)), true);
    let mut drawn = Drawn {
        panes: vec![(Pane::Steps, area)],
        ..Drawn::default()
    };
    drawn.part(Part::Analysis, area);
    if inner.height < 6 {
        return drawn;
    }
    widgets::lines(inner, buffer, &[tabs(model, theme)]);
    let body = Rect {
        y: inner.y + 2,
        height: inner.height - 2,
        ..inner
    };
    let Some(found) = &model.analysis.found else {
        let text = match model.reading {
            Some(_) => "the log is being read …",
            None => "looking …",
        };
        widgets::lines(body, buffer, &[Line::styled(text, theme.style("busy"))]);
        return drawn;
    };
    let names = model_names(&model.survey);
    let painter = Painter {
        model,
        found,
        theme,
        shared: shared_beginning(&names),
    };
    match model.analysis.page {
        Page::Calibration => painter.calibration(body, buffer, &mut drawn),
        Page::Distribution => painter.distribution(body, buffer, &mut drawn),
        Page::Escalation => painter.escalation(body, buffer, &mut drawn),
        Page::Cost => painter.cost(body, buffer),
        Page::Failures => painter.failures(body, buffer, &mut drawn),
        Page::Rules => surface::draw(body, buffer, model, model.analysis.rule, theme),
    }
    drawn
}

/// What is looked at.
fn title(model: &Model) -> String {
    let shown = model
        .analysis
        .found
        .as_ref()
        .map(|found| found.trajectories);
    let mut title = match shown {
        Some(1) => "Analysis of 1 trajectory".to_owned(),
        Some(count) => format!("Analysis of {count} trajectories"),
        None => "Analysis".to_owned(),
    };
    if let Some(filter) = model.table.expression(Use::Filter) {
        title.push_str(&format!(" · {}", sanitize_line(filter.text())));
    }
    title
}

fn tabs(model: &Model, theme: &Theme) -> Line<'static> {
    let mut spans = Vec::new();
    for page in Page::ALL {
        let role = match page == model.analysis.page {
            true => "selection",
            false => "dim",
        };
        spans.push(Span::styled(
            format!(" {} ", page.title()),
            theme.style(role),
        ));
        spans.push(Span::raw(" "));
    }
    Line::from(spans)
}

/// The models of all pools; none where there is only one, which shares its name
/// with nobody.
fn model_names(survey: &Survey) -> Vec<&str> {
    let pools = survey.runs().iter().flat_map(|run| &run.pool);
    let names: BTreeSet<&str> = pools.map(|&name| survey.name(name)).collect();
    match names.len() {
        1 => Vec::new(),
        _ => names.into_iter().collect(),
    }
}

struct Painter<'a> {
    model: &'a Model,
    found: &'a Analysis,
    theme: &'a Theme,
    /// What the names of all models begin with.
    shared: &'a str,
}

/// Columns of the name of a row at most.
const NAME: usize = 24;

impl Painter<'_> {
    /// What is asked, above a page.
    fn asked(&self, area: Rect, buffer: &mut Buffer, parts: &[(&str, &str, &str)]) -> Rect {
        let mut spans = Vec::new();
        for (key, name, value) in parts {
            spans.push(Span::styled(format!("{key} "), self.theme.style("key")));
            spans.push(Span::styled(format!("{name} "), self.theme.style("dim")));
            spans.push(Span::styled(
                format!("{value}   "),
                self.theme.style("emphasis"),
            ));
        }
        widgets::lines(area, buffer, &[Line::from(spans)]);
        Rect {
            y: area.y + 2,
            height: area.height.saturating_sub(2),
            ..area
        }
    }

    fn escalation(&self, area: Rect, buffer: &mut Buffer, drawn: &mut Drawn) {
        drawn.part(Part::AnalysisFigure, area);
        let position = figure::escalation_by_position(&self.found.escalation);
        let difficulty = figure::escalation_by_difficulty(&self.found.escalation);
        let Some(difficulty) = difficulty else {
            return plot::draw(area, buffer, &position, self.theme);
        };
        let areas: [Rect; 2] = match area.width >= BESIDE {
            true => Layout::horizontal([Constraint::Percentage(50); 2]).areas(area),
            false => Layout::vertical([Constraint::Percentage(50); 2]).areas(area),
        };
        plot::draw(areas[0], buffer, &position, self.theme);
        plot::draw(areas[1], buffer, &difficulty, self.theme);
    }

    /// A text of the log, as whoever looks may see it.
    fn shown(&self, text: &str) -> String {
        sanitize_line(&self.theme.shown(text)).into_owned()
    }

    /// A model's name without the beginning that all models share.
    fn model_name(&self, name: &str) -> String {
        self.shown(without_shared(name, self.shared))
    }
}
