//! The decision card: what the router saw after a step, what it thought of
//! it, and who writes the next one.

use std::ops::Range;

use ratatui::text::{Line, Span};

use crate::app::Model;
use crate::app::tour::Part;
use crate::session::{Phase, Session};
use crate::trace::record::{DecisionRecord, QUERY, StepRecord};
use crate::tui::text::sanitize::sanitize;
use crate::tui::text::width::{self, Align};
use crate::tui::theme::Theme;

use super::explanation;
use super::panel;
use super::regret;
use super::steps::short_name;
use super::{bar, drafts, facts, figures, glyph, outcome, paragraph};

/// Routers that rule on drafts, as the log names them.
const RSD: &str = "rsd";
const SPEC_REASON: &str = "specreason";

/// The parts of a card that can be pointed at, by their rows.
type Parts = Vec<(Part, Range<usize>)>;

/// The card for the step at the cursor, wrapped to `columns`, and where its
/// parts stand in it.
pub fn card_with_parts(
    model: &Model,
    session: &Session,
    columns: u16,
    theme: &Theme,
) -> (Vec<Line<'static>>, Parts) {
    let room = usize::from(columns).max(12);
    let cursor = session.cursor();
    let mut lines = Vec::new();
    let mut parts = Parts::new();
    if let Phase::Failed { message, .. } = session.phase() {
        failure(&mut lines, message, room, theme);
    }
    if let Some(outcome) = session.outcome() {
        let from = lines.len();
        outcome::lines(&mut lines, outcome, room, theme);
        parts.push((Part::Outcome, from..lines.len()));
    } else {
        match session.decision_after(cursor) {
            Some(ruling) if ruling.draft.is_some() => {
                drafts::next(&mut lines, session, ruling, room, theme);
            }
            Some(decision) => {
                decision_lines(&mut lines, &mut parts, session, decision, room, theme);
            }
            None => first_step(&mut lines, session, room, theme),
        }
    }
    if let Some(ruling) = cursor.and_then(|node| session.ruling_on(node)) {
        drafts::ruling(&mut lines, session, ruling, room, theme);
    }
    rollout(&mut lines, session, room, theme);
    regret::lines(&mut lines, model, session, room, theme);
    if let Some(node) = cursor {
        let from = lines.len();
        // Where it ends there is nothing for a router to decide.
        if session.outcome().is_none() {
            panel::lines(&mut lines, session, node, room, theme);
            parts.push((Part::Routers, after_blank(&lines, from)));
        }
        explanation::lines(&mut lines, session, node, room, theme);
        let from = lines.len();
        facts::lines(&mut lines, session, node, room, theme);
        parts.push((Part::Measures, after_blank(&lines, from)));
    }
    (lines, parts)
}

/// Says so where the path on screen is a rollout.
fn rollout(lines: &mut Vec<Line<'static>>, session: &Session, room: usize, theme: &Theme) {
    let cursor = session.cursor();
    let shown = session.next_on_branch(cursor).or(cursor);
    let Some(begun) = shown.and_then(|node| session.tree().rollout_of(node)) else {
        return;
    };
    let after = begun
        .after
        .as_deref()
        .and_then(|id| session.tree().find(id));
    let step = after.map_or(1, |node| session.tree().node(node).step.index + 1);
    let text = format!(
        "From step {step} on this path is a rollout by {}: nobody's choice, and no part of the main line.",
        begun.action
    );
    lines.push(Line::default());
    wrapped(lines, &text, room, theme, "dim");
}

/// The rows from one on, without the blank one that sets them apart.
fn after_blank(lines: &[Line<'static>], from: usize) -> Range<usize> {
    (from + 1).min(lines.len())..lines.len()
}

fn failure(lines: &mut Vec<Line<'static>>, message: &str, room: usize, theme: &Theme) {
    heading(lines, "Endpoint failed", theme);
    wrapped(lines, message, room, theme, "error");
    lines.push(Line::from(vec![
        Span::styled("R", theme.style("key")),
        Span::styled(" tries again, ", theme.style("hint")),
        Span::styled("o", theme.style("key")),
        Span::styled(" asks another model", theme.style("hint")),
    ]));
    lines.push(Line::default());
}

fn first_step(lines: &mut Vec<Line<'static>>, session: &Session, room: usize, theme: &Theme) {
    let router = session.settings().run.router.name.as_str();
    if let Some(node) = session.cursor() {
        let next = session.tree().node(node).step.index + 1;
        let chosen = session.tree().decisions(None).first();
        match (router, chosen) {
            (RSD | SPEC_REASON, _) => {
                heading(lines, &format!("Step {next} will be a draft"), theme);
                let text = "The rule looks at it once it is written.";
                wrapped(lines, text, room, theme, "dim");
            }
            (QUERY, Some(chosen)) => {
                heading(lines, "One model for the whole answer", theme);
                chosen_line(lines, session, chosen, None, theme);
                wrapped(lines, &chosen.reason, room, theme, "dim");
            }
            _ => heading(lines, "No decision recorded here", theme),
        }
        return;
    }
    heading(lines, "First step", theme);
    let text = match router {
        QUERY => "The question is read first: then one model writes the whole answer.",
        _ => "No step has been seen yet: the router's first model drafts step 1.",
    };
    wrapped(lines, text, room, theme, "text");
}

fn decision_lines(
    lines: &mut Vec<Line<'static>>,
    parts: &mut Parts,
    session: &Session,
    decision: &DecisionRecord,
    room: usize,
    theme: &Theme,
) {
    let settings = session.settings();
    let step = session.cursor().map(|node| &session.tree().node(node).step);
    let number = step.map_or(1, |step| step.index + 1);
    let from = lines.len();
    heading(lines, &format!("Who writes step {number}?"), theme);
    chosen_line(lines, session, decision, step.map(|s| &**s), theme);
    parts.push((Part::Choice, from..lines.len()));
    let from = lines.len();
    match &decision.overridden {
        Some(overridden) => {
            let text = format!(
                "{} chose so; the router wanted {} ({})",
                theme.person(&overridden.who),
                overridden.wanted,
                overridden.when
            );
            wrapped(lines, &text, room, theme, "step.override");
        }
        None => wrapped(lines, &decision.reason, room, theme, "dim"),
    }
    parts.push((Part::Reason, from..lines.len()));
    lines.push(Line::default());
    if let Some(step) = step {
        let from = lines.len();
        confidence_scale(lines, step, decision, room, theme);
        parts.push((Part::Confidence, from..lines.len()));
    }
    if !decision.probabilities.is_empty() {
        let from = lines.len();
        probability_bars(lines, session, decision, room, theme);
        let bars = from + decision.probabilities.len();
        parts.push((Part::Probabilities, from..bars));
        // κ stands below the bars, where there is one.
        parts.push((Part::Threshold, bars..lines.len()));
    }
    let from = lines.len();
    let set: Vec<String> = decision
        .action_set
        .iter()
        .map(|name| short_name(name, settings, 14, theme))
        .collect();
    let set = if set.is_empty() {
        "∅ (empty)".to_owned()
    } else {
        format!("{{ {} }}", set.join(", "))
    };
    field(
        lines,
        "action set",
        &set,
        theme.style("action.allowed"),
        theme,
    );
    parts.push((Part::ActionSet, from..lines.len()));
    if decision.propensity < 1.0 && decision.overridden.is_none() {
        let text = format!("{:.3}", decision.propensity);
        field(lines, "propensity", &text, theme.style("text"), theme);
    }
}

pub(super) fn chosen_line(
    lines: &mut Vec<Line<'static>>,
    session: &Session,
    decision: &DecisionRecord,
    step: Option<&StepRecord>,
    theme: &Theme,
) {
    let settings = session.settings();
    let models = settings.models();
    let place = settings.place(&decision.action);
    let before = step.and_then(|step| settings.place(&step.model));
    let turn = match (before, place) {
        (Some(before), Some(after)) if after > before => "  escalate",
        (Some(before), Some(after)) if after < before => "  hand back",
        (Some(_), Some(_)) => "  stay",
        _ => "",
    };
    let style = theme
        .model(place.unwrap_or(0), models)
        .patch(theme.style("action.chosen"));
    lines.push(Line::from(vec![
        Span::styled("→ ", theme.style("action.chosen")),
        Span::styled(
            format!(
                "{} {}",
                glyph::model(place, models),
                short_name(&decision.action, settings, 20, theme)
            ),
            style,
        ),
        Span::styled(turn, theme.style("emphasis")),
    ]));
}

/// A threshold in as many digits as anybody reads: a learnt one has sixteen.
fn threshold_text(threshold: f64) -> String {
    let text = format!("{threshold:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// u_t on its scale, with the threshold where the rule compares them.
fn confidence_scale(
    lines: &mut Vec<Line<'static>>,
    step: &StepRecord,
    decision: &DecisionRecord,
    room: usize,
    theme: &Theme,
) {
    let confidence = &step.confidence;
    // Only these hold u_t itself against something.
    let rule = decision.router.split(':').next().unwrap_or_default();
    let compares = matches!(rule, "threshold" | "percentile");
    let threshold = decision.threshold.filter(|_| compares);
    let mut first = vec![Span::styled("confidence ", theme.style("dim"))];
    let role = if confidence.value.is_some() {
        "confidence"
    } else {
        "confidence.unavailable"
    };
    first.push(Span::styled(
        figures::confidence(confidence),
        theme.style(role),
    ));
    if let Some(t) = threshold {
        first.push(Span::styled("  t ", theme.style("dim")));
        first.push(Span::styled(threshold_text(t), theme.style("threshold")));
    }
    lines.push(Line::from(first));
    match confidence.value {
        Some(u) if figures::is_scaled(confidence) => {
            let width = room.saturating_sub(6).clamp(8, 48);
            let mut spans = vec![Span::styled("0", theme.style("dim"))];
            spans.extend(bar::scale(
                u,
                threshold,
                width,
                theme.style("confidence"),
                theme,
            ));
            spans.push(Span::styled("1", theme.style("dim")));
            lines.push(Line::from(spans));
        }
        Some(_) => {}
        None => {
            let why = confidence
                .unavailable
                .as_deref()
                .unwrap_or("no reason recorded");
            wrapped(lines, why, room, theme, "confidence.unavailable");
        }
    }
}

fn probability_bars(
    lines: &mut Vec<Line<'static>>,
    session: &Session,
    decision: &DecisionRecord,
    room: usize,
    theme: &Theme,
) {
    let settings = session.settings();
    let models = settings.models();
    let name_room = 10;
    let width = room.saturating_sub(name_room + 9).clamp(6, 40);
    for (place, &p) in decision.probabilities.iter().enumerate() {
        let name = settings.model_name(place);
        let allowed = decision.action_set.contains(&name);
        let role = if name == decision.action {
            "action.chosen"
        } else if allowed {
            "action.allowed"
        } else {
            "action.denied"
        };
        let short = width::pad(
            &short_name(&name, settings, name_room, theme),
            name_room,
            Align::Left,
        );
        let mut spans = vec![
            Span::styled(
                format!("{} ", glyph::model(Some(place), models)),
                theme.model(place, models),
            ),
            Span::styled(short, theme.style(role)),
        ];
        spans.extend(match decision.threshold {
            Some(kappa) => bar::with_mark(p, kappa, width, theme.model(place, models), theme),
            None => bar::filled(p, width, theme.model(place, models), theme),
        });
        spans.push(Span::styled(format!(" {p:.3}"), theme.style(role)));
        lines.push(Line::from(spans));
    }
    if let Some(kappa) = decision.threshold {
        field(
            lines,
            "threshold κ",
            &threshold_text(kappa),
            theme.style("threshold"),
            theme,
        );
    }
}

pub(super) fn heading(lines: &mut Vec<Line<'static>>, text: &str, theme: &Theme) {
    lines.push(Line::styled(text.to_owned(), theme.style("emphasis")));
}

pub(super) fn field(
    lines: &mut Vec<Line<'static>>,
    name: &str,
    value: &str,
    style: ratatui::style::Style,
    theme: &Theme,
) {
    lines.push(Line::from(vec![
        Span::styled(
            format!(
                "{} ",
                width::pad(name, 12.max(width::of(name)), Align::Left)
            ),
            theme.style("dim"),
        ),
        Span::styled(sanitize(&theme.shown(value)).into_owned(), style),
    ]));
}

pub(super) fn wrapped(
    lines: &mut Vec<Line<'static>>,
    text: &str,
    room: usize,
    theme: &Theme,
    role: &str,
) {
    lines.extend(paragraph(&theme.shown(text), room, theme.style(role)));
}
