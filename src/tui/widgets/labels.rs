//! What people say of the step at the cursor, and how far labelling is.

use ratatui::text::{Line, Span};

use crate::app::{Labelling, Model, Order};
use crate::session::Session;
use crate::trace::label::Opinion;
use crate::trace::tree::Node;
use crate::tui::text::sanitize::sanitize;
use crate::tui::text::width;
use crate::tui::theme::Theme;

use super::decision::{heading, wrapped};
use super::glyph;

/// Columns of a person's name.
const NAME: usize = 20;

/// What is shown of a step in the lists: while labelling what the person said
/// of it, else the last rating and whether anybody's flag stands.
pub fn shown(model: &Model, node: &Node) -> Opinion {
    let ballot = node.ballot();
    match model.labelling {
        Some(_) => ballot.of(&model.who.as_str()),
        None => ballot.together(),
    }
}

/// The signs of what is said of a step: none to two of one column each.
pub fn signs(said: Opinion, theme: &Theme) -> Vec<Span<'static>> {
    let sign = glyph::label(said).map(|(sign, role)| Span::styled(sign, theme.style(role)));
    let flag = said
        .flagged
        .then(|| Span::styled(glyph::FLAG, theme.style("warning")));
    sign.into_iter().chain(flag).collect()
}

/// What the person and others said of the step at the cursor, and how many
/// steps and trajectories are done.
pub fn card(
    model: &Model,
    session: &Session,
    labelling: &Labelling,
    columns: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let room = columns.max(12);
    heading(&mut lines, &name(&model.who, theme), theme);
    own(&mut lines, model, session, room, theme);
    if !model.is_blind() {
        others(&mut lines, model, session, room, theme);
    }
    let path = session.followed_path();
    let done = path
        .iter()
        .filter(|&&node| model.own_opinion(node).is_done());
    let text = format!("{} of {} steps done", done.count(), path.len());
    wrapped(&mut lines, &text, room, theme, "text");
    let all = labelling.trajectories();
    let text = format!(
        "{} of {all} trajectories, {} left{}",
        labelling.done(),
        all - labelling.done().min(all),
        match labelling.order {
            Order::Table => "",
            Order::Worth => ", most telling first",
        }
    );
    wrapped(&mut lines, &text, room, theme, "dim");
    lines.push(Line::default());
    lines
}

/// A name that somebody else may have chosen; no audience reads it.
fn name(who: &str, theme: &Theme) -> String {
    let plain = sanitize(theme.person(who)).replace('\n', " ");
    width::truncate(&plain, NAME).into_owned()
}

fn own(
    lines: &mut Vec<Line<'static>>,
    model: &Model,
    session: &Session,
    room: usize,
    theme: &Theme,
) {
    let Some(node) = session.cursor() else {
        lines.push(Line::styled("the question", theme.style("dim")));
        return;
    };
    let mut spans = opinion(model.own_opinion(node), theme);
    if spans.is_empty() {
        spans.push(Span::styled("not labelled yet", theme.style("dim")));
    }
    let of = session.tree().node(node);
    let head = Span::styled(format!("step {}  ", of.step.index), theme.style("dim"));
    lines.push(Line::from([vec![head], spans].concat()));
    if let Some(note) = of.note_of(&model.who) {
        wrapped(lines, note, room, theme, "text");
    }
}

/// The signs and words of an opinion.
fn opinion(said: Opinion, theme: &Theme) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    if let Some(((sign, role), word)) = glyph::label(said).zip(said.word()) {
        spans.push(Span::styled(format!("{sign} {word} "), theme.style(role)));
    }
    if said.flagged {
        let text = format!("{} flagged", glyph::FLAG);
        spans.push(Span::styled(text, theme.style("warning")));
    }
    spans
}

/// What other people said of the step, and their notes.
fn others(
    lines: &mut Vec<Line<'static>>,
    model: &Model,
    session: &Session,
    room: usize,
    theme: &Theme,
) {
    let Some(cursor) = session.cursor() else {
        return;
    };
    let node = session.tree().node(cursor);
    let ballot = node.ballot();
    let people = node.people().into_iter();
    for who in people.filter(|who| *who != model.who) {
        let (said, note) = (ballot.of(&who), node.note_of(who));
        if said.is_empty() && note.is_none() {
            continue;
        }
        let mut spans = vec![Span::styled(
            format!("{}  ", name(who, theme)),
            theme.style("dim"),
        )];
        spans.extend(opinion(said, theme));
        lines.push(Line::from(spans));
        if let Some(note) = note {
            wrapped(lines, note, room, theme, "dim");
        }
    }
}
