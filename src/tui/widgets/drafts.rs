//! The parts of the decision card about drafts: who drafts the next step, and
//! how the one at the cursor came to stand.

use ratatui::text::Line;

use crate::session::Session;
use crate::trace::record::DecisionRecord;
use crate::tui::theme::Theme;

use super::decision::{chosen_line, field, heading, wrapped};
use super::steps::short_name;

/// Who drafts the next step, and how that draft fared.
pub fn next(
    lines: &mut Vec<Line<'static>>,
    session: &Session,
    ruling: &DecisionRecord,
    room: usize,
    theme: &Theme,
) {
    let settings = session.settings();
    let index = session
        .cursor()
        .map_or(1, |node| session.tree().node(node).step.index + 1);
    heading(lines, &format!("Step {index} is a draft"), theme);
    chosen_line(lines, session, ruling, None, theme);
    let draft = ruling
        .draft
        .as_deref()
        .and_then(|id| session.tree().find(id));
    let draft = draft.map(|draft| &session.tree().node(draft).step);
    let drafted = draft.map_or("?", |step| step.model.as_str());
    let drafted = short_name(drafted, settings, 16, theme);
    let text = match draft.is_some_and(|step| step.kept) {
        true => format!("{drafted} drafted it, and the draft stood"),
        false => format!("{drafted} drafted it, and the draft was rejected"),
    };
    wrapped(lines, &text, room, theme, "text");
    wrapped(lines, &ruling.reason, room, theme, "dim");
}

/// How the step at the cursor came to stand, where the rule looked at a draft.
pub fn ruling(
    lines: &mut Vec<Line<'static>>,
    session: &Session,
    ruling: &DecisionRecord,
    room: usize,
    theme: &Theme,
) {
    lines.push(Line::default());
    let settings = session.settings();
    let draft = ruling
        .draft
        .as_deref()
        .and_then(|id| session.tree().find(id));
    let kept = draft.is_some_and(|draft| session.tree().node(draft).step.kept);
    let writer = draft.map(|draft| session.tree().node(draft).step.model.clone());
    let writer = short_name(writer.as_deref().unwrap_or("?"), settings, 16, theme);
    let step = session
        .cursor()
        .map_or(1, |node| session.tree().node(node).step.index);
    let text = match kept {
        true => format!("Step {step}: the draft stands"),
        false => format!(
            "Step {step}: draft of {writer} rejected, {} wrote again",
            short_name(&ruling.action, settings, 16, theme)
        ),
    };
    wrapped(lines, &text, room, theme, "emphasis");
    wrapped(lines, &ruling.reason, room, theme, "dim");
    for (name, value) in &ruling.observation {
        if let Some(scorer) = name.strip_suffix("_score") {
            let value = value.map_or_else(|| "none".to_owned(), |value| format!("{value:.3}"));
            field(
                lines,
                &format!("{scorer} score"),
                &value,
                theme.style("text"),
                theme,
            );
        }
    }
}
