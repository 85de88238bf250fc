//! The what-if screen: the slider, what the run would have come to, the
//! frontier, and the trajectories of a band.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::app::tour::Part;
use crate::app::{Model, Pane, Slid};
use crate::cost::Unit;
use crate::eval::what_if::{Band, Changed, Outlook, WhatIf};
use crate::train::params::CostLedger;
use crate::tui::text::sanitize::sanitize;
use crate::tui::text::width;
use crate::tui::theme::Theme;
use crate::tui::widgets::{self, figures, frontier, glyph, paragraph};

use super::Drawn;
use super::problems::percent;

/// Columns around the name of a trajectory: its verdict, the step, who writes it
/// in place of whom, and what that comes to.
const BEHIND: usize = 38;
/// Columns of a list from which it is told at length, with a short name.
const AT_LENGTH: usize = BEHIND + 8;
/// Columns around the name where it is not.
const BEHIND_SHORT: usize = 26;
/// Columns from which the frontier stands beside the list, each with room for
/// all of it.
const BESIDE: u16 = 100;
/// Columns from which both are there, small, in windows that are neither wide nor
/// high.
const BOTH_SMALL: u16 = 72;
/// Columns of the frontier there.
const SMALL_FRONTIER: u16 = 34;
/// Rows from which the frontier stands above the list.
const STACKED: u16 = 20;
/// Rows of the slider, the bands and the figures; for an audience, in a window
/// from that height on, with space between them.
const TOP: u16 = 9;
const SPREAD_TOP: u16 = 12;
const SPREAD_FROM: u16 = 26;
/// Rows of those that can be pointed at.
const TOP_PARTS: [(Part, Range<usize>); 3] = [
    (Part::Slider, 0..1),
    (Part::Bands, 1..4),
    (Part::Figures, 5..9),
];
const SPREAD_PARTS: [(Part, Range<usize>); 3] = [
    (Part::Slider, 0..1),
    (Part::Bands, 2..5),
    (Part::Figures, 7..11),
];

/// Draws the screen's body.
pub fn draw(area: Rect, buffer: &mut Buffer, model: &Model, theme: &Theme) -> Drawn {
    let slid = &model.what_if;
    let head = model.survey.runs().get(slid.run() as usize);
    let own = head.and_then(|run| run.head.as_ref());
    let own = own.map_or("unknown", |head| head.router.spec.as_str());
    let title = match slid.spec() == own {
        true => format!("What if · {}", sanitize(own)),
        false => format!(
            "What if {} decided · run of {}",
            sanitize(slid.spec()),
            sanitize(own)
        ),
    };
    let inner = widgets::pane(area, buffer, theme, &theme.shown(&title), true);
    let mut drawn = Drawn {
        panes: vec![(Pane::Steps, area)],
        ..Drawn::default()
    };
    drawn.part(Part::WhatIf, area);
    let Some(what_if) = slid.what_if() else {
        let columns = usize::from(inner.width);
        let said = theme.shown(&slid.said);
        let said = paragraph(&said, columns, theme.style("warning"));
        widgets::lines(inner, buffer, &said);
        return drawn;
    };
    let painter = Painter {
        model,
        slid,
        what_if,
        theme,
        unit: model.survey.unit_of(slid.run()),
    };
    let is_spread = model.view.talk && inner.height >= SPREAD_FROM;
    let (rows, parts) = match is_spread {
        true => (SPREAD_TOP, SPREAD_PARTS),
        false => (TOP, TOP_PARTS),
    };
    let [top, rest] = Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(inner);
    let lines = painter.top(usize::from(inner.width), is_spread);
    widgets::lines(top, buffer, &lines);
    for (part, rows) in parts {
        drawn.rows(part, top, rows, 0);
    }
    let beside = match (inner.width, rest.height) {
        (BESIDE.., _) => Some(Constraint::Percentage(50)),
        (BOTH_SMALL.., 0..STACKED) => Some(Constraint::Length(SMALL_FRONTIER)),
        _ => None,
    };
    if let Some(beside) = beside {
        let [left, right] = Layout::horizontal([Constraint::Min(36), beside]).areas(rest);
        painter.list(left, buffer);
        painter.frontier(right, buffer);
        drawn.part(Part::Changed, left);
        drawn.part(Part::Frontier, right);
    } else if rest.height >= STACKED {
        let [above, below] =
            Layout::vertical([Constraint::Percentage(55), Constraint::Min(6)]).areas(rest);
        painter.frontier(above, buffer);
        painter.list(below, buffer);
        drawn.part(Part::Frontier, above);
        drawn.part(Part::Changed, below);
    } else {
        painter.list(rest, buffer);
        drawn.part(Part::Changed, rest);
    }
    drawn
}

struct Painter<'a> {
    model: &'a Model,
    slid: &'a Slid,
    what_if: &'a WhatIf,
    theme: &'a Theme,
    unit: Option<Unit>,
}

/// The sign and the role of a band.
fn of_band(band: Band) -> (&'static str, &'static str) {
    match band {
        Band::Unchanged => ("█", "verdict.correct"),
        Band::Branched => ("▓", "cost.published"),
        Band::Unknown => ("░", "warning"),
    }
}

impl Painter<'_> {
    fn top(&self, columns: usize, is_spread: bool) -> Vec<Line<'static>> {
        let space = || is_spread.then(Line::default);
        let mut lines = vec![self.slider(columns)];
        lines.extend(space());
        lines.extend([
            self.coverage(),
            self.bands(columns),
            self.legend(),
            Line::default(),
        ]);
        lines.extend(space());
        lines.extend(self.figures());
        lines
    }

    /// The range with the value and, as a notch, the logged one.
    fn slider(&self, columns: usize) -> Line<'static> {
        let slider = self.what_if.slider();
        let (low, high) = self.what_if.range();
        let head = format!("{} = {:<8}", slider.symbol, short(self.slid.value));
        let whose = if self.slid.own { "logged" } else { "asked" };
        let tail = format!(" {whose} {}", short(slider.value));
        let room = columns.saturating_sub(width::of(&head) + width::of(&tail) + 1);
        let place = |value: f64| {
            let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
            (share * room.saturating_sub(1) as f64).round() as usize
        };
        let (at, logged) = (place(self.slid.value), place(slider.value));
        let mut spans = vec![Span::styled(head, self.theme.style("emphasis"))];
        for column in 0..room {
            let (sign, role) = match column {
                column if column == at => ("●", "threshold"),
                column if column == logged && self.slid.own => ("┼", "emphasis"),
                column if column < at => ("━", "bar.fill"),
                _ => ("─", "bar.empty"),
            };
            spans.push(Span::styled(sign, self.theme.style(role)));
        }
        spans.push(Span::styled(tail, self.theme.style("dim")));
        Line::from(spans)
    }

    /// The bands by their shares.
    fn bands(&self, columns: usize) -> Line<'static> {
        let all = self.what_if.trajectories();
        let mut spans = Vec::new();
        let (mut counted, mut drawn) = (0, 0);
        for band in Band::ALL {
            let (sign, role) = of_band(band);
            counted += self.slid.now.count(band);
            // Borders are rounded, so that the widths sum to the whole.
            let to = (counted * columns + all / 2) / all.max(1);
            let text = sign.repeat(to.saturating_sub(drawn));
            drawn = drawn.max(to);
            spans.push(Span::styled(text, self.theme.style(role)));
        }
        Line::from(spans)
    }

    fn legend(&self) -> Line<'static> {
        let all = self.what_if.trajectories().max(1) as f64;
        let mut spans = Vec::new();
        for band in Band::ALL {
            let (sign, role) = of_band(band);
            let count = self.slid.now.count(band);
            let share = 100.0 * count as f64 / all;
            let style = match band == self.slid.listed() {
                true => self.theme.style("selection"),
                false => self.theme.style("text"),
            };
            spans.push(Span::styled(format!("{sign} "), self.theme.style(role)));
            let text = format!("{} {count} ({share:.0} %)", band.name());
            spans.push(Span::styled(text, style));
            spans.push(Span::raw("  "));
        }
        Line::from(spans)
    }

    fn coverage(&self) -> Line<'static> {
        let coverage = percent(Some(self.slid.now.coverage()));
        let all = self.what_if.trajectories();
        let again = match self.what_if.repeated() {
            0 => String::new(),
            repeated => format!("; {repeated} left out: the run was done again"),
        };
        let torn = match self.what_if.torn() {
            0 => String::new(),
            torn => format!("; {torn} lack steps"),
        };
        let text =
            format!("coverage {coverage} of {all} trajectories that came to an end{again}{torn}");
        Line::styled(text, self.theme.style("emphasis"))
    }

    /// Accuracy and cost, as logged and at the value.
    fn figures(&self) -> Vec<Line<'static>> {
        let (now, logged) = (&self.slid.now, &self.slid.logged);
        let row = |name: &str, logged: String, now: String, role: &str| {
            Line::from(vec![
                Span::styled(
                    width::pad(name, 22, width::Align::Left),
                    self.theme.style("dim"),
                ),
                Span::styled(
                    width::pad(&logged, 16, width::Align::Left),
                    self.theme.style("text"),
                ),
                Span::styled(now, self.theme.style(role)),
            ])
        };
        let symbol = self.what_if.slider().symbol;
        let at = format!("at {symbol} = {}", short(self.slid.value));
        vec![
            row("", "as logged".to_owned(), at, "emphasis"),
            row("accuracy, for certain", bounds(logged), bounds(now), "text"),
            row(
                "accuracy, estimated",
                String::new(),
                self.estimate(now),
                match now.is_mostly_guessed() {
                    true => "warning",
                    false => "text",
                },
            ),
            match self.what_if.ledger() {
                CostLedger::Published => row(
                    "published cost",
                    self.amount(logged.known_cost),
                    self.cost(now, logged),
                    "cost.published",
                ),
                CostLedger::Full => row(
                    "full cost of steps",
                    self.amount(logged.known_cost),
                    self.cost(now, logged),
                    "cost.full",
                ),
            },
        ]
    }

    fn estimate(&self, outlook: &Outlook) -> String {
        let Some(accuracy) = outlook.estimate.accuracy else {
            let unlike = outlook.estimate.unlike.ceil();
            return format!("none: {unlike} unlike anything logged");
        };
        let mut text = percent(Some(accuracy));
        if let Some([low, high]) = outlook.estimate.interval {
            text.push_str(&format!(" [{:.1}, {:.1}]", 100.0 * low, 100.0 * high));
        }
        if outlook.is_mostly_guessed() {
            text.push_str(", mostly guessed");
        }
        text
    }

    fn cost(&self, now: &Outlook, logged: &Outlook) -> String {
        let estimated = now.estimate.cost;
        if now.estimate.unlike > 0.0 {
            return "no estimate".to_owned();
        }
        if now.unpriced > 0 {
            let text = self.amount(estimated);
            return format!("{text} estimated, {} without a cost", now.unpriced);
        }
        if now.open <= 0.0 {
            return format!(
                "{}{}",
                self.amount(now.known_cost),
                change(now.known_cost, logged)
            );
        }
        format!(
            "{} estimated{}",
            self.amount(estimated),
            change(estimated, logged)
        )
    }

    fn amount(&self, cost: Option<f64>) -> String {
        figures::amount(cost, self.unit.as_ref())
    }

    fn frontier(&self, area: Rect, buffer: &mut Buffer) {
        let place = |outlook: &Outlook| outlook.estimate.cost.zip(outlook.estimate.accuracy);
        let points = self.slid.frontier.iter();
        let line: Vec<(f64, f64)> = points.filter_map(|(_, o)| place(o)).collect();
        let bound = |at: usize| {
            let points = self.slid.frontier.iter();
            let bounds = points.filter_map(move |(_, outlook)| {
                Some((outlook.estimate.cost?, outlook.bounds()?[at]))
            });
            bounds.collect()
        };
        let picture = frontier::Frontier {
            line,
            bounds: [bound(0), bound(1)],
            logged: place(&self.slid.logged),
            now: place(&self.slid.now),
            unit: self.unit.as_ref(),
        };
        frontier::draw(area, buffer, &picture, self.theme);
    }

    fn list(&self, area: Rect, buffer: &mut Buffer) {
        let band = self.slid.listed();
        let (all, listed) = (self.slid.now.count(band), self.slid.list.len());
        let title = match listed < all {
            true => format!("{} (the first {listed} of {all})", band.name()),
            false => format!("{} ({all})", band.name()),
        };
        let inner = widgets::pane(area, buffer, self.theme, &title, true);
        let height = usize::from(inner.height);
        let rows = self.slid.list.len();
        let talk = self.model.view.talk;
        let rows_of = widgets::Spread::of(talk, self.slid.cursor, rows, height);
        let shown = self.slid.list.iter().skip(rows_of.top).take(height);
        let columns = usize::from(inner.width);
        let lines = rows_of.lines(shown.map(|row| self.row(row, columns)));
        widgets::lines(inner, buffer, &lines);
        if rows > 0 {
            rows_of.mark(inner, buffer, self.theme);
            let row = rows_of.line(self.slid.cursor);
            widgets::select(inner, buffer, row, self.theme, true);
        } else {
            let text = "no trajectory; tab shows the next band";
            widgets::lines(
                inner,
                buffer,
                &[Line::styled(text, self.theme.style("dim"))],
            );
        }
    }

    /// A trajectory, what changes on it and what is known of what follows.
    fn row(&self, changed: &Changed, columns: usize) -> Line<'static> {
        let view = self.model.survey.view(changed.place);
        let (sign, _, role) = glyph::verdict(changed.verdict);
        let name = self.model.survey.name(view.trajectory().problem);
        let name = sanitize(&self.theme.shown(name)).replace('\n', " ");
        // A wide list has room for the word.
        let (behind, word) = match columns < AT_LENGTH {
            true => (BEHIND_SHORT, ""),
            false => (BEHIND, "step "),
        };
        let room = columns.saturating_sub(behind).clamp(8, 24);
        // Of ids that are cut their ends differ.
        let name = width::truncate_start(&name, room);
        let name = width::pad(&name, room, width::Align::Left);
        let mut spans = vec![
            Span::styled(format!("{sign} "), self.theme.style(role)),
            Span::styled(name, self.theme.style("text")),
        ];
        let models = view.models();
        if let (Some(step), Some(model)) = (changed.step, changed.model) {
            let at = usize::try_from(step)
                .unwrap_or(usize::MAX)
                .saturating_sub(1);
            let written = view.step(at).and_then(|step| view.writer(step));
            spans.push(Span::styled(
                format!(" {word}{step:<3} "),
                self.theme.style("dim"),
            ));
            spans.push(match written {
                Some(writer) => Span::styled(
                    glyph::model(written, models),
                    self.theme.model(writer, models),
                ),
                None => Span::raw("✎"),
            });
            spans.push(Span::styled("→", self.theme.style("dim")));
            spans.push(Span::styled(
                glyph::model(Some(model), models),
                self.theme.model(model, models),
            ));
            let (text, role) = self.becomes(changed, !word.is_empty());
            spans.push(Span::styled(format!("  {text}"), self.theme.style(role)));
        }
        Line::from(spans)
    }

    /// What a changed trajectory comes to, and how much of that is known: of
    /// which a part is, `at_length` or as a sign and a share.
    fn becomes(&self, changed: &Changed, at_length: bool) -> (String, &'static str) {
        match (changed.known, changed.correct) {
            (known, _) if known <= 0.0 => ("not known".to_owned(), "warning"),
            (_, None) => ("ungraded".to_owned(), "verdict.ungraded"),
            (known, Some(correct)) if known < 1.0 && !at_length => {
                let known = 100.0 * known;
                let sign = match correct {
                    1.0.. => "✓",
                    correct if correct <= 0.0 => "✗",
                    _ => "✓✗",
                };
                (format!("{sign} of {known:.0} %"), "warning")
            }
            (known, Some(correct)) => {
                let (text, role) = match correct {
                    correct if correct >= 1.0 => ("✓ correct".to_owned(), "verdict.correct"),
                    correct if correct <= 0.0 => ("✗ wrong".to_owned(), "verdict.wrong"),
                    correct => (format!("{} correct", percent(Some(correct))), "text"),
                };
                match known < 1.0 {
                    true => (format!("{text}, {:.0} % known", 100.0 * known), role),
                    false => (text, role),
                }
            }
        }
    }
}

/// The accuracy, or the bounds of it.
fn bounds(outlook: &Outlook) -> String {
    match outlook.bounds() {
        None => "nothing is graded".to_owned(),
        Some([low, high]) if high - low < 1e-9 => percent(Some(low)),
        Some([low, high]) => format!("{:.1} … {:.1} %", 100.0 * low, 100.0 * high),
    }
}

/// How much more or less it costs than what was logged.
fn change(cost: Option<f64>, logged: &Outlook) -> String {
    let both = cost
        .zip(logged.known_cost)
        .filter(|(_, logged)| *logged > 0.0);
    both.map_or_else(String::new, |(cost, logged)| {
        format!(" ({:+.1} %)", 100.0 * (cost / logged - 1.0))
    })
}

/// A value of the parameter in four figures or so.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 10.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}
