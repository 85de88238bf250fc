//! Why the policy decided so: the margin taken apart, and what would have
//! turned it.

use ratatui::text::{Line, Span};

use crate::policy::Explanation;
use crate::session::Session;
use crate::trace::NodeIndex;
use crate::tui::text::width::{self, Align};
use crate::tui::theme::Theme;

use super::decision::{heading, wrapped};
use super::steps::short_name;

/// Columns of a feature's name.
const NAME: usize = 11;
/// Parts below this are not worth a row.
const LEAST: f64 = 0.0005;

/// Appends the explanation of what a policy makes of the step at a node:
/// nothing where no policy can be asked.
pub fn lines(
    lines: &mut Vec<Line<'static>>,
    session: &Session,
    node: NodeIndex,
    room: usize,
    theme: &Theme,
) {
    let settings = session.settings();
    let Some((policy, found)) = session.explanation(node, &settings.panel) else {
        return;
    };
    lines.push(Line::default());
    heading(lines, &format!("Why `{policy}` decides so"), theme);
    let margin = format!(
        "{:+.3}: π(large) {:.3}, κ {:.3}",
        found.margin(),
        found.large,
        found.kappa
    );
    said(lines, "margin", &margin, room, theme, "text");
    parts(lines, &found, room, theme);
    match &found.flip {
        Some(flip) => {
            let model = short_name(&settings.model_name(flip.action), settings, 14, theme);
            let text = format!(
                "{} {} instead of {}: {model}",
                flip.feature,
                number(flip.to),
                number(flip.from)
            );
            said(lines, "flips at", &text, room, theme, "threshold");
        }
        None => {
            let text = "no change of one feature within four standard deviations turns it";
            wrapped(lines, text, room, theme, "dim");
        }
    }
    let (text, role) = match found.strange() {
        Some(strange) => (
            format!(
                "{:.1} sd: {} is {:+.1} sd from the training's mean",
                found.distance, strange.feature, strange.deviation
            ),
            "warning",
        ),
        None => (
            format!("{:.1} sd from the training's mean", found.distance),
            "dim",
        ),
    };
    said(lines, "distance", &text, room, theme, role);
}

/// A name and what is said of it, over as many lines as that takes.
fn said(
    lines: &mut Vec<Line<'static>>,
    name: &str,
    text: &str,
    room: usize,
    theme: &Theme,
    role: &str,
) {
    wrapped(lines, &format!("{name:<12} {text}"), room, theme, role);
}

/// What each feature adds to π(large), as bars from the middle.
fn parts(lines: &mut Vec<Line<'static>>, found: &Explanation, room: usize, theme: &Theme) {
    let half = room.saturating_sub(NAME + 18).clamp(4, 24) / 2;
    let most = found
        .features
        .iter()
        .map(|of| of.gradient.abs())
        .fold(LEAST, f64::max);
    let dim = theme.style("dim");
    lines.push(Line::styled(
        format!(
            "{:NAME$} {:width$} {:>7}{:>8}",
            "adds",
            "",
            "",
            "without",
            width = 2 * half + 1
        ),
        dim,
    ));
    for of in &found.features {
        if of.gradient.abs() < LEAST && of.without.abs() < LEAST {
            continue;
        }
        let cells = (of.gradient.abs() / most * half as f64).round() as usize;
        let cells = cells.min(half);
        let (left, right) = match of.gradient < 0.0 {
            true => (cells, 0),
            false => (0, cells),
        };
        let role = match of.gradient < 0.0 {
            true => "step.small",
            false => "step.large",
        };
        let bar = format!(
            "{}{}│{}{}",
            " ".repeat(half - left),
            "━".repeat(left),
            "━".repeat(right),
            " ".repeat(half - right)
        );
        let name = width::truncate(&of.feature, NAME).into_owned();
        lines.push(Line::from(vec![
            Span::styled(
                format!("{} ", width::pad(&name, NAME, Align::Left)),
                theme.style("text"),
            ),
            Span::styled(bar, theme.style(role)),
            Span::styled(format!(" {:+.3}", of.gradient), theme.style(role)),
            Span::styled(format!(" {:+.3}", of.without), dim),
        ]));
    }
}

/// A value of a feature in as many digits as anybody reads.
fn number(value: f64) -> String {
    match value.fract() == 0.0 {
        true => format!("{value}"),
        false => format!("{value:.3}"),
    }
}
