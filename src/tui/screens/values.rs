//! The screen of values: step by step what each model would have led to, what
//! the choice lost, and which overrides would have saved the trajectory.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::tour::Part;
use crate::app::{Model, Pane};
use crate::cost::Unit;
use crate::eval::regret::{Grove, Line as Path, Standing};
use crate::headless::show::{Remarks, remarks};
use crate::session::Session;
use crate::tui::text::sanitize::sanitize_line;
use crate::tui::text::width::Align;
use crate::tui::theme::Theme;
use crate::tui::widgets::columns::cell;
use crate::tui::widgets::steps::short_name;
use crate::tui::widgets::{self, bar, figures, glyph, paragraph, regret};

use super::Drawn;

/// Cells of the bar of V.
const BAR: usize = 10;
/// Columns of V with its bar.
const STANDING: usize = BAR + 11;
/// Columns of a window from which intervals are shown.
const WITH_INTERVALS: u16 = 116;
/// Columns of a regret with its interval, as wide as any is.
const REGRET: usize = 31;

/// Draws the screen's body.
pub fn draw(area: Rect, buffer: &mut Buffer, model: &Model, theme: &Theme) -> Drawn {
    let title = match model.entries.get(model.current) {
        Some(entry) => format!("Values · {}", sanitize_line(&theme.shown(&entry.problem))),
        None => "Values".to_owned(),
    };
    let inner = widgets::pane(area, buffer, theme, &title, true);
    let mut drawn = Drawn {
        panes: vec![(Pane::Steps, area)],
        ..Drawn::default()
    };
    drawn.part(Part::Values, area);
    let found = model.session().zip(model.valued_line());
    let Some((session, (grove, line))) = found else {
        let text = match model.session() {
            None => "The trajectory is not open yet.",
            Some(_) => {
                "The log holds what one model wrote here and nothing beside it. What another \
                 would have led to is in a forest (`pointsman explore`), in runs of other routers \
                 over the same problems with the same pool and sampling, on branches that you \
                 make (o, r), or in rollouts from a step (Q)."
            }
        };
        let lines = paragraph(text, usize::from(inner.width), theme.style("dim"));
        widgets::lines(inner, buffer, &lines);
        return drawn;
    };
    let painter = Painter {
        model,
        session,
        grove,
        line: &line,
        theme,
        unit: session.settings().ledger.unit(),
    };
    painter.paint(inner, buffer, &mut drawn);
    drawn
}

struct Painter<'a> {
    model: &'a Model,
    session: &'a Session,
    grove: &'a Grove,
    line: &'a Path,
    theme: &'a Theme,
    unit: Option<&'a Unit>,
}

impl Painter<'_> {
    fn paint(&self, inner: Rect, buffer: &mut Buffer, drawn: &mut Drawn) {
        let profile = self.grove.profile(self.line);
        let mut top = self.remarks(&profile, usize::from(inner.width));
        // The steps give way last.
        top.truncate(usize::from(inner.height.saturating_sub(6)));
        let rows = u16::try_from(top.len()).unwrap_or(u16::MAX);
        widgets::lines(inner, buffer, &top);
        let table = Rect {
            y: inner.y + rows,
            height: inner.height.saturating_sub(rows),
            ..inner
        };
        if table.height < 2 {
            return;
        }
        widgets::lines(table, buffer, &[self.headings(table.width)]);
        let body = Rect {
            y: table.y + 1,
            height: table.height - 1,
            ..table
        };
        let height = usize::from(body.height);
        let at = self.place();
        let talk = self.model.view.talk;
        let rows_of = widgets::Spread::of(talk, at, profile.len(), height);
        let shown = profile.iter().enumerate().skip(rows_of.top).take(height);
        let shown = shown.map(|(after, standing)| self.row(after, standing.as_ref(), table.width));
        widgets::lines(body, buffer, &rows_of.lines(shown));
        rows_of.mark(body, buffer, self.theme);
        let row = rows_of.line(at);
        widgets::select(body, buffer, row, self.theme, true);
        drawn.rows(Part::ValuesRow, body, row..row + 1, 0);
    }

    /// The row of the cursor.
    fn place(&self) -> usize {
        let path = self.session.followed_path();
        let cursor = self.session.cursor();
        let place = cursor.and_then(|cursor| path.iter().position(|&node| node == cursor));
        place.map_or(0, |place| (place + 1).min(self.line.path.len()))
    }

    /// What there is to say of the whole trajectory.
    fn remarks(&self, profile: &[Option<Standing>], columns: usize) -> Vec<Line<'static>> {
        let Remarks {
            alone,
            lost,
            overrides,
        } = remarks(
            self.grove,
            self.line,
            profile,
            &|model| self.name(model),
            &|cost| figures::amount(cost, self.unit),
        );
        let mut lines = Vec::new();
        if let Some(verdict) = self.line.verdict {
            let (sign, word, role) = glyph::verdict(verdict);
            lines.push(Line::styled(
                format!("{sign} {word}"),
                self.theme.style(role),
            ));
        }
        for (text, role) in [(overrides, "emphasis"), (lost, "text"), (alone, "dim")] {
            let text = self.theme.shown(&text);
            lines.extend(paragraph(&text, columns, self.theme.style(role)));
        }
        let worth = match self.model.values.worth {
            Some(_) => figures::amount(self.model.values.worth, self.unit),
            None => "more than any cost".to_owned(),
        };
        lines.push(Line::from(vec![
            Span::styled("a right answer is worth ", self.theme.style("dim")),
            Span::styled(worth, self.theme.style("threshold")),
            Span::styled("  $", self.theme.style("key")),
            Span::styled(" sets it", self.theme.style("hint")),
        ]));
        lines.push(Line::default());
        lines
    }

    fn name(&self, model: usize) -> String {
        let settings = self.session.settings();
        let sign = glyph::model(Some(model), settings.models());
        format!(
            "{sign} {}",
            short_name(&settings.model_name(model), settings, 16, self.theme)
        )
    }

    fn headings(&self, columns: u16) -> Line<'static> {
        let dim = self.theme.style("dim");
        let wide = columns >= WITH_INTERVALS;
        let mut spans = Vec::new();
        spans.extend(cell("step", 4, Align::Right, dim));
        spans.extend(cell("", 1, Align::Left, dim));
        spans.extend(cell("right after it", STANDING, Align::Left, dim));

        if wide {
            spans.extend(cell("95 %", 10, Align::Left, dim));
        }
        for model in 0..self.session.settings().models() {
            spans.extend(cell(&self.name(model), 12, Align::Left, dim));
        }
        let regret = if wide { REGRET } else { 11 };
        spans.extend(cell("regret", regret, Align::Left, dim));
        spans.extend(cell("flips at", 11, Align::Left, dim));
        Line::from(spans)
    }

    fn row(&self, after: usize, standing: Option<&Standing>, columns: u16) -> Line<'static> {
        let theme = self.theme;
        let wide = columns >= WITH_INTERVALS;
        let models = self.session.settings().models();
        let writer = after.checked_sub(1).map(|at| self.line.writers[at]);
        let (sign, style) = match writer {
            None => ("", theme.style("dim")),
            Some(writer) => (
                glyph::model(writer, models),
                theme.model(writer.unwrap_or(0), models),
            ),
        };
        let number = match after {
            0 => "?".to_owned(),
            _ => after.to_string(),
        };
        let mut spans = Vec::new();
        spans.extend(cell(&number, 4, Align::Right, theme.style("text")));
        spans.extend(cell(sign, 1, Align::Left, style));

        match standing {
            Some(standing) => {
                spans.extend(bar::filled(
                    standing.right,
                    BAR,
                    theme.style("bar.fill"),
                    theme,
                ));
                let of = match standing.draws {
                    0 => String::new(),
                    draws => format!(" of {draws}"),
                };
                let text = format!("{:>4.0} %{of}", 100.0 * standing.right);
                spans.extend(cell(
                    &text,
                    STANDING - BAR,
                    Align::Left,
                    theme.style("text"),
                ));
            }
            None => spans.extend(cell("not known", STANDING, Align::Left, theme.style("dim"))),
        }
        if wide {
            let text = standing.filter(|known| known.draws > 0).map(|known| {
                let [low, high] = known.interval.map(|end| 100.0 * end);
                format!("[{low:.0}, {high:.0}]")
            });
            spans.extend(cell(
                &text.unwrap_or_default(),
                10,
                Align::Left,
                theme.style("dim"),
            ));
        }
        let choice = self.grove.choice(self.line, after);
        for (model, action) in choice.actions.iter().enumerate() {
            let taken = choice.taken == Some(model);
            let role = match (action, taken) {
                (_, true) => "emphasis",
                (Some(_), false) => "text",
                (None, false) => "dim",
            };
            let text = action
                .as_ref()
                .map_or_else(|| "–".to_owned(), regret::right);
            let mark = if taken { "→" } else { " " };
            spans.extend(cell(
                &format!("{mark}{text}"),
                12,
                Align::Left,
                theme.style(role),
            ));
        }
        if let Some(lost) = choice.regret(self.model.values.worth) {
            let text = match wide {
                true => regret::told(&lost),
                false => format!("{:.0} points", 100.0 * lost.value()),
            };
            let noise = if lost.is_noise() { "~" } else { " " };
            let style = theme.style(regret::role(&lost));
            let room = if wide { REGRET } else { 11 };
            spans.extend(cell(&format!("{noise}{text}"), room, Align::Left, style));
            let flips = lost.flips_at;
            let text =
                flips.map_or_else(String::new, |worth| figures::amount(Some(worth), self.unit));
            spans.extend(cell(&text, 11, Align::Left, theme.style("threshold")));
        }
        Line::from(spans)
    }
}
