//! Two runs over the problems that both have: figures with their intervals,
//! and the problems, flipped outcomes first.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::app::{Model, RunPair};
use crate::cost::Unit;
use crate::eval::compare::runs::{left_out, test_in_words, verdict, with_interval};
use crate::eval::compare::{Case, Flip, Gap};
use crate::eval::figures::Tally;
use crate::train::report::Bounded;
use crate::tui::text::sanitize::sanitize_line;
use crate::tui::text::width;
use crate::tui::theme::Theme;
use crate::tui::widgets::columns::{Column, headings};
use crate::tui::widgets::{self, figures, glyph, paragraph};

use super::super::problems::percent;

/// Most lines of what is to be known beforehand, where the window is low.
const CAUTIONS: usize = 3;
/// Columns of a window from which everything is shown.
const WIDE: u16 = 110;
/// Columns of the verdicts.
const SIGNS: usize = 8;

/// Draws the runs.
pub fn draw(area: Rect, buffer: &mut Buffer, model: &Model, runs: &RunPair, theme: &Theme) {
    let title = match model.compare.only_differences {
        true => "Compare runs · only flipped outcomes",
        false => "Compare runs",
    };
    let inner = widgets::pane(area, buffer, theme, title, true);
    let painter = Painter { model, runs, theme };
    let top = painter.top(usize::from(inner.width), usize::from(inner.height));
    let height = u16::try_from(top.len()).unwrap_or(u16::MAX);
    let [above, list] =
        Layout::vertical([Constraint::Length(height), Constraint::Min(0)]).areas(inner);
    widgets::lines(above, buffer, &top);
    painter.list(list, buffer);
}

struct Painter<'a> {
    model: &'a Model,
    runs: &'a RunPair,
    theme: &'a Theme,
}

impl Painter<'_> {
    fn unit(&self) -> Option<&Unit> {
        self.runs.between.unit.as_ref()
    }

    fn top(&self, columns: usize, height: usize) -> Vec<Line<'static>> {
        let mut lines = vec![self.side(0), self.side(1)];
        lines.extend(self.cautions(columns, height));
        lines.extend(self.figures(columns));
        lines.push(self.flips());
        let left_out = left_out(&self.runs.between);
        if !left_out.is_empty() {
            lines.push(Line::styled(left_out, self.theme.style("warning")));
        }
        lines.push(Line::default());
        lines
    }

    fn side(&self, side: usize) -> Line<'static> {
        let runs = &self.runs.between.runs[side];
        let survey = &self.model.survey;
        let of = |run: &u32| survey.runs().get(*run as usize);
        let first = runs.first().and_then(of);
        let head = first.and_then(|run| run.head.as_deref());
        let spec = head.map_or("unknown", |head| head.router.spec.as_str());
        let id = first.map_or("", |run| survey.name(run.id));
        let mut text = format!(" · run {id}");
        if let Some(head) = head {
            text.push_str(&format!(", seed {}", head.seed));
        }
        if runs.len() > 1 {
            text.push_str(&format!(", {} shards", runs.len()));
        }
        Line::from(vec![
            Span::styled([" a ", " b "][side], self.theme.style("emphasis")),
            Span::styled(self.line(spec), self.theme.style("text")),
            Span::styled(self.line(&text), self.theme.style("dim")),
        ])
    }

    /// A text of the log on one line, as whoever looks may see it.
    fn line(&self, text: &str) -> String {
        sanitize_line(&self.theme.shown(text)).into_owned()
    }

    /// What makes them hard to compare; in a low window not all of it.
    fn cautions(&self, columns: usize, height: usize) -> Vec<Line<'static>> {
        let style = self.theme.style("warning");
        let all = self.runs.between.cautions.iter();
        let mut lines: Vec<Line<'static>> = all
            .flat_map(|text| {
                let text = self.theme.shown(text);
                paragraph(&format!("! {text}"), columns, style)
            })
            .collect();
        if height < 30 && lines.len() > CAUTIONS {
            let more = lines.len() - (CAUTIONS - 1);
            lines.truncate(CAUTIONS - 1);
            let text = format!("! {more} lines more: a higher window shows them");
            lines.push(Line::styled(text, style));
        }
        lines
    }

    fn figures(&self, columns: usize) -> Vec<Line<'static>> {
        let gap = match &self.runs.gap {
            None => return self.said("computing the intervals …", "busy"),
            Some(Err(why)) => return self.said(why, "warning"),
            Some(Ok(gap)) => gap,
        };
        let row = |name: &str, cells: [String; 3], role: &str| {
            // An interval of costs takes what an 80-column window has left.
            let room = if columns < 84 { 11 } else { 14 };
            let cell = |text: &str| width::pad(text, room, width::Align::Right);
            Line::from(vec![
                Span::styled(
                    width::pad(name, 16, width::Align::Left),
                    self.theme.style("dim"),
                ),
                Span::styled(cell(&cells[0]), self.theme.style("text")),
                Span::styled(cell(&cells[1]), self.theme.style("text")),
                Span::styled(format!("  {}", cells[2]), self.theme.style(role)),
            ])
        };
        let heads = ["a".to_owned(), "b".to_owned(), "b less a [95 %]".to_owned()];
        let mut lines = vec![row("", heads, "dim")];
        lines.extend(rows(gap, self.unit()).into_iter().map(|(name, cells)| {
            let role = match name {
                "published cost" => "cost.published",
                "full cost" => "cost.full",
                _ => "emphasis",
            };
            row(name, cells, role)
        }));
        let test = test_in_words(&gap.paired);
        lines.extend(paragraph(&test, columns, self.theme.style("text")));
        lines
    }

    fn said(&self, text: &str, role: &str) -> Vec<Line<'static>> {
        vec![Line::styled(self.line(text), self.theme.style(role))]
    }

    fn flips(&self) -> Line<'static> {
        let between = &self.runs.between;
        let kinds = [
            (Flip::Lost, "✓→✗", "verdict.wrong"),
            (Flip::Gained, "✗→✓", "verdict.correct"),
            (Flip::BothWrong, "✗✗", "dim"),
            (Flip::Level, "even", "dim"),
            (Flip::BothRight, "✓✓", "dim"),
            (Flip::Ungraded, "?", "verdict.ungraded"),
        ];
        let mut spans = Vec::new();
        for (flip, sign, role) in kinds {
            let count = between.count(flip);
            if count > 0 || flip.is_flipped() {
                let text = format!("{sign} {count}   ");
                spans.push(Span::styled(text, self.theme.style(role)));
            }
        }
        if between.has_repeats() {
            let text = "repeats of a problem are one problem";
            spans.push(Span::styled(text, self.theme.style("dim")));
        }
        Line::from(spans)
    }

    fn list(&self, area: Rect, buffer: &mut Buffer) {
        if area.height < 2 {
            return;
        }
        let columns = columns(area.width);
        let mut heading = headings(&columns, None, self.theme);
        heading.spans.insert(0, Span::raw(" ".repeat(SIGNS)));
        widgets::lines(area, buffer, &[heading]);
        let rows = Rect {
            y: area.y + 1,
            height: area.height - 1,
            ..area
        };
        let listed = &self.runs.listed;
        if listed.is_empty() {
            let text = "no outcome is flipped; d shows everything";
            let line = Line::styled(text, self.theme.style("dim"));
            return widgets::lines(rows, buffer, &[line]);
        }
        let height = usize::from(rows.height);
        let talk = self.model.view.talk;
        let rows_of = widgets::Spread::of(talk, self.runs.cursor, listed.len(), height);
        let shown = listed.iter().skip(rows_of.top).take(height);
        let shown = shown.map(|&at| self.row(&self.runs.between.cases[at], &columns));
        widgets::lines(rows, buffer, &rows_of.lines(shown));
        rows_of.mark(rows, buffer, self.theme);
        let row = rows_of.line(self.runs.cursor);
        widgets::select(rows, buffer, row, self.theme, true);
    }

    fn row(&self, case: &Case, columns: &[Column]) -> Line<'static> {
        let mut spans = vec![
            self.verdict(&case.tallies[0]),
            Span::styled("→", self.theme.style("dim")),
            self.verdict(&case.tallies[1]),
        ];
        let used: usize = spans.iter().map(|span| width::of(&span.content)).sum();
        spans.push(Span::raw(" ".repeat(SIGNS.saturating_sub(used))));
        for column in columns {
            let role = match column.name {
                "problem" => "text",
                "cost a" | "cost b" | "b less a" => "cost.published",
                _ => "dim",
            };
            spans.extend(column.cell(&self.cell(case, column.name), self.theme.style(role)));
        }
        Line::from(spans)
    }

    /// The sign of a verdict; of repeats that differ how many are right.
    fn verdict(&self, tally: &Tally) -> Span<'static> {
        match verdict(tally) {
            Some(verdict) => {
                let (sign, _, role) = glyph::verdict(verdict);
                Span::styled(sign, self.theme.style(role))
            }
            None => {
                let text = format!("{}/{}", tally.right, tally.graded);
                Span::styled(text, self.theme.style("text"))
            }
        }
    }

    fn cell(&self, case: &Case, column: &str) -> String {
        let published = |side: usize| {
            let tally = &case.tallies[side];
            Some(tally.published / tally.trajectories).filter(|cost| cost.is_finite())
        };
        let share = |side: usize| {
            let known = case.steps[side] > 0.0;
            percent(known.then(|| case.large[side] / case.steps[side]))
        };
        let amount = |side: usize| figures::amount(published(side), self.unit());
        match column {
            "problem" => self.line(self.model.survey.name(case.problem)),
            "steps" => format!("{} → {}", case.steps[0], case.steps[1]),
            "large a" => share(0),
            "large b" => share(1),
            "cost a" => amount(0),
            "cost b" => amount(1),
            _ => match published(0).zip(published(1)) {
                Some((first, second)) => signed(second - first, self.unit()),
                None => String::new(),
            },
        }
    }
}

fn columns(width: u16) -> Vec<Column> {
    let mut columns = vec![
        Column::left("problem", if width >= WIDE { 24 } else { 16 }),
        Column::right("steps", 8),
        Column::right("large a", 7),
        Column::right("large b", 7),
    ];
    if width >= WIDE {
        columns.push(Column::right("cost a", 12));
        columns.push(Column::right("cost b", 12));
    }
    columns.push(Column::right("b less a", 13));
    columns
}

/// The figures by name: of the first, of the second, and the difference.
fn rows(gap: &Gap, unit: Option<&Unit>) -> Vec<(&'static str, [String; 3])> {
    let [first, second] = &gap.means;
    let points =
        |bounded: Option<Bounded>| with_interval(bounded, |value| format!("{:+.1}", 100.0 * value));
    let costs = |bounded| with_interval(bounded, |value| signed(value, unit));
    let known = |value: f64| value.is_finite().then_some(value);
    let amount = |value: f64| figures::amount(known(value), unit);
    let share = |value: f64| percent(known(value));
    vec![
        (
            "accuracy",
            [
                share(first.accuracy),
                share(second.accuracy),
                points(gap.paired.accuracy),
            ],
        ),
        (
            "published cost",
            [
                amount(first.published),
                amount(second.published),
                costs(gap.paired.published),
            ],
        ),
        (
            "full cost",
            [
                amount(first.full),
                amount(second.full),
                costs(gap.paired.full),
            ],
        ),
        (
            "steps",
            [
                format!("{:.2}", first.steps),
                format!("{:.2}", second.steps),
                with_interval(gap.steps, |value| format!("{value:+.2}")),
            ],
        ),
        (
            "share of large",
            [
                share(first.large_share),
                share(second.large_share),
                points(gap.large_share),
            ],
        ),
    ]
}

/// An amount with its sign.
fn signed(value: f64, unit: Option<&Unit>) -> String {
    let sign = if value > 0.0 { "+" } else { "" };
    format!("{sign}{}", figures::amount(Some(value), unit))
}
