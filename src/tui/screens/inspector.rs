//! The inspector at every width: three columns from 120, two from 80, one
//! pane with tabs below.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::app::{EndpointState, Model, Pane, ScorersState, Screen, Slot};
use crate::session::{Phase, Session};
use crate::tui::theme::Theme;
use crate::tui::widgets::{self, cost, decision, paragraph, steps, transcript, tree};

use super::Drawn;

/// Rows of the cost card with its frame.
const COST_ROWS: u16 = 6;

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
    fn three_columns(&mut self, area: Rect) {
        let side = (area.width / 4).clamp(33, 46);
        let [left, center, right] = Layout::horizontal([
            Constraint::Length(if self.is_tree() { side + 10 } else { side }),
            Constraint::Min(30),
            Constraint::Length(side + 6),
        ])
        .areas(area);
        let [card, cost] =
            Layout::vertical([Constraint::Min(6), Constraint::Length(COST_ROWS)]).areas(right);
        self.steps(left);
        self.text(center);
        self.decision(card);
        self.cost(cost);
    }

    fn two_columns(&mut self, area: Rect) {
        let left_width = if self.is_tree() { 40 } else { 32 };
        let [left, right] =
            Layout::horizontal([Constraint::Length(left_width), Constraint::Min(30)]).areas(area);
        let card_rows = (area.height * 2 / 5).max(9);
        let [text, card] =
            Layout::vertical([Constraint::Min(5), Constraint::Length(card_rows)]).areas(right);
        let [steps, cost] =
            Layout::vertical([Constraint::Min(4), Constraint::Length(COST_ROWS)]).areas(left);
        self.steps(steps);
        self.cost(cost);
        self.text(text);
        self.decision(card);
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
            Pane::Decision => self.decision(body),
        }
        let line = cost::line(self.session, self.theme);
        self.buffer.set_line(
            cost_row.x + 1,
            cost_row.y,
            &line,
            cost_row.width.saturating_sub(1),
        );
    }

    fn steps(&mut self, area: Rect) {
        let inner = self.pane(area, Pane::Steps);
        let focused = self.model.view.focus == Pane::Steps;
        let draw = if self.is_tree() {
            tree::draw
        } else {
            steps::draw
        };
        draw(
            inner,
            self.buffer,
            self.model,
            self.session,
            self.theme,
            focused,
        );
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
        let mut card = refused(self.model, columns, self.theme);
        card.extend(endpoints_down(self.model, columns, self.theme));
        card.extend(decision::card(
            self.model,
            self.session,
            inner.width,
            self.theme,
        ));
        let last = card.len().saturating_sub(usize::from(inner.height));
        let top = self.model.view.decision_scroll.min(last);
        self.drawn.decision_last = last;
        widgets::lines(inner, self.buffer, &card[top..]);
        if top < last && inner.height > 0 && inner.width > 0 {
            let style = self.theme.style("dim");
            self.buffer
                .set_string(inner.right() - 1, inner.bottom() - 1, "↓", style);
        }
    }

    fn cost(&mut self, area: Rect) {
        let unit = self.session.settings().ledger.unit();
        let title = unit.map_or_else(|| "Cost".to_owned(), |_| "Cost so far".to_owned());
        let inner = widgets::pane(area, self.buffer, self.theme, &title, false);
        widgets::lines(
            inner,
            self.buffer,
            &cost::card(self.session, inner.width, self.theme),
        );
    }

    fn pane(&mut self, area: Rect, pane: Pane) -> Rect {
        self.drawn.panes.push((pane, area));
        let focused = self.model.view.focus == pane;
        widgets::pane(area, self.buffer, self.theme, self.title(pane), focused)
    }

    fn title(&self, pane: Pane) -> &'static str {
        match pane {
            Pane::Steps if self.is_tree() => "Tree",
            Pane::Steps => "Steps",
            Pane::Text if self.model.view.source => "Text (source)",
            Pane::Text => "Text",
            Pane::Decision => "Decision",
        }
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
    let mut lines = paragraph(&refusal, columns, theme.style("error"));
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
            lines.extend(paragraph(message, columns, theme.style("error")));
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
        &paragraph(&text, usize::from(inner.width), theme.style(role)),
    );
}
