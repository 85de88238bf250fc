//! The page of decision surfaces: what each rule of the panel does over
//! confidence × step index, and where the steps of the log lie on it.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::Model;
use crate::router::{Grid, Router, Surface};
use crate::signal::observation::Observation;
use crate::survey::{Survey, Trajectory};
use crate::tui::text::sanitize::sanitize_line;
use crate::tui::theme::Theme;
use crate::tui::widgets::{self, glyph};

/// π of the most capable model in five shades.
const SHADES: [&str; 5] = ["·", "░", "▒", "▓", "█"];
/// Columns for the names of the rows.
const NAMES: u16 = 9;
/// Steps of a log beyond this are not looked at: nobody sees the difference.
const MOST: usize = 50_000;

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
    let logged = logged(&model.survey, router.as_ref());
    // A little beyond the longest trajectory.
    let longest = logged.iter().map(|&(step, _)| step).max().unwrap_or(1) + 2;
    let rows = area.height.saturating_sub(3).min(20);
    let rows = rows.min(u16::try_from(longest).unwrap_or(u16::MAX));
    let columns = area.width.saturating_sub(NAMES).min(100) / 2;
    if rows < 2 || columns < 8 {
        return;
    }
    let Some((low, high)) = range(&logged) else {
        let text = "no step of the log has the confidence that this rule reads";
        return widgets::lines(area, buffer, &[Line::styled(text, theme.style("dim"))]);
    };
    let grid = Grid {
        confidences: (0..columns)
            .map(|column| low + (high - low) * (f64::from(column) + 0.5) / f64::from(columns))
            .collect(),
        steps: (1..=u32::from(rows)).collect(),
    };
    let like = Observation {
        confidence: None,
        index: 1,
        difficulty: session.problem().difficulty,
        has_answer: false,
        tokens: None,
        writer: Some(0),
        models,
    };
    let Some(surface) = Surface::of(router.as_ref(), &grid, &like) else {
        let text = "this rule rules on drafts or reads the question: it has no such surface";
        return widgets::lines(area, buffer, &[Line::styled(text, theme.style("dim"))]);
    };
    let mut counts = vec![vec![0_usize; usize::from(columns)]; usize::from(rows)];
    for &(step, u) in &logged {
        let share = (u - low) / (high - low);
        let column = ((share * f64::from(columns)) as usize).min(usize::from(columns) - 1);
        if let Some(row) = counts.get_mut(step as usize - 1) {
            row[column] += 1;
        }
    }
    let mut lines = Vec::new();
    for ((cells, counts), step) in surface.cells.iter().zip(&counts).zip(&grid.steps) {
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
    let (left, right) = (number(low), number(high));
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
    let text = format!("over {signal}, after a step by the cheapest model; + steps of the log");
    legend.push(Span::styled(text, theme.style("dim")));
    lines.push(Line::from(legend));
    widgets::lines(area, buffer, &lines);
}

/// Step indices and confidences of the log, as the rule reads them.
fn logged(survey: &Survey, router: &dyn Router) -> Vec<(u32, f64)> {
    let signal = router.signal();
    let steps = survey.trajectories().iter().flat_map(Trajectory::steps);
    let measured = steps.take(MOST).filter(|step| step.index > 0);
    measured
        .filter_map(|step| {
            let u = step.measure(signal).filter(|u| u.is_finite())?;
            Some((step.index, u))
        })
        .collect()
}

/// The range of confidences; `None` where there is none.
fn range(logged: &[(u32, f64)]) -> Option<(f64, f64)> {
    let start = (f64::INFINITY, f64::NEG_INFINITY);
    let (low, high) = logged
        .iter()
        .fold(start, |(low, high), &(_, u)| (low.min(u), high.max(u)));
    (low.is_finite() && high > low).then_some((low, high))
}
