//! The inspector at every width: three columns from 120, two from 80, one
//! pane with tabs below.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::app::action::Context;
use crate::app::tour::{Part, Target};
use crate::app::{EndpointState, Labelling, Model, Pane, ScorersState, Screen, Slot};
use crate::session::{Phase, Session};
use crate::tui::theme::Theme;
use crate::tui::widgets::{
    self, checks, cost, decision, labels, paragraph, steps, transcript, tree, watches,
};

use super::Drawn;

/// Rows of the cost card with its frame.
const COST_ROWS: u16 = 6;
/// Rows of the decision card that an audience is shown in a small window.
const SHORT_CARD: u16 = 8;

/// Draws the screen's body.
pub fn draw(
    area: Rect,
    buffer: &mut Buffer,
    model: &Model,
    theme: &Theme,
    cache: &mut transcript::Cache,
) -> Drawn {
    let Some(session) = model.session() else {
        empty(area, buffer, model, theme);
        return Drawn::default();
    };
    let mut screen = Painter {
        buffer,
        model,
        session,
        theme,
        cache,
        drawn: Drawn::default(),
    };
    if area.width >= 120 {
        screen.three_columns(area);
    } else if area.width >= 80 && area.height >= 14 && model.view.talk {
        screen.for_an_audience(area);
    } else if area.width >= 80 && area.height >= 16 {
        screen.two_columns(area);
    } else {
        screen.one_pane(area);
    }
    screen.drawn
}

struct Painter<'a> {
    buffer: &'a mut Buffer,
    model: &'a Model,
    session: &'a Session,
    theme: &'a Theme,
    cache: &'a mut transcript::Cache,
    drawn: Drawn,
}

impl Painter<'_> {
    /// Two columns of few, large things: a narrow list, a short card, one line
    /// about the cost. Where a tour points at the cost, that takes the place of
    /// the card.
    fn for_an_audience(&mut self, area: Rect) {
        let left_width = if self.is_tree() { 36 } else { 24 };
        let [body, cost_row] =
            Layout::vertical([Constraint::Min(1), Constraint::Length(1)]).areas(area);
        let [left, right] =
            Layout::horizontal([Constraint::Length(left_width), Constraint::Min(30)]).areas(body);
        let [text, card, watches] = Layout::vertical([
            Constraint::Min(5),
            Constraint::Length(SHORT_CARD),
            Constraint::Length(self.watch_rows(area.height / 5)),
        ])
        .areas(right);
        self.steps(left);
        self.text(text);
        self.watches(watches);
        if self.points_at_cost() {
            self.cost(card);
        } else {
            self.decision(card);
        }
        self.cost_line(cost_row);
    }

    fn points_at_cost(&self) -> bool {
        let targets = self.model.talk.highlights().iter();
        let mut parts = targets.filter_map(|target| match target {
            Target::Part(part) => Some(part),
            Target::Step(_) | Target::Text(_) => None,
        });
        parts.any(|part| part.is_cost())
    }

    fn three_columns(&mut self, area: Rect) {
        let side = match self.model.view.talk {
            true => (area.width / 5).clamp(30, 40),
            false => (area.width / 4).clamp(33, 46),
        };
        let [left, center, right] = Layout::horizontal([
            Constraint::Length(if self.is_tree() { side + 10 } else { side }),
            Constraint::Min(30),
            Constraint::Length(side.max(34) + 6),
        ])
        .areas(area);
        let [card, watches, cost] = Layout::vertical([
            Constraint::Min(6),
            Constraint::Length(self.watch_rows(area.height / 4)),
            Constraint::Length(COST_ROWS),
        ])
        .areas(right);
        self.steps(left);
        self.text(center);
        self.decision(card);
        self.watches(watches);
        self.cost(cost);
    }

    fn two_columns(&mut self, area: Rect) {
        let left_width = if self.is_tree() { 40 } else { 32 };
        let [left, right] =
            Layout::horizontal([Constraint::Length(left_width), Constraint::Min(30)]).areas(area);
        let card_rows = (area.height * 2 / 5).max(9);
        let [text, card, watches] = Layout::vertical([
            Constraint::Min(5),
            Constraint::Length(card_rows),
            Constraint::Length(self.watch_rows(area.height / 4)),
        ])
        .areas(right);
        let [steps, cost] =
            Layout::vertical([Constraint::Min(4), Constraint::Length(COST_ROWS)]).areas(left);
        self.steps(steps);
        self.cost(cost);
        self.text(text);
        self.decision(card);
        self.watches(watches);
    }

    /// Rows of the watched expressions with their frame, `most` at most; none
    /// where nothing is watched.
    fn watch_rows(&self, most: u16) -> u16 {
        // What is watched may be whatever is hidden.
        if self.model.is_blind() {
            return 0;
        }
        match u16::try_from(self.model.debug.watches.len()) {
            Ok(0) => 0,
            Ok(watched) => (watched.saturating_add(2)).min(most.max(3)),
            Err(_) => most.max(3),
        }
    }

    fn watches(&mut self, area: Rect) {
        if area.height == 0 {
            return;
        }
        let inner = widgets::pane(area, self.buffer, self.theme, "Watched", false);
        let lines = self.watch_lines(inner);
        widgets::lines(inner, self.buffer, &lines);
    }

    fn watch_lines(&self, area: Rect) -> Vec<Line<'static>> {
        let (columns, rows) = (usize::from(area.width), usize::from(area.height));
        watches::lines(self.model, self.session, columns, rows, self.theme)
    }

    fn one_pane(&mut self, area: Rect) {
        let [tabs, body, cost_row] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Min(1),
            Constraint::Length(1),
        ])
        .areas(area);
        let mut spans = Vec::new();
        for pane in Pane::ALL {
            let role = if pane == self.model.view.focus {
                "selection"
            } else {
                "dim"
            };
            spans.push(Span::styled(
                format!(" {} ", self.title(pane)),
                self.theme.style(role),
            ));
        }
        spans.push(Span::styled("  tab ", self.theme.style("key")));
        self.buffer
            .set_line(tabs.x, tabs.y, &Line::from(spans), tabs.width);
        match self.model.view.focus {
            Pane::Steps => self.steps(body),
            Pane::Text => self.text(body),
            Pane::Decision => {
                let rows = self.watch_rows(body.height / 2);
                let [card, watches] =
                    Layout::vertical([Constraint::Min(3), Constraint::Length(rows)]).areas(body);
                self.decision(card);
                self.watches(watches);
            }
        }
        self.cost_line(cost_row);
    }

    fn cost_line(&mut self, row: Rect) {
        let line = match self.model.is_blind() {
            true => self.hidden(),
            false => cost::line(self.session, self.theme),
        };
        let room = row.width.saturating_sub(1);
        self.buffer.set_line(row.x + 1, row.y, &line, room);
        if !self.points_at_cost() || row.width < 80 {
            self.drawn.part(Part::Cost, row);
        }
    }

    fn steps(&mut self, area: Rect) {
        let inner = self.pane(area, Pane::Steps);
        let focused = self.model.view.focus == Pane::Steps;
        let draw = if self.is_tree() {
            tree::draw
        } else {
            steps::draw
        };
        let rows = draw(
            inner,
            self.buffer,
            self.model,
            self.session,
            self.theme,
            focused,
            &mut self.cache.checks,
        );
        let rows = rows.into_iter();
        let rows = rows.map(|(step, place)| (Target::Step(step), place));
        self.drawn.places.extend(rows);
    }

    fn text(&mut self, area: Rect) {
        let inner = self.pane(area, Pane::Text);
        self.drawn.text = transcript::draw(
            inner,
            self.buffer,
            self.model,
            self.session,
            self.theme,
            self.cache,
        );
    }

    fn decision(&mut self, area: Rect) {
        let inner = self.pane(area, Pane::Decision);
        let columns = usize::from(inner.width);
        let mut card = match self.model.is_blind() {
            true => Vec::new(),
            false => refused(self.model, columns, self.theme),
        };
        card.extend(endpoints_down(self.model, columns, self.theme));
        if let Some(labelling) = self.labelling() {
            let panel = labels::card(self.model, self.session, labelling, columns, self.theme);
            card.extend(panel);
        }
        let checks = &mut self.cache.checks;
        card.extend(checks::lines(self.session, columns, self.theme, checks));
        let above = card.len();
        let (lines, parts) = match self.model.is_blind() {
            true => Default::default(),
            false => decision::card_with_parts(self.model, self.session, inner.width, self.theme),
        };
        card.extend(lines);
        let parts = parts.into_iter();
        let parts: Vec<(Part, Range<usize>)> = parts
            .map(|(part, rows)| (part, rows.start + above..rows.end + above))
            .collect();
        let height = usize::from(inner.height);
        let last = card.len().saturating_sub(height);
        let top = self.model.view.decision_scroll.min(last);
        let top = self.pointed(&parts, top, height);
        for (part, rows) in parts {
            self.drawn.rows(part, inner, rows, top);
        }
        self.drawn.decision_last = last;
        widgets::lines(inner, self.buffer, &card[top..]);
        if top < last && inner.height > 0 && inner.width > 0 {
            let style = self.theme.style("dim");
            self.buffer
                .set_string(inner.right() - 1, inner.bottom() - 1, "↓", style);
        }
    }

    /// The first line to show so that everything a tour points at is seen, as
    /// far as there is room; else its beginning.
    fn pointed(&self, parts: &[(Part, Range<usize>)], top: usize, height: usize) -> usize {
        let targets = self.model.talk.highlights();
        let is_meant = |part: Part| targets.contains(&Target::Part(part));
        let rows = parts.iter().filter(|(part, _)| is_meant(*part));
        let rows = rows.map(|(_, rows)| rows.clone());
        let all = rows.reduce(|all, rows| all.start.min(rows.start)..all.end.max(rows.end));
        all.map_or(top, |all| {
            let least = all.end.saturating_sub(height).min(all.start);
            top.clamp(least, all.start)
        })
    }

    fn cost(&mut self, area: Rect) {
        let unit = self.session.settings().ledger.unit();
        let title = unit.map_or_else(|| "Cost".to_owned(), |_| "Cost so far".to_owned());
        let inner = widgets::pane(area, self.buffer, self.theme, &title, false);
        let card = match self.model.is_blind() {
            true => vec![self.hidden()],
            false => cost::card(self.session, inner.width, self.theme),
        };
        widgets::lines(inner, self.buffer, &card);
        self.drawn.part(Part::Cost, area);
        // Published, full, the scale where it can be drawn, the share.
        if card.len() > 3 {
            self.drawn.rows(Part::CostScale, inner, 2..3, 0);
        }
    }

    fn pane(&mut self, area: Rect, pane: Pane) -> Rect {
        self.drawn.panes.push((pane, area));
        let part = match pane {
            Pane::Steps => Part::Steps,
            Pane::Text => Part::Text,
            Pane::Decision => Part::Decision,
        };
        self.drawn.part(part, area);
        let focused = self.model.view.focus == pane;
        widgets::pane(area, self.buffer, self.theme, self.title(pane), focused)
    }

    fn title(&self, pane: Pane) -> &'static str {
        match pane {
            Pane::Steps if self.is_tree() => "Tree",
            Pane::Steps => "Steps",
            Pane::Text if self.model.view.source => "Text (source)",
            Pane::Text => "Text",
            Pane::Decision if self.labelling().is_some() => "Labels",
            Pane::Decision => "Decision",
        }
    }

    /// Labels being given on this screen.
    fn labelling(&self) -> Option<&Labelling> {
        let model = self.model;
        let on = model.screen_context() == Context::Label;
        model.labelling.as_ref().filter(|_| on)
    }

    /// In place of what says who wrote the steps.
    fn hidden(&self) -> Line<'static> {
        Line::styled("hidden while labelling blind", self.theme.style("dim"))
    }

    fn is_tree(&self) -> bool {
        self.model.view.screen == Screen::Tree
    }
}

/// Why the router cannot be followed: the line at the bottom has no room for
/// the whole sentence.
fn refused(model: &Model, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let Some(refusal) = model.refusal() else {
        return Vec::new();
    };
    let mut lines = paragraph(&theme.shown(&refusal), columns, theme.style("error"));
    lines.push(Line::default());
    lines
}

/// Endpoints that do not answer, each with its reason and the way on.
fn endpoints_down(model: &Model, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    // A failed call says what its endpoint says: once is enough.
    let failed = model.session().and_then(|session| match session.phase() {
        Phase::Failed { message, .. } => Some(message),
        Phase::Ready | Phase::Generating(_) | Phase::Scoring(_) => None,
    });
    let endpoints = model.endpoints.iter().filter_map(|state| match state {
        EndpointState::Down(message) => Some(message),
        _ => None,
    });
    let scorers = match &model.scorers {
        ScorersState::Down(message) => Some(message),
        _ => None,
    };
    for message in endpoints.chain(scorers) {
        if failed != Some(message) {
            let message = theme.shown(message);
            lines.extend(paragraph(&message, columns, theme.style("error")));
        }
    }
    if !lines.is_empty() {
        lines.push(Line::from(vec![
            Span::styled("R", theme.style("key")),
            Span::styled(" asks again", theme.style("hint")),
        ]));
        lines.push(Line::default());
    }
    lines
}

/// What is shown while no session is open.
fn empty(area: Rect, buffer: &mut Buffer, model: &Model, theme: &Theme) {
    let inner = widgets::pane(area, buffer, theme, "Inspector", true);
    let (text, role) = match model.slots.get(model.current) {
        None => ("There is no problem to open.".to_owned(), "dim"),
        Some(Slot::Failed(message)) => (message.clone(), "error"),
        Some(_) => ("Opening …".to_owned(), "busy"),
    };
    widgets::lines(
        inner,
        buffer,
        &paragraph(
            &theme.shown(&text),
            usize::from(inner.width),
            theme.style(role),
        ),
    );
}
