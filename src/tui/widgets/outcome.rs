//! How a trajectory ended: verdict, answers, what graded it, why it was cut.

use ratatui::text::{Line, Span};

use crate::model::scorer::grader::is_llm;
use crate::problem::answer::Verdict;
use crate::trace::record::{OutcomeRecord, TrajectoryEnd};
use crate::tui::text::math;
use crate::tui::text::sanitize::sanitize;
use crate::tui::theme::Theme;

use super::decision::{field, wrapped};
use super::figures::counted;
use super::glyph;

/// The rows of an outcome, at the end of a card.
pub fn lines(lines: &mut Vec<Line<'static>>, outcome: &OutcomeRecord, room: usize, theme: &Theme) {
    let (sign, word, role) = glyph::verdict(outcome.verdict);
    lines.push(Line::from(vec![
        Span::styled(format!("{sign} {word}"), theme.style(role)),
        Span::styled(
            format!("  after {}", counted(outcome.steps, "step")),
            theme.style("dim"),
        ),
    ]));
    for (name, text, role) in [
        ("answer", &outcome.answer, "math.box"),
        ("gold", &outcome.gold, "text"),
    ] {
        wrapped(
            lines,
            &format!("{name:<12} {}", readable(text)),
            room,
            theme,
            role,
        );
    }
    field(lines, "rule", &outcome.rule, theme.style("dim"), theme);
    if is_llm(&outcome.grader) {
        field(lines, "grader", &outcome.grader, theme.style("dim"), theme);
    }
    let reason = outcome.reason.as_deref().or(outcome.error.as_deref());
    if let Some(reason) = reason {
        // A model's verdict has a reason too, which warns of nothing.
        let role = match outcome.verdict {
            Verdict::Ungraded => "warning",
            _ if outcome.error.is_some() => "warning",
            _ => "dim",
        };
        wrapped(lines, reason, room, theme, role);
    }
    if let Some(again) = &outcome.regraded {
        let (_, was, _) = glyph::verdict(again.replaces.verdict);
        let text = format!("graded again, was {was} by {}", again.replaces.grader);
        wrapped(lines, &text, room, theme, "dim");
    }
    let cut = match outcome.end {
        TrajectoryEnd::Finished => return,
        TrajectoryEnd::StepCap => "truncated: the step cap was reached",
        TrajectoryEnd::Repetition => "truncated: the model repeats itself",
        TrajectoryEnd::Empty => "truncated: no model had anything to add",
        TrajectoryEnd::Context => "truncated: the context is full",
        TrajectoryEnd::Error => "ended by an endpoint's failure",
    };
    wrapped(lines, cut, room, theme, "warning");
}

/// An answer as mathematics is read.
fn readable(answer: &Option<String>) -> String {
    match answer {
        Some(answer) => math::readable_text(&sanitize(answer)).replace('\n', " "),
        None => "none".to_owned(),
    }
}
