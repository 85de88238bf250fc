//! The pages of scores: what they tell, and how they are distributed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::eval::analysis::{Histogram, Reliability, Slice};
use crate::headless::figure;
use crate::tui::screens::Drawn;

use super::Painter;

impl Painter<'_> {
    pub(super) fn calibration(&self, area: Rect, buffer: &mut Buffer, drawn: &mut Drawn) {
        let (ask, target) = (self.found.ask, self.found.target);
        let area = self.asked(
            area,
            buffer,
            &[
                ("s", "score", ask.score.written()),
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
            ("95 %", 12),
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
            figure::reliability(&name(part), found, ask.score.written(), target.name())
        });
        self.list_and_figure(area, buffer, drawn, &headings, &rows, figure.as_ref());
    }

    pub(super) fn distribution(&self, area: Rect, buffer: &mut Buffer, drawn: &mut Drawn) {
        let score = self.found.ask.score.written();
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
