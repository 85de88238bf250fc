//! Two trajectories side by side, or one above the other.

use std::rc::Rc;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::app::{Item, Model, Pair, Slot};
use crate::eval::compare::{Alike, Row};
use crate::session::Session;
use crate::trace::record::{CostFacts, StepRecord};
use crate::tui::text::sanitize::sanitize_line;
use crate::tui::text::width;
use crate::tui::theme::Theme;
use crate::tui::widgets::difference::{Cache, Key, Text, Texts};
use crate::tui::widgets::{self, figures, glyph, paragraph, transcript};

use super::super::Drawn;

/// Columns of the body from which the sides stand beside each other.
const BESIDE: u16 = 96;
/// Columns left of a text: the bar of the cursor.
const MARGIN: u16 = 2;
/// Columns between the sides: the sign of the row.
const GAP: u16 = 3;
/// Rows above the steps.
const TOP: u16 = 4;
/// The sides as they are called.
const NAMES: [&str; 2] = ["a", "b"];

/// Draws the pair; of the position only the last line that can be scrolled off
/// the row of the cursor counts.
pub fn draw(
    area: Rect,
    buffer: &mut Buffer,
    model: &Model,
    pair: &Pair,
    theme: &Theme,
    cache: &mut Cache,
) -> Drawn {
    let inner = widgets::pane(area, buffer, theme, &theme.shown(&title(model, pair)), true);
    let mut drawn = Drawn::default();
    let sessions = pair.sides.each_ref().map(|side| session(model, side.entry));
    let [Some(first), Some(second)] = sessions else {
        said(inner, buffer, pair, theme);
        return drawn;
    };
    if !pair.said.is_empty() {
        said(inner, buffer, pair, theme);
        return drawn;
    }
    let [top, body] = Layout::vertical([Constraint::Length(TOP), Constraint::Min(0)]).areas(inner);
    let mut painter = Painter {
        model,
        pair,
        sessions: [first, second],
        theme,
        cache,
        beside: body.width >= BESIDE,
        area: body,
    };
    widgets::lines(top, buffer, &painter.top());
    drawn.text = painter.body(buffer);
    drawn
}

fn session(model: &Model, entry: usize) -> Option<&Session> {
    match model.slots.get(entry) {
        Some(Slot::Open(session)) => Some(session),
        _ => None,
    }
}

fn said(area: Rect, buffer: &mut Buffer, pair: &Pair, theme: &Theme) {
    let columns = usize::from(area.width);
    let lines = paragraph(&theme.shown(&pair.said), columns, theme.style("warning"));
    widgets::lines(area, buffer, &lines);
}

/// The problem, or both where there are two.
fn title(model: &Model, pair: &Pair) -> String {
    let problem = |side: usize| {
        let entry = model.entries.get(pair.sides[side].entry);
        entry.map_or_else(String::new, |entry| {
            sanitize_line(&entry.problem).into_owned()
        })
    };
    let mut title = match (problem(0), problem(1)) {
        (first, second) if first == second => format!("Compare · {first}"),
        (first, second) => format!("Compare · {first} and {second}, different problems"),
    };
    if model.compare.only_differences {
        title.push_str(" · only differences");
    }
    title
}

struct Painter<'a, 'c> {
    model: &'a Model,
    pair: &'a Pair,
    sessions: [&'a Session; 2],
    theme: &'a Theme,
    cache: &'c mut Cache,
    /// Whether the sides stand beside each other.
    beside: bool,
    area: Rect,
}

/// The sign between two steps, and its role.
fn sign(row: &Row) -> (&'static str, &'static str) {
    match row.alike {
        Alike::Same if row.same_writer => ("=", "dim"),
        Alike::Same => ("=", "warning"),
        Alike::Respelled => ("≈", "diff.respelled"),
        Alike::Changed => ("~", "warning"),
        Alike::Unlike => ("≠", "warning"),
        Alike::Left => ("<", "diff.removed"),
        Alike::Right => (">", "diff.added"),
    }
}

impl Painter<'_, '_> {
    /// Both sides with what they came to, and where they part.
    fn top(&self) -> Vec<Line<'static>> {
        vec![
            self.side(0),
            self.side(1),
            self.divergence(),
            Line::default(),
        ]
    }

    fn side(&self, side: usize) -> Line<'static> {
        let session = self.sessions[side];
        let head = &session.settings().run;
        let path = &self.pair.sides[side].path;
        let leaf = path.last().copied();
        let outcome = match leaf {
            Some(leaf) => session.tree().node(leaf).outcome(),
            None => session.tree().root_outcomes().last(),
        };
        let role = match side == self.pair.side {
            true => "selection",
            false => "text",
        };
        let (sign, word, verdict) = outcome.map_or(("·", "not ended", "dim"), |outcome| {
            glyph::verdict(outcome.verdict)
        });
        let cost = outcome.map_or_else(
            || session.cost_to(leaf).facts(),
            |outcome| outcome.cost.clone(),
        );
        let steps = figures::counted(u32::try_from(path.len()).unwrap_or(u32::MAX), "step");
        vec![
            Span::styled(format!(" {} ", NAMES[side]), self.theme.style(role)),
            Span::styled(
                width::pad(&format!(" {sign} {word}"), 11, width::Align::Left),
                self.theme.style(verdict),
            ),
            Span::styled(format!(" {steps:<10} "), self.theme.style("text")),
            Span::styled(
                self.published(side, &cost),
                self.theme.style("cost.published"),
            ),
            Span::styled(self.full(side, &cost), self.theme.style("cost.full")),
            Span::styled(
                format!(" {}", self.line(&head.router.spec)),
                self.theme.style("emphasis"),
            ),
            Span::styled(
                format!(" · run {}", self.line(&head.run)),
                self.theme.style("dim"),
            ),
        ]
        .into()
    }

    /// A text of the log on one line, as whoever looks may see it.
    fn line(&self, text: &str) -> String {
        sanitize_line(&self.theme.shown(text)).into_owned()
    }

    fn published(&self, side: usize, cost: &CostFacts) -> String {
        let unit = self.sessions[side].settings().ledger.unit();
        format!("{:<13}", figures::amount(cost.published, unit))
    }

    fn full(&self, side: usize, cost: &CostFacts) -> String {
        let unit = self.sessions[side].settings().ledger.unit();
        let bound = if cost.upper_bound { "≤ " } else { "" };
        let amount = figures::amount(cost.full, unit);
        format!("{:<20}", format!("full {bound}{amount}"))
    }

    /// Where they part, and how many rows there are of each kind.
    fn divergence(&self) -> Line<'static> {
        let alignment = &self.pair.alignment;
        let counts = alignment.counts();
        let first = alignment.first_divergence().map(|at| alignment.rows[at]);
        let text = first.map_or_else(|| "no difference".to_owned(), |row| told(&row));
        let kinds = [
            (counts.same, "same"),
            (counts.respelled, "written differently"),
            (counts.changed, "changed"),
            (counts.unlike, "unlike"),
            (counts.only_left, "only in a"),
            (counts.only_right, "only in b"),
            (counts.other_writer, "by another model"),
        ];
        let kinds: Vec<String> = kinds
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        Line::from(vec![
            Span::styled(format!(" {text}"), self.theme.style("emphasis")),
            Span::styled(format!("  {}", kinds.join(", ")), self.theme.style("dim")),
        ])
    }

    /// Draws the rows around the cursor: only those that are seen are wrapped.
    fn body(&mut self, buffer: &mut Buffer) -> transcript::Position {
        let height = usize::from(self.area.height);
        let rows = self.pair.items.len();
        if rows == 0 || height == 0 {
            return transcript::Position::default();
        }
        let cursor = self.pair.cursor.min(rows - 1);
        let own = self.height(cursor);
        let last = own.saturating_sub(height);
        let scroll = self.pair.scroll.min(last);
        let (start, offset) = match own > height {
            true => (cursor, -(scroll as isize)),
            false => self.start(cursor, own, height),
        };
        let mut y = offset;
        let mut at = start;
        while at < rows && y < height as isize {
            let block = self.height(at);
            self.item(at, y, buffer);
            y += block as isize;
            at += 1;
        }
        transcript::Position { top: scroll, last }
    }

    /// The first item that is drawn and its line, so that the one of the cursor
    /// is seen whole with something of what stands before it, and nothing is
    /// left empty below.
    fn start(&mut self, cursor: usize, own: usize, height: usize) -> (usize, isize) {
        let mut below = own;
        let mut at = cursor + 1;
        while below < height && at < self.pair.items.len() {
            below += self.height(at);
            at += 1;
        }
        let room = (height / 3)
            .max(height.saturating_sub(below))
            .min(height - own);
        let (mut start, mut above) = (cursor, 0);
        while above < room && start > 0 {
            start -= 1;
            above += self.height(start);
        }
        // The first one is cut where it does not fit.
        (start, room.min(above) as isize - above as isize)
    }

    /// Columns of a text.
    fn columns(&self) -> u16 {
        let side = match self.beside {
            true => self.area.width.saturating_sub(GAP) / 2,
            false => self.area.width,
        };
        side.saturating_sub(MARGIN + 1).max(1)
    }

    fn step(&self, side: usize, row: &Row) -> Option<&StepRecord> {
        let node = *self.pair.sides[side].path.get(row.step(side)?)?;
        Some(&self.sessions[side].tree().node(node).step)
    }

    fn texts(&mut self, at: usize) -> Rc<Texts> {
        let row = self.pair.alignment.rows[at];
        let key = Key {
            serial: self.pair.serial,
            row: at,
            columns: self.columns(),
            source: self.model.view.source,
            theme: self.theme.name().to_owned(),
        };
        let compared = matches!(row.alike, Alike::Respelled | Alike::Changed);
        let (pair, sessions) = (self.pair, self.sessions);
        let text = |side: usize| {
            let node = *pair.sides[side].path.get(row.step(side)?)?;
            Some(sessions[side].tree().node(node).step.text.as_str())
        };
        self.cache
            .texts(key, [text(0), text(1)], compared, self.theme)
    }

    /// Lines of an item, the empty one behind it included.
    fn height(&mut self, item: usize) -> usize {
        let Some(&Item::Row(at)) = self.pair.items.get(item) else {
            return 2;
        };
        let row = self.pair.alignment.rows[at];
        let texts = self.texts(at);
        let lines = texts.sides.each_ref().map(|text| text.lines.len());
        let by_line = usize::from(texts.by_line);
        1 + by_line
            + match (self.beside, row.alike) {
                (true, _) => 1 + lines[0].max(lines[1]),
                // The same text is shown once, below both heads.
                (false, Alike::Same) => 1 + usize::from(!row.same_writer) + lines[0],
                (false, Alike::Left) => 1 + lines[0],
                (false, Alike::Right) => 1 + lines[1],
                (false, _) => 2 + lines[0] + lines[1],
            }
    }

    fn item(&mut self, item: usize, y: isize, buffer: &mut Buffer) {
        let is_cursor = item == self.pair.cursor;
        let mut canvas = Canvas { area: self.area, y };
        match self.pair.items[item] {
            Item::Fold { rows, .. } => {
                let steps = figures::counted(u32::try_from(rows).unwrap_or(u32::MAX), "step");
                let role = if is_cursor { "emphasis" } else { "dim" };
                let text = format!("{}┄┄ {steps} the same ┄┄", bar(is_cursor));
                let line = Line::styled(text, self.theme.style(role));
                canvas.line(buffer, 0, self.area.width, &line);
            }
            Item::Row(at) => {
                let row = self.pair.alignment.rows[at];
                let texts = self.texts(at);
                match self.beside {
                    true => self.beside(&mut canvas, &row, &texts, is_cursor, buffer),
                    false => self.stacked(&mut canvas, &row, &texts, is_cursor, buffer),
                }
                if texts.by_line {
                    let text = "  too long for words: compared line by line";
                    let line = Line::styled(text, self.theme.style("warning"));
                    canvas.line(buffer, 0, self.area.width, &line);
                }
            }
        }
    }

    fn head(&self, side: usize, row: &Row) -> Option<Line<'static>> {
        let step = self.step(side, row)?;
        Some(transcript::head(self.sessions[side], step, self.theme))
    }

    /// Both sides beside each other.
    fn beside(
        &self,
        canvas: &mut Canvas,
        row: &Row,
        texts: &Texts,
        is_cursor: bool,
        buffer: &mut Buffer,
    ) {
        let half = self.area.width.saturating_sub(GAP) / 2;
        let starts = [0, half + GAP];
        let (sign, role) = sign(row);
        let middle = Line::styled(sign, self.theme.style(role));
        canvas.at(buffer, half + 1, 1, &middle);
        let most = texts.sides.iter().map(|text| text.lines.len()).max();
        for line in 0..=most.unwrap_or(0) {
            for side in [0, 1] {
                let x = starts[side];
                let shown = match line {
                    0 => self.head(side, row),
                    line => self.text(&texts.sides[side], line - 1),
                };
                let Some(shown) = shown else { continue };
                if is_cursor && side == self.pair.side {
                    canvas.at(buffer, x, 1, &self.cursor_bar());
                }
                canvas.at(buffer, x + MARGIN, half.saturating_sub(MARGIN), &shown);
            }
            canvas.y += 1;
        }
    }

    /// One side below the other; the same text once.
    fn stacked(
        &self,
        canvas: &mut Canvas,
        row: &Row,
        texts: &Texts,
        is_cursor: bool,
        buffer: &mut Buffer,
    ) {
        let same = row.alike == Alike::Same;
        let one = same && row.same_writer;
        let heads: &[usize] = if one { &[0] } else { &[0, 1] };
        // The sign of the row stands before its first head.
        let mut sign = Some(sign(row));
        for &side in heads {
            let Some(head) = self.head(side, row) else {
                continue;
            };
            let (mark, role) = sign.take().unwrap_or((" ", "dim"));
            let own = is_cursor && side == self.pair.side;
            let name = if one { " " } else { NAMES[side] };
            let name_role = if own && !one { "selection" } else { "emphasis" };
            let mut line = Line::from(vec![
                Span::styled(format!("{mark} "), self.theme.style(role)),
                Span::styled(name, self.theme.style(name_role)),
                Span::raw(" "),
            ]);
            line.spans.extend(head.spans);
            self.stacked_line(canvas, is_cursor, &line, buffer);
            if !same {
                self.stacked_text(canvas, is_cursor, &texts.sides[side], buffer);
            }
        }
        if same {
            self.stacked_text(canvas, is_cursor, &texts.sides[0], buffer);
        }
    }

    fn stacked_text(&self, canvas: &mut Canvas, is_cursor: bool, text: &Text, buffer: &mut Buffer) {
        for at in 0..text.lines.len() {
            let line = self.text(text, at).unwrap_or_default();
            self.stacked_line(canvas, is_cursor, &line, buffer);
        }
    }

    fn stacked_line(
        &self,
        canvas: &mut Canvas,
        is_cursor: bool,
        line: &Line<'static>,
        buffer: &mut Buffer,
    ) {
        if is_cursor {
            canvas.at(buffer, 0, 1, &self.cursor_bar());
        }
        canvas.line(buffer, MARGIN, self.area.width.saturating_sub(MARGIN), line);
    }

    fn cursor_bar(&self) -> Line<'static> {
        Line::styled("▌", self.theme.style("emphasis"))
    }

    /// A line of a text with what differs marked.
    fn text(&self, text: &Text, at: usize) -> Option<Line<'static>> {
        let line = text.lines.get(at)?;
        Some(line.to_line(|byte| text.shade(byte, self.theme)))
    }
}

/// Where a row differs first, in words.
fn told(row: &Row) -> String {
    let step = |at: Option<usize>| at.map_or(0, |at| at + 1);
    let place = match (row.left, row.right) {
        (Some(_), Some(_)) if row.left == row.right => format!("step {}", step(row.left)),
        (Some(_), Some(_)) => format!("step {} of a, {} of b", step(row.left), step(row.right)),
        (Some(_), None) => format!("step {} of a", step(row.left)),
        _ => format!("step {} of b", step(row.right)),
    };
    let how = match row.alike {
        Alike::Same => "the same text by another model",
        Alike::Respelled => "the same, written differently",
        Alike::Changed | Alike::Unlike if !row.same_writer => "another text by another model",
        Alike::Changed => "a changed text",
        Alike::Unlike => "another text",
        Alike::Left => "b has none",
        Alike::Right => "a has none",
    };
    format!("first difference at {place}: {how}")
}

fn bar(is_cursor: bool) -> &'static str {
    if is_cursor { "▌ " } else { "  " }
}

/// A place that lines are drawn at, as far as they are inside of it.
struct Canvas {
    area: Rect,
    /// The next line; above the area where it is negative.
    y: isize,
}

impl Canvas {
    /// Draws a line at a column and stays there.
    fn at(&self, buffer: &mut Buffer, x: u16, columns: u16, line: &Line<'_>) {
        let inside = u16::try_from(self.y).ok();
        let Some(y) = inside.filter(|y| *y < self.area.height) else {
            return;
        };
        let columns = columns.min(self.area.width.saturating_sub(x));
        buffer.set_line(self.area.x + x, self.area.y + y, line, columns);
    }

    /// Draws a line and goes to the next one.
    fn line(&mut self, buffer: &mut Buffer, x: u16, columns: u16, line: &Line<'_>) {
        self.at(buffer, x, columns, line);
        self.y += 1;
    }
}
