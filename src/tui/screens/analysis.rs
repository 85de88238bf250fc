//! The screen of analysis, page by page.

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::tour::Part;
use crate::app::{Model, Page, Pane, Use};
use crate::eval::analysis::failures::FunnelRow;
use crate::eval::analysis::{Analysis, Costs, Failure, Histogram, Reliability, Slice};
use crate::headless::figure::{self, Figure};
use crate::survey::Survey;
use crate::trace::record::shared_beginning;
use crate::tui::text::sanitize::sanitize_line;
use crate::tui::text::width::{self, Align};
use crate::tui::theme::Theme;
use crate::tui::widgets::steps::without_shared;
use crate::tui::widgets::{self, bar, figures, plot};

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

/// A column of a list: heading and width.
type Heading = (&'static str, usize);
/// Columns of the first one at most.
const NAME: usize = 24;
/// Columns of a figure beside a list at least.
const FIGURE: u16 = 24;

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
        // The first column is as wide as what is in it.
        let mut headings = headings.to_vec();
        let longest = rows.iter().filter_map(|row| row.first());
        let longest = longest.map(|name| width::of(name)).max().unwrap_or(0);
        if let Some((_, columns)) = headings.first_mut() {
            *columns = longest.clamp(*columns, NAME);
        }
        let headings = &headings;
        let (list, picture) = if area.width >= BESIDE {
            let columns: usize = headings.iter().map(|(_, columns)| columns + 1).sum();
            let columns = u16::try_from(columns).unwrap_or(u16::MAX);
            let [list, picture] =
                Layout::horizontal([Constraint::Length(columns), Constraint::Min(FIGURE)])
                    .areas(area);
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
            ("", 8),
            ("steps", 7),
            ("right", 7),
            ("Brier", 6),
            ("ECE", 6),
            ("AUROC", 5),
            ("", 12),
        ];
        let name = |name: &str| match ask.slice {
            Slice::Model => self.model_name(name),
            _ => self.shown(name),
        };
        let rows = self.found.reliability.iter();
        let rows: Vec<Vec<String>> = rows
            .map(|(part, found)| reliability(name(part), found))
            .collect();
        let row = self.model.analysis.row.min(rows.len().saturating_sub(1));
        let shown = self.found.reliability.get(row);
        let figure = shown.and_then(|(part, found)| {
            figure::reliability(&name(part), found, ask.score.name(), target.name())
        });
        self.list_and_figure(area, buffer, drawn, &headings, &rows, figure.as_ref());
    }

    fn distribution(&self, area: Rect, buffer: &mut Buffer, drawn: &mut Drawn) {
        let score = self.found.ask.score.name();
        let area = self.asked(area, buffer, &[("s", "score", score)]);
        let headings = [
            ("", 8),
            ("steps", 7),
            ("unconfident", 16),
            ("confident", 16),
            ("weight", 7),
        ];
        let rows = self.found.histograms.iter();
        let rows: Vec<Vec<String>> = rows
            .map(|(name, found)| mixture(self.model_name(name), found))
            .collect();
        let row = self.model.analysis.row.min(rows.len().saturating_sub(1));
        let shown = self.found.histograms.get(row);
        let figure = shown
            .and_then(|(name, found)| figure::distribution(&self.model_name(name), found, score));
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
        for (name, cost, role) in self.parts(costs) {
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
        let (domains, difficulties) = (&self.found.by_domain.rows, &self.found.by_difficulty.rows);
        let rows: Vec<&FunnelRow> = domains.iter().chain(difficulties).collect();
        let columns = FailureColumns::of(&rows, usize::from(area.width));
        let mut heading = vec![Span::raw(" ".repeat(columns.name))];
        for (title, columns) in FailureColumns::TITLES.iter().zip(columns.counts) {
            heading.push(Span::styled(width::pad(title, columns, Align::Right), dim));
        }
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
            lines.push(self.failure_row(row, &columns, place == at));
        }
        widgets::lines(area, buffer, &lines);
    }

    fn failure_row(
        &self,
        row: &FunnelRow,
        columns: &FailureColumns,
        selected: bool,
    ) -> Line<'static> {
        let name = self.shown(&row.name);
        let name = width::truncate(&name, columns.name.saturating_sub(1)).into_owned();
        let role = if selected { "emphasis" } else { "text" };
        let mut spans = vec![Span::styled(
            width::pad(&name, columns.name, Align::Left),
            self.theme.style(role),
        )];
        for (column, count) in counts(row).into_iter().enumerate() {
            let failure = column.checked_sub(FailureColumns::PLAIN);
            let here = selected && failure == Some(self.model.analysis.column);
            let role = match (failure, here, count) {
                (None, ..) | (_, false, 0) => "dim",
                (_, true, _) => "selection",
                (_, false, _) => "verdict.wrong",
            };
            let text = count.to_string();
            let text = if here { format!("▸{text}") } else { text };
            let text = width::pad(&text, columns.counts[column], Align::Right);
            spans.push(Span::styled(text, self.theme.style(role)));
        }
        Line::from(spans)
    }

    /// A text of the log, as whoever looks may see it.
    fn shown(&self, text: &str) -> String {
        sanitize_line(&self.theme.shown(text)).into_owned()
    }

    /// A model's name without the beginning that all models share.
    fn model_name(&self, name: &str) -> String {
        self.shown(without_shared(name, self.shared))
    }

    /// The parts of the full ledger with the roles of their bars.
    fn parts(&self, costs: &Costs) -> Vec<(String, f64, &'static str)> {
        let output = costs.output.iter();
        let mut parts: Vec<(String, f64, &'static str)> = output
            .map(|(name, cost)| {
                let name = self.model_name(name);
                (format!("written by {name}"), *cost, "cost.published")
            })
            .collect();
        parts.extend(
            [
                ("prompts read", costs.prefill, "cost.full"),
                ("read after a switch", costs.switches, "warning"),
                ("prompts from the cache", costs.cached, "cost.full"),
                ("rejected drafts", costs.drafts, "warning"),
                ("scorers and retries", costs.other, "cost.full"),
            ]
            .map(|(name, cost, role)| (name.to_owned(), cost, role)),
        );
        parts
    }
}

/// Columns of the page of failures.
struct FailureColumns {
    name: usize,
    counts: [usize; Self::TITLES.len()],
}

impl FailureColumns {
    /// Those before the failures.
    const PLAIN: usize = 2;
    const TITLES: [&'static str; Self::PLAIN + Failure::ALL.len()] = {
        let mut titles = ["n"; Self::PLAIN + Failure::ALL.len()];
        titles[1] = "right";
        let mut at = 0;
        while at < Failure::ALL.len() {
            titles[Self::PLAIN + at] = Failure::ALL[at].name();
            at += 1;
        }
        titles
    };

    /// As wide as what is in them; the name has what is left of the room.
    fn of(rows: &[&FunnelRow], room: usize) -> Self {
        let mut most = [0; Self::TITLES.len()];
        for row in rows {
            for (most, count) in most.iter_mut().zip(counts(row)) {
                *most = count.max(*most);
            }
        }
        let mut counts = [0; Self::TITLES.len()];
        for (at, columns) in counts.iter_mut().enumerate() {
            // A sign marks the cell that was chosen.
            let mark = usize::from(at >= Self::PLAIN);
            let digits = most[at].to_string().len() + mark;
            *columns = digits.max(Self::TITLES[at].len()) + 1;
        }
        let left = room.saturating_sub(counts.iter().sum());
        Self {
            name: left.clamp(8, NAME),
            counts,
        }
    }
}

/// The counts of a row in the order of [`FailureColumns::TITLES`].
fn counts(row: &FunnelRow) -> [usize; FailureColumns::TITLES.len()] {
    let mut counts = [row.trajectories; FailureColumns::TITLES.len()];
    counts[1] = row.correct;
    counts[FailureColumns::PLAIN..].copy_from_slice(&row.failures);
    counts
}

fn reliability(name: String, found: &Reliability) -> Vec<String> {
    let figure =
        |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    let right = (found.steps > 0).then(|| format!("{:.1} %", 100.0 * found.right));
    let interval = found
        .auroc_interval
        .map_or_else(String::new, |[low, high]| format!("[{low:.2}, {high:.2}]"));
    vec![
        name,
        found.steps.to_string(),
        right.unwrap_or_else(|| "–".to_owned()),
        figure(found.brier),
        figure(found.ece),
        figure(found.auroc),
        interval,
    ]
}

fn mixture(name: String, found: &Histogram) -> Vec<String> {
    let steps: usize = found.counts.iter().sum();
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
