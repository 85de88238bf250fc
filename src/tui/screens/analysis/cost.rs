//! The page of costs: the full ledger taken apart.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::eval::analysis::Costs;
use crate::tui::text::width::{self, Align};
use crate::tui::widgets::{self, bar, figures};

use super::Painter;

impl Painter<'_> {
    pub(super) fn cost(&self, area: Rect, buffer: &mut Buffer) {
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
