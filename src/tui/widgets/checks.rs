//! What the text of a step says wrongly or twice: arithmetic worked out again,
//! and steps that repeat others. Worked out for what is seen, once.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::problem::arithmetic::{Equality, Holds, equalities};
use crate::problem::repeat::repeats;
use crate::session::Session;
use crate::trace::NodeIndex;
use crate::trace::record::StepRecord;
use crate::tui::text::math;
use crate::tui::text::sanitize::sanitize;
use crate::tui::theme::Theme;

use super::paragraph;

/// Steps whose checks are kept.
const CACHED: usize = 4096;
/// Equalities that are told of one step.
const TOLD: usize = 3;

/// The sign of a step whose arithmetic does not hold, and of one that repeats
/// another.
pub const WRONG: &str = "≠";
pub const REPEATS: &str = "↻";

/// What was worked out, by step and by path.
#[derive(Default)]
pub struct Cache {
    steps: HashMap<String, Rc<Checked>>,
    /// The last path asked about: its length, last step and repeats.
    path: Option<(usize, String, Rc<Repeats>)>,
}

/// The places on a path whose step repeats another, with the place of that.
type Repeats = HashMap<NodeIndex, usize>;

/// What is wrong with a step.
#[derive(Debug, Default, PartialEq)]
pub struct Checked {
    /// Bytes of its text to mark; none where they are not those of the screen.
    pub marks: Vec<Range<usize>>,
    /// In words.
    pub told: Vec<String>,
}

impl Cache {
    pub fn of(&mut self, step: &StepRecord) -> Rc<Checked> {
        if let Some(known) = self.steps.get(&step.id) {
            return Rc::clone(known);
        }
        if self.steps.len() >= CACHED {
            self.steps.clear();
        }
        let checked = Rc::new(check(&step.text));
        self.steps.insert(step.id.clone(), Rc::clone(&checked));
        checked
    }

    /// The steps of a path that repeat others: their places from 0.
    pub fn repeats(&mut self, session: &Session, path: &[NodeIndex]) -> Rc<Repeats> {
        let id = |node: &NodeIndex| session.tree().node(*node).step.id.clone();
        let last = path.last().map(id).unwrap_or_default();
        if let Some((length, end, known)) = &self.path
            && *length == path.len()
            && *end == last
        {
            return Rc::clone(known);
        }
        let texts = path
            .iter()
            .map(|&node| session.tree().node(node).step.text.as_str());
        let found = repeats(texts);
        let places = path.iter().zip(found);
        let known: Repeats = places
            .filter_map(|(&node, first)| Some((node, first?)))
            .collect();
        let known = Rc::new(known);
        self.path = Some((path.len(), last, Rc::clone(&known)));
        known
    }
}

fn check(text: &str) -> Checked {
    let found = equalities(text);
    let wrong: Vec<Equality> = found
        .into_iter()
        .filter(|equality| equality.holds == Holds::Wrong)
        .collect();
    if wrong.is_empty() {
        return Checked::default();
    }
    let is_shown_whole = sanitize(text).len() == text.len();
    Checked {
        marks: match is_shown_whole {
            true => wrong.iter().map(Equality::span).collect(),
            false => Vec::new(),
        },
        told: wrong
            .iter()
            .map(|equality| equality.told(text, readable))
            .collect(),
    }
}

/// Mathematics as it is read, in one line.
fn readable(source: &str) -> String {
    let source = source.replace("\\left", "").replace("\\right", "");
    math::readable_text(&sanitize(&format!("${source}$"))).replace('\n', " ")
}

/// How an equality that does not hold is marked in the text.
pub fn style(theme: &Theme) -> Style {
    theme.style("error").add_modifier(Modifier::UNDERLINED)
}

/// What is wrong with the step at the cursor, for the decision card; nothing
/// where nothing is.
pub fn lines(
    session: &Session,
    columns: usize,
    theme: &Theme,
    cache: &mut Cache,
) -> Vec<Line<'static>> {
    let Some(node) = session.cursor() else {
        return Vec::new();
    };
    let mut drawn = Vec::new();
    let mut say = |sign: &str, text: &str, role: &str| {
        drawn.extend(paragraph(
            &format!("{sign} {text}"),
            columns,
            theme.style(role),
        ));
    };
    let checked = cache.of(&session.tree().node(node).step);
    for told in checked.told.iter().take(TOLD) {
        say(WRONG, told, "error");
    }
    let more = checked.told.len().saturating_sub(TOLD);
    if more > 0 {
        say(" ", &format!("and {more} more that do not hold"), "error");
    }
    let path = session.followed_path();
    if let Some(first) = cache.repeats(session, &path).get(&node) {
        let step = path
            .get(*first)
            .map(|&node| session.tree().node(node).step.index);
        let step = step.unwrap_or_default();
        say(
            REPEATS,
            &format!("says again what step {step} said"),
            "warning",
        );
    }
    if !drawn.is_empty() {
        drawn.push(Line::default());
    }
    drawn
}

/// The signs of a step for a row.
pub fn signs(
    session: &Session,
    path: &[NodeIndex],
    node: NodeIndex,
    theme: &Theme,
    cache: &mut Cache,
) -> Vec<Span<'static>> {
    let mut signs = Vec::new();
    if !cache.of(&session.tree().node(node).step).told.is_empty() {
        signs.push(Span::styled(WRONG, theme.style("error")));
    }
    if cache.repeats(session, path).contains_key(&node) {
        signs.push(Span::styled(REPEATS, theme.style("warning")));
    }
    signs
}
