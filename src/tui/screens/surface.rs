//! The page of decision surfaces: what each rule of the panel does over
//! confidence × step index, and where the steps of the log lie on it.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::Model;
use crate::eval::analysis::rules::{Frame, Laid};
use crate::router::Router;
use crate::tui::text::sanitize::sanitize_line;
use crate::tui::theme::Theme;
use crate::tui::widgets::{self, glyph};

/// π of the most capable model in five shades.
const SHADES: [&str; 5] = ["·", "░", "▒", "▓", "█"];
/// Columns for the names of the rows.
const NAMES: u16 = 9;

/// Draws the surface of the rule in `row` of the panel.
pub fn draw(area: Rect, buffer: &mut Buffer, model: &Model, row: usize, theme: &Theme) {
    let Some(session) = model.session() else {
        let text = Line::styled("the trajectory is not open yet", theme.style("dim"));
        return widgets::lines(area, buffer, &[text]);
    };
    let panel = &session.settings().panel;
    let rules: Vec<(String, &Arc<dyn Router>)> = panel
        .rules()
        .map(|(spec, router)| (spec.to_string(), router))
        .collect();
    let models = session.settings().models();
    let names = rules.iter().enumerate().flat_map(|(at, (spec, _))| {
        let role = if at == row { "selection" } else { "dim" };
        let name = sanitize_line(&theme.shown(spec)).into_owned();
        [
            Span::styled(format!(" {name} "), theme.style(role)),
            Span::raw(" "),
        ]
    });
    let tabs = Line::from(names.collect::<Vec<_>>());
    widgets::lines(area, buffer, &[tabs]);
    let area = Rect {
        y: area.y + 2,
        height: area.height.saturating_sub(2),
        ..area
    };
    let Some((_, router)) = rules.get(row) else {
        let text = Line::styled("no rule can be asked here", theme.style("dim"));
        return widgets::lines(area, buffer, &[text]);
    };
    let rows = area.height.saturating_sub(3).min(20);
    let columns = area.width.saturating_sub(NAMES).min(100) / 2;
    if rows < 2 || columns < 8 {
        return;
    }
    let frame = Frame {
        columns: usize::from(columns),
        rows: usize::from(rows),
        models,
        difficulty: session.problem().difficulty,
    };
    let laid = match Laid::of(model.survey.trajectories(), router.as_ref(), &frame) {
        Ok(laid) => laid,
        Err(why) => {
            let text = Line::styled(why.to_string(), theme.style("dim"));
            return widgets::lines(area, buffer, &[text]);
        }
    };
    let mut lines = Vec::new();
    let rows = laid.surface.cells.iter().zip(&laid.counts);
    for ((cells, counts), step) in rows.zip(&laid.grid.steps) {
        let mut spans = vec![Span::styled(format!("step {step:<3} "), theme.style("dim"))];
        for (cell, &count) in cells.iter().zip(counts) {
            let shade = match cell.large {
                Some(pi) => SHADES[((pi * 5.0) as usize).min(SHADES.len() - 1)],
                None => glyph::model(Some(cell.action), models),
            };
            let mark = if count > 0 { "+" } else { shade };
            let style = theme.model(cell.action, models);
            spans.push(Span::styled(shade, style));
            spans.push(Span::styled(mark, style));
        }
        lines.push(Line::from(spans));
    }
    let number = |value: f64| format!("{value:.2}");
    let room = usize::from(columns) * 2;
    let (left, right) = (number(laid.range.0), number(laid.range.1));
    let gap = room.saturating_sub(left.len() + right.len());
    let blanks = usize::from(NAMES);
    lines.push(Line::styled(
        format!("{:blanks$}{left}{}{right}", "", " ".repeat(gap)),
        theme.style("dim"),
    ));
    let mut legend = vec![Span::styled(format!("{:blanks$}", ""), theme.style("dim"))];
    for place in 0..models {
        let name = session.settings().model_name(place);
        let name = widgets::steps::short_name(&name, session.settings(), 16, theme);
        legend.push(Span::styled(
            format!("{} {name}  ", glyph::model(Some(place), models)),
            theme.model(place, models),
        ));
    }
    let signal = router.signal();
    lines.push(Line::from(legend));
    let text = format!("over {signal}, after a step by the cheapest model; + steps of the log");
    let told = usize::from(area.width.saturating_sub(NAMES));
    for mut line in widgets::paragraph(&text, told, theme.style("dim")) {
        line.spans.insert(0, Span::raw(" ".repeat(blanks)));
        lines.push(line);
    }
    widgets::lines(area, buffer, &lines);
}
