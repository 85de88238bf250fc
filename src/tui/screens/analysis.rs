//! The screen of analysis, page by page.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::tour::Part;
use crate::app::{Model, Page, Pane, Use};
use crate::eval::analysis::failures::FunnelRow;
use crate::eval::analysis::{Analysis, Costs, Failure, Histogram, Reliability};
use crate::headless::figure::{self, Figure};
use crate::tui::text::sanitize::{sanitize, sanitize_line};
use crate::tui::text::width::{self, Align};
use crate::tui::theme::Theme;
use crate::tui::widgets::{self, bar, figures, plot};

use super::Drawn;

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
    let painter = Painter {
        model,
        found,
        theme,
    };
    match model.analysis.page {
        Page::Calibration => painter.calibration(body, buffer, &mut drawn),
        Page::Distribution => painter.distribution(body, buffer, &mut drawn),
        Page::Escalation => painter.escalation(body, buffer, &mut drawn),
        Page::Cost => painter.cost(body, buffer),
        Page::Failures => painter.failures(body, buffer, &mut drawn),
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
        title.push_str(&format!(" · {}", sanitize(filter.text())));
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

struct Painter<'a> {
    model: &'a Model,
    found: &'a Analysis,
    theme: &'a Theme,
}

/// A column of a list: heading and width.
type Heading = (&'static str, usize);

impl Painter<'_> {
    /// A list with the row of the cursor, and a figure beside or below it.
    fn list_and_figure(
        &self,
        area: Rect,
        buffer: &mut Buffer,
        drawn: &mut Drawn,
        headings: &[Heading],
        rows: &[Vec<String>],
        figure: Option<&Figure>,
    ) {
        let (list, picture) = if area.width >= BESIDE {
            // The list as wide as it is, as long as the figure has room beside it.
            let wanted: usize = headings.iter().map(|(_, columns)| columns + 1).sum();
            let wanted = u16::try_from(wanted).unwrap_or(u16::MAX);
            let wanted = wanted.min(area.width * 3 / 5);
            let [list, picture] =
                Layout::horizontal([Constraint::Length(wanted), Constraint::Min(0)]).areas(area);
            (list, picture)
        } else {
            let wanted = u16::try_from(rows.len() + 2).unwrap_or(u16::MAX);
            let least = wanted.min(area.height / 3).max(4);
            let [list, picture] =
                Layout::vertical([Constraint::Length(least), Constraint::Min(6)]).areas(area);
            (list, picture)
        };
        self.list(list, buffer, drawn, headings, rows);
        drawn.part(Part::AnalysisFigure, picture);
        match figure {
            Some(figure) => plot::draw(picture, buffer, figure, self.theme),
            None => {
                let text = Line::styled("there is nothing to draw", self.theme.style("dim"));
                widgets::lines(picture, buffer, &[text]);
            }
        }
    }

    fn list(
        &self,
        area: Rect,
        buffer: &mut Buffer,
        drawn: &mut Drawn,
        headings: &[Heading],
        rows: &[Vec<String>],
    ) {
        let dim = self.theme.style("dim");
        let cells = |texts: &mut dyn Iterator<Item = &str>, style: Style| {
            let texts = texts.zip(headings).enumerate();
            let spans = texts.map(|(at, (text, (_, columns)))| {
                let align = if at == 0 { Align::Left } else { Align::Right };
                // A row may have the name of a model or of a domain.
                let text = self.theme.shown(text);
                let text = width::truncate(&text, *columns);
                Span::styled(format!("{} ", width::pad(&text, *columns, align)), style)
            });
            Line::from(spans.collect::<Vec<_>>())
        };
        let heading = cells(&mut headings.iter().map(|(name, _)| *name), dim);
        widgets::lines(area, buffer, &[heading]);
        let height = usize::from(area.height.saturating_sub(1));
        let at = self.model.analysis.row.min(rows.len().saturating_sub(1));
        let rows_of = widgets::Spread::of(self.model.view.talk, at, rows.len(), height);
        let text = self.theme.style("text");
        let shown = rows.iter().skip(rows_of.top).take(height);
        let shown = shown.map(|row| cells(&mut row.iter().map(String::as_str), text));
        if !rows.is_empty() && height > 0 {
            let body = Rect {
                y: area.y + 1,
                height: area.height - 1,
                ..area
            };
            widgets::lines(body, buffer, &rows_of.lines(shown));
            let row = rows_of.line(at);
            widgets::select(body, buffer, row, self.theme, true);
            drawn.rows(Part::AnalysisRow, body, row..row + 1, 0);
        }
    }

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

    fn calibration(&self, area: Rect, buffer: &mut Buffer, drawn: &mut Drawn) {
        let (ask, target) = (self.found.ask, self.found.target);
        let area = self.asked(
            area,
            buffer,
            &[
                ("s", "score", ask.score.name()),
                ("x", "right by", target.name()),
                ("b", "by", ask.slice.name()),
            ],
        );
        let headings = [
            ("", 14),
            ("steps", 7),
            ("right", 7),
            ("Brier", 6),
            ("ECE", 6),
            ("AUROC", 5),
            ("", 12),
        ];
        let rows = self.found.reliability.iter();
        let rows: Vec<Vec<String>> = rows.map(|(name, found)| reliability(name, found)).collect();
        let row = self.model.analysis.row.min(rows.len().saturating_sub(1));
        let shown = self.found.reliability.get(row);
        let figure = shown.and_then(|(name, found)| {
            figure::reliability(name, found, ask.score.name(), target.name())
        });
        self.list_and_figure(area, buffer, drawn, &headings, &rows, figure.as_ref());
    }

    fn distribution(&self, area: Rect, buffer: &mut Buffer, drawn: &mut Drawn) {
        let score = self.found.ask.score.name();
        let area = self.asked(area, buffer, &[("s", "score", score)]);
        let headings = [
            ("", 16),
            ("steps", 7),
            ("unconfident", 16),
            ("confident", 16),
            ("weight", 7),
        ];
        let rows = self.found.histograms.iter();
        let rows: Vec<Vec<String>> = rows.map(|(name, found)| mixture(name, found)).collect();
        let row = self.model.analysis.row.min(rows.len().saturating_sub(1));
        let shown = self.found.histograms.get(row);
        let figure = shown.and_then(|(name, found)| figure::distribution(name, found, score));
        self.list_and_figure(area, buffer, drawn, &headings, &rows, figure.as_ref());
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

    fn cost(&self, area: Rect, buffer: &mut Buffer) {
        let costs = &self.found.costs;
        let mut lines = Vec::new();
        if costs.unit.is_none() || costs.trajectories == 0 {
            let text = "the costs are not known, or are in different units";
            lines.push(Line::styled(text, self.theme.style("dim")));
            return widgets::lines(area, buffer, &lines);
        }
        let dim = self.theme.style("dim");
        let head = format!(
            "a trajectory, over {} whose full cost is known",
            costs.trajectories
        );
        lines.push(Line::styled(head, dim));
        lines.push(Line::default());
        let room = usize::from(area.width).saturating_sub(48).clamp(8, 80);
        let mut before = 0.0;
        for (name, cost, role) in parts(costs) {
            let share = cost / costs.full.max(f64::MIN_POSITIVE);
            let offset = (before / costs.full.max(f64::MIN_POSITIVE) * room as f64) as usize;
            before += cost;
            let cells = ((share * room as f64).round() as usize).min(room - offset.min(room));
            let amount = figures::amount(Some(cost), costs.unit.as_ref());
            let name = self.theme.shown(&name);
            let name = width::truncate(&name, 22).into_owned();
            lines.push(Line::from(vec![
                Span::styled(width::pad(&name, 23, Align::Left), self.theme.style("text")),
                Span::styled(format!("{amount:>12} {:>5.1} %  ", 100.0 * share), dim),
                Span::raw(" ".repeat(offset)),
                Span::styled("━".repeat(cells), self.theme.style(role)),
            ]));
        }
        lines.push(Line::default());
        for (name, cost, role) in [
            ("full", costs.full, "cost.full"),
            ("published", costs.published, "cost.published"),
        ] {
            let share = cost / costs.full.max(f64::MIN_POSITIVE);
            let amount = figures::amount(Some(cost), costs.unit.as_ref());
            let mut spans = vec![
                Span::styled(
                    width::pad(name, 23, Align::Left),
                    self.theme.style("emphasis"),
                ),
                Span::styled(format!("{amount:>12} {:>5.1} %  ", 100.0 * share), dim),
            ];
            spans.extend(bar::filled(share, room, self.theme.style(role), self.theme));
            lines.push(Line::from(spans));
        }
        if costs.upper_bound {
            let text = "some servers do not say what their caches held: prompts are upper bounds";
            lines.push(Line::styled(text, self.theme.style("warning")));
        }
        widgets::lines(area, buffer, &lines);
    }

    fn failures(&self, area: Rect, buffer: &mut Buffer, drawn: &mut Drawn) {
        let note = match self.model.values.regrets {
            Some(_) => "h l j k choose a cell, enter opens its trajectories",
            None => {
                "the log holds no other model's continuations: routing, late and capability \
                 cannot be told apart"
            }
        };
        widgets::lines(
            area,
            buffer,
            &[Line::styled(note, self.theme.style("hint"))],
        );
        let area = Rect {
            y: area.y + 2,
            height: area.height.saturating_sub(2),
            ..area
        };
        let dim = self.theme.style("dim");
        let mut heading = vec![Span::styled(width::pad("", 18, Align::Left), dim)];
        for title in ["n", "right"]
            .into_iter()
            .chain(Failure::ALL.map(Failure::name))
        {
            let columns = cell_width(title);
            heading.push(Span::styled(width::pad(title, columns, Align::Right), dim));
        }
        let (domains, difficulties) = (&self.found.by_domain.rows, &self.found.by_difficulty.rows);
        let rows: Vec<&FunnelRow> = domains.iter().chain(difficulties).collect();
        let height = usize::from(area.height.saturating_sub(2));
        let at = self.model.analysis.row.min(rows.len().saturating_sub(1));
        let top = widgets::window(at, rows.len(), height);
        // For an audience there is space below the headings, where it is left.
        let is_spread = self.model.view.talk && rows.len() < height;
        let mut lines = vec![Line::from(heading)];
        lines.extend(is_spread.then(Line::default));
        for (place, row) in rows.iter().enumerate().skip(top).take(height) {
            if place == domains.len() && place > top {
                lines.push(Line::default());
            }
            if place == at {
                drawn.rows(Part::AnalysisRow, area, lines.len()..lines.len() + 1, 0);
            }
            lines.push(self.failure_row(row, place == at));
        }
        widgets::lines(area, buffer, &lines);
    }

    fn failure_row(&self, row: &FunnelRow, selected: bool) -> Line<'static> {
        let name = sanitize_line(&self.theme.shown(&row.name)).into_owned();
        let name = width::truncate(&name, 17).into_owned();
        let role = if selected { "emphasis" } else { "text" };
        let mut spans = vec![Span::styled(
            width::pad(&name, 18, Align::Left),
            self.theme.style(role),
        )];
        let counts = [("n", row.trajectories), ("right", row.correct)];
        for (title, count) in counts {
            let text = width::pad(&count.to_string(), cell_width(title), Align::Right);
            spans.push(Span::styled(text, self.theme.style("dim")));
        }
        for (column, (failure, &count)) in Failure::ALL.iter().zip(&row.failures).enumerate() {
            let here = selected && column == self.model.analysis.column;
            let role = match (here, count) {
                (true, _) => "selection",
                (false, 0) => "dim",
                (false, _) => "verdict.wrong",
            };
            let text = count.to_string();
            let text = if here { format!("▸{text}") } else { text };
            let text = width::pad(&text, cell_width(failure.name()), Align::Right);
            spans.push(Span::styled(text, self.theme.style(role)));
        }
        Line::from(spans)
    }
}

fn cell_width(title: &str) -> usize {
    title.len().max(5) + 2
}

fn reliability(name: &str, found: &Reliability) -> Vec<String> {
    let figure =
        |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    let right = (found.steps > 0).then(|| format!("{:.1} %", 100.0 * found.right));
    let interval = found
        .auroc_interval
        .map_or_else(String::new, |[low, high]| format!("[{low:.2}, {high:.2}]"));
    vec![
        sanitize_line(name).into_owned(),
        found.steps.to_string(),
        right.unwrap_or_else(|| "–".to_owned()),
        figure(found.brier),
        figure(found.ece),
        figure(found.auroc),
        interval,
    ]
}

fn mixture(name: &str, found: &Histogram) -> Vec<String> {
    let steps: usize = found.counts.iter().sum();
    let name = sanitize_line(name).into_owned();
    let fit = found.fit.as_ref();
    let Some(mixture) = fit.and_then(|fit| fit.mixture.as_ref()) else {
        return vec![name, steps.to_string(), "–".into(), "–".into(), "–".into()];
    };
    let normal = |mean: f64, variance: f64| format!("{mean:.3} ± {:.3}", variance.sqrt());
    let (low, high) = (&mixture.unconfident, &mixture.confident);
    let doubt = fit.is_some_and(|fit| fit.degenerate.is_some());
    vec![
        name,
        steps.to_string(),
        normal(low.mean, low.variance),
        normal(high.mean, high.variance),
        format!("{:.2}{}", high.weight, if doubt { "?" } else { "" }),
    ]
}

/// The parts of the full ledger with the roles of their bars.
fn parts(costs: &Costs) -> Vec<(String, f64, &'static str)> {
    let output = costs.output.iter();
    let mut parts: Vec<(String, f64, &'static str)> = output
        .map(|(name, cost)| {
            let name = sanitize_line(name).into_owned();
            (format!("written by {name}"), *cost, "cost.published")
        })
        .collect();
    parts.extend([
        ("prompts read".to_owned(), costs.prefill, "cost.full"),
        ("read after a switch".to_owned(), costs.switches, "warning"),
        (
            "prompts from the cache".to_owned(),
            costs.cached,
            "cost.full",
        ),
        ("rejected drafts".to_owned(), costs.drafts, "warning"),
        ("scorers and retries".to_owned(), costs.other, "cost.full"),
    ]);
    parts
}
