//! The table of runs.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::tour::Part;
use crate::app::{Model, Pane, RunRow};
use crate::tui::text::sanitize::sanitize;
use crate::tui::text::width;
use crate::tui::theme::Theme;
use crate::tui::widgets::columns::{Column, headings};
use crate::tui::widgets::{self, figures};

use super::Drawn;
use super::problems::percent;

/// Columns of a window from which everything is shown.
const WIDE: u16 = 118;

/// Draws the screen's body.
pub fn draw(area: Rect, buffer: &mut Buffer, model: &Model, theme: &Theme) -> Drawn {
    let count = model.runs.rows.len();
    let mut title = format!("Runs ({count})");
    if let Some((read, size)) = model.reading {
        let percent = read.saturating_mul(100) / size.max(1);
        title.push_str(&format!(", {percent} % read"));
    }
    let inner = widgets::pane(area, buffer, theme, &title, true);
    let mut drawn = Drawn {
        panes: vec![(Pane::Steps, area)],
        ..Drawn::default()
    };
    drawn.part(Part::Runs, area);
    if inner.height < 3 {
        return drawn;
    }
    let columns = columns(inner.width);
    widgets::lines(inner, buffer, &[headings(&columns, None, theme)]);
    let rows = Rect {
        y: inner.y + 1,
        height: inner.height - 2,
        ..inner
    };
    let height = usize::from(rows.height);
    let rows_of = widgets::Spread::of(model.view.talk, model.runs.cursor, count, height);
    let shown = model.runs.rows.iter().skip(rows_of.top).take(height);
    let lines = rows_of.lines(shown.map(|row| line(row, &columns, model, theme)));
    widgets::lines(rows, buffer, &lines);
    if count > 0 {
        rows_of.mark(rows, buffer, theme);
        let row = rows_of.line(model.runs.cursor);
        widgets::select(rows, buffer, row, theme, true);
        drawn.rows(Part::RunsRow, rows, row..row + 1, 0);
    }
    let bottom = Rect {
        y: inner.bottom() - 1,
        height: 1,
        ..inner
    };
    let about = about(model);
    let about = theme.shown(&about);
    let about = width::truncate(&about, usize::from(inner.width)).into_owned();
    widgets::lines(bottom, buffer, &[Line::styled(about, theme.style("dim"))]);
    drawn
}

fn columns(width: u16) -> Vec<Column> {
    let wide = width >= WIDE;
    let mut columns = vec![
        Column::left("router", if wide { 26 } else { 18 }),
        Column::right("problems", 8),
        Column::right("correct", 7),
        Column::right("95 %", 13),
        Column::right("large", 7),
        Column::right("cost", 11),
    ];
    if wide {
        columns.extend([
            Column::right("full cost", 11),
            Column::right("ungraded", 8),
            Column::right("truncated", 9),
            Column::right("overrides", 9),
        ]);
    } else {
        columns.push(Column::right("?", 4));
    }
    columns
}

fn line(row: &RunRow, columns: &[Column], model: &Model, theme: &Theme) -> Line<'static> {
    let tally = &row.tally;
    let unit = model.survey.unit_of(row.run);
    let spans = columns.iter().flat_map(|column| {
        let (text, role) = match column.name {
            "router" => (spec(row, column.width, model, theme), "text"),
            // Of those that came to an end the rest is counted.
            "problems" if tally.unfinished() > 0 => {
                let ended = tally.trajectories - tally.unfinished();
                (format!("{ended}/{}", tally.trajectories), "text")
            }
            "problems" => (tally.trajectories.to_string(), "text"),
            "correct" => (percent(tally.accuracy()), "verdict.correct"),
            "95 %" => {
                let interval = tally.interval();
                let text = interval.map_or_else(String::new, |[low, high]| {
                    format!("[{:.1}, {:.1}]", 100.0 * low, 100.0 * high)
                });
                (text, "dim")
            }
            "large" => (percent(tally.large_share()), "text"),
            "cost" => {
                let text = figures::amount(tally.published(), unit.as_ref());
                (text, "cost.published")
            }
            "full cost" => (figures::amount(tally.full(), unit.as_ref()), "cost.full"),
            "ungraded" | "?" => (tally.ungraded.to_string(), "verdict.ungraded"),
            "truncated" => (tally.truncated.to_string(), "dim"),
            _ => (tally.overrides.to_string(), "dim"),
        };
        column.cell(&text, theme.style(role))
    });
    Line::from(spans.collect::<Vec<Span<'static>>>())
}

/// The router of a run, and which shard it is of those that share it.
fn spec(row: &RunRow, columns: usize, model: &Model, theme: &Theme) -> String {
    let run = model.survey.runs().get(row.run as usize);
    let head = run.and_then(|run| run.head.as_ref());
    let spec = head.map_or("(its head is lost)", |head| head.router.spec.as_str());
    let shown = theme.shown(spec);
    let spec = sanitize(&shown);
    let mark = match model.compare.marked_runs.contains(&row.run) {
        true => "◆ ",
        false => "",
    };
    let shard = head.and_then(|head| head.shard);
    let shard = shard.map_or_else(String::new, |shard| format!(" {shard}"));
    let room = columns.saturating_sub(width::of(mark) + width::of(&shard));
    format!("{mark}{}{shard}", width::truncate(&spec, room))
}

/// Facts of the run under the cursor.
fn about(model: &Model) -> String {
    let row = model.runs.rows.get(model.runs.cursor);
    let run = row.and_then(|row| model.survey.runs().get(row.run as usize));
    let Some(run) = run else {
        return String::new();
    };
    let id = model.survey.name(run.id);
    let again = match row.map_or(0, |row| row.superseded) {
        0 => String::new(),
        superseded => format!("{superseded} of it done again by the same run later · "),
    };
    let Some(head) = &run.head else {
        return sanitize(&format!("{again}run {id}")).replace('\n', " ");
    };
    let pool: Vec<&str> = head.pool.iter().map(|model| model.name.as_str()).collect();
    let text = format!(
        "{again}run {id} · {} {} · seed {}{} · {}",
        head.command,
        head.started,
        head.seed,
        head.shard
            .map_or_else(String::new, |shard| format!(", shard {shard}")),
        pool.join(", ")
    );
    sanitize(&text).replace('\n', " ")
}
