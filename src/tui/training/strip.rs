//! The cases of constrained policy optimisation over the iterations.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::training::Training;
use crate::train::record::Iteration;
use crate::tui::theme::Theme;

/// Glyph, role and name of each case, 0 to 4, then of no step at all. The
/// glyphs tell them apart without colours.
const CASES: [(&str, &str, &str); 6] = [
    ("▼", "error", "0 recover"),
    ("▁", "warning", "1 violated"),
    ("▄", "step.small", "2 bound"),
    ("▆", "success", "3 inside"),
    ("█", "success", "4 free"),
    ("·", "dim", "none"),
];

/// Rows that [`draw`] fills.
pub const ROWS: u16 = 3;

fn place(one: &Iteration) -> usize {
    one.policy
        .dual
        .map_or(CASES.len() - 1, |dual| dual.case as usize)
}

/// Draws the most frequent case of each stretch of iterations, a row for steps
/// that the line search took back, and what the glyphs mean.
pub fn draw(area: Rect, buffer: &mut Buffer, screen: &Training, theme: &Theme) {
    let Some(log) = &screen.log else {
        return;
    };
    const NAMES: u16 = 10;
    let columns = area.width.saturating_sub(NAMES + 1);
    if columns == 0 || area.height < ROWS {
        return;
    }
    let dim = theme.style("dim");
    buffer.set_string(area.x, area.y, "CPO case", dim);
    buffer.set_string(area.x, area.y + 1, "rejected", dim);
    let all = log.head.params.iterations.max(1);
    let from = |column: u16| (u64::from(column) * u64::from(all) / u64::from(columns)) as u32;
    for column in 0..columns {
        let (start, end) = (from(column), from(column + 1).max(from(column) + 1));
        let mut counts = [0_usize; CASES.len()];
        let mut rejected = 0;
        for (_, one) in log.iterations.range(start..end) {
            counts[place(one)] += 1;
            rejected += usize::from(!one.policy.accepted);
        }
        let most = (0..counts.len()).max_by_key(|&case| counts[case]);
        let Some(case) = most.filter(|&case| counts[case] > 0) else {
            continue;
        };
        let (glyph, role, _) = CASES[case];
        let x = area.x + NAMES + column;
        buffer.set_string(x, area.y, glyph, theme.style(role));
        if rejected > 0 {
            buffer.set_string(x, area.y + 1, "×", theme.style("warning"));
        }
        if screen.cursor.is_some_and(|at| (start..end).contains(&at)) {
            buffer.set_style(Rect::new(x, area.y, 1, 2), theme.style("selection"));
        }
    }
    let mut spans = Vec::new();
    for (glyph, role, name) in CASES {
        spans.push(Span::styled(glyph, theme.style(role)));
        spans.push(Span::styled(format!(" {name}  "), dim));
    }
    let line = Line::from(spans);
    buffer.set_line(area.x + NAMES, area.y + 2, &line, columns);
}
