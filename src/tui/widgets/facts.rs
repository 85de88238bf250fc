//! What is known of a step itself: its tokens, time, end, what the router
//! observed of it, and every confidence measure.

use ratatui::text::Line;

use crate::session::Session;
use crate::trace::NodeIndex;
use crate::trace::import::told;
use crate::trace::record::{StepEnd, StepRecord};
use crate::tui::theme::Theme;

use super::decision::{field, heading, wrapped};
use super::figures;

/// What is known of the step itself.
pub fn lines(
    lines: &mut Vec<Line<'static>>,
    session: &Session,
    node: NodeIndex,
    room: usize,
    theme: &Theme,
) {
    let entry = session.tree().node(node);
    let step = &entry.step;
    lines.push(Line::default());
    heading(lines, &format!("Step {}", step.index), theme);
    let plain = theme.style("text");
    field(lines, "output", &figures::tokens(step), plain, theme);
    field(lines, "prompt", &prompt(step), plain, theme);
    field(lines, "time", &figures::took(step), plain, theme);
    field(lines, "end", &end(step), plain, theme);
    let continuation = format!("{:?}", step.continuation).to_lowercase();
    if continuation != "exact" {
        field(
            lines,
            "continued",
            &continuation,
            theme.style("warning"),
            theme,
        );
    }
    for (name, value) in observed(session, node) {
        field(lines, &name, &value, plain, theme);
    }
    measures(lines, step, theme);
    if step.confidence.fallback {
        wrapped(
            lines,
            "no math token: all tokens were used",
            room,
            theme,
            "dim",
        );
    }
    for attempt in &step.attempts {
        wrapped(
            lines,
            &format!("attempt: {}", attempt.failure),
            room,
            theme,
            "warning",
        );
    }
}

/// Every confidence measure, over math tokens and over all tokens.
fn measures(lines: &mut Vec<Line<'static>>, step: &StepRecord, theme: &Theme) {
    let measures = &step.confidence.measures;
    let names: Vec<&str> = measures
        .keys()
        .filter_map(|name| name.strip_suffix("_math"))
        .collect();
    if names.is_empty() {
        return;
    }
    let dim = theme.style("dim");
    lines.push(Line::styled(
        format!("{:<18}{:>8}{:>9}", "measure", "math", "all"),
        dim,
    ));
    for name in names {
        let value = |domain: &str| {
            let found = measures.get(format!("{name}_{domain}").as_str());
            found.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.3}"))
        };
        let text = format!("{name:<18}{:>8}{:>9}", value("math"), value("general"));
        lines.push(Line::styled(text, dim));
    }
}

/// The observation the router decided on, without what stands elsewhere.
fn observed(session: &Session, node: NodeIndex) -> Vec<(String, String)> {
    // A ruling on the draft after it was not made on this step.
    let decision = session.decision_after(Some(node));
    let decision = decision.filter(|decision| decision.draft.is_none());
    let features = decision.map(|d| &d.observation).into_iter().flatten();
    features
        .filter(|(name, _)| {
            !matches!(name.as_str(), "confidence" | "step" | "tokens")
                && !name.starts_with("writer_")
        })
        .map(|(name, value)| {
            let value = match value {
                None => "unknown".to_owned(),
                Some(value) if name == "has_answer" => {
                    (if *value > 0.0 { "yes" } else { "no" }).to_owned()
                }
                Some(value) => format!("{value}"),
            };
            (name.replace('_', " "), value)
        })
        .collect()
}

fn prompt(step: &StepRecord) -> String {
    let Some(read) = told::prompt_tokens(step) else {
        return "not known".to_owned();
    };
    let cached = match step.usage.cached {
        Some(cached) => format!("{cached} cached"),
        None => "? cached".to_owned(),
    };
    let written = match step.usage.cache_write {
        0 => String::new(),
        written => format!(", {written} written to the cache"),
    };
    format!("{read} tokens, {cached}{written}")
}

fn end(step: &StepRecord) -> String {
    let end = match step.end {
        StepEnd::Delimiter => "at the blank line",
        StepEnd::Eos => "end of sequence",
        StepEnd::Length => "cut at the token limit",
        StepEnd::Empty => "empty",
        StepEnd::Error => "not finished",
    };
    match &step.end_note {
        Some(note) => format!("{end} ({note})"),
        None => end.to_owned(),
    }
}
