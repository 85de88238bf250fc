//! The help: every action that works on the screen, with its keys.

use std::iter;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::Model;
use crate::app::action::{ACTIONS, Group};
use crate::tui::input::keymap::Keymap;
use crate::tui::text::width::{self, Align};
use crate::tui::theme::Theme;

use super::overlay::popup;
use super::{lines, paragraph};

/// Draws the help and says how far it can be scrolled.
pub fn draw(
    area: Rect,
    buffer: &mut Buffer,
    scroll: usize,
    model: &Model,
    keymap: &Keymap,
    theme: &Theme,
) -> usize {
    let inner = popup(
        area,
        buffer,
        area.width.saturating_sub(6).min(100),
        area.height.saturating_sub(2),
        "Keys",
        theme,
    );
    let rows = help_rows(model, keymap, theme, usize::from(inner.width));
    let height = usize::from(inner.height);
    let last = rows.len().saturating_sub(height);
    let top = scroll.min(last);
    lines(inner, buffer, &rows[top..rows.len().min(top + height)]);
    if rows.len() > height && inner.height > 0 {
        let more = format!(
            " {}–{} of {} ",
            top + 1,
            (top + height).min(rows.len()),
            rows.len()
        );
        let x = inner.right().saturating_sub(width::of(&more) as u16);
        buffer.set_string(x, inner.bottom(), &more, theme.style("dim"));
    }
    last
}

/// Columns of the keys.
const KEYS: usize = 16;

/// An action: its keys, and what it does in as many rows as that takes.
fn entry(keys: &str, doc: &str, columns: usize, role: &str, theme: &Theme) -> Vec<Line<'static>> {
    let room = columns.saturating_sub(KEYS).max(1);
    let told = paragraph(doc, room, theme.style(role));
    let keys = iter::once(keys).chain(iter::repeat(""));
    told.into_iter()
        .zip(keys)
        .map(|(mut line, keys)| {
            let keys = width::pad(keys, KEYS, Align::Left);
            line.spans.insert(0, Span::styled(keys, theme.style("key")));
            line
        })
        .collect()
}

/// Every action that works on this screen, with its keys, from the live keymap.
fn help_rows(model: &Model, keymap: &Keymap, theme: &Theme, columns: usize) -> Vec<Line<'static>> {
    let context = model.screen_context();
    let mut rows = Vec::new();
    // What is of this screen first, then what is of every screen.
    let own = |group: &Group| {
        let of_group = ACTIONS.iter().filter(|info| info.group == *group);
        of_group
            .into_iter()
            .any(|info| info.keys.iter().any(|(of, _)| *of == context))
    };
    let (own, others): (Vec<Group>, Vec<Group>) = Group::ALL.into_iter().partition(own);
    for group in own.into_iter().chain(others) {
        let actions: Vec<_> = ACTIONS
            .iter()
            .filter(|info| info.group == group)
            .map(|info| (info, keymap.keys_for(info.action, context)))
            .filter(|(_, keys)| !keys.is_empty())
            .collect();
        if actions.is_empty() {
            continue;
        }
        if !rows.is_empty() {
            rows.push(Line::default());
        }
        rows.push(Line::styled(
            group.title().to_owned(),
            theme.style("emphasis"),
        ));
        for (info, keys) in actions {
            let style = if model.unavailable(info.action).is_some() {
                "dim"
            } else {
                "text"
            };
            rows.extend(entry(&keys.join(" "), info.doc, columns, style, theme));
        }
    }
    rows
}
