//! The keys that were pressed, in a corner: the newest stands out, the others
//! fade with every key that comes.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::{Model, Pressed};
use crate::tui::input::keymap::Keymap;
use crate::tui::text::width;
use crate::tui::theme::Theme;

/// Keys that are shown.
const SHOWN: usize = 3;

/// The last keys with what they did and, in a tour, where it stands: at most
/// `columns` wide, the newest on the right.
pub fn echo(model: &Model, keymap: &Keymap, theme: &Theme, columns: usize) -> Line<'static> {
    if !model.view.talk {
        return Line::default();
    }
    let mut spans = Vec::new();
    let mut used = 0;
    let mut put = |part: [Span<'static>; 2]| {
        let wide: usize = part.iter().map(|span| width::of(&span.content)).sum();
        let fits = used + wide <= columns;
        if fits {
            used += wide;
            spans.splice(0..0, part);
        }
        fits
    };
    if let Some(progress) = model.talk.progress() {
        let sign = match (progress.paused, progress.waits) {
            (true, _) => "‖",
            (false, true) => "■",
            (false, false) => "▶",
        };
        let text = format!(" {}/{} ", progress.scene, progress.of);
        put([
            Span::styled(text, theme.style("dim")),
            Span::styled(sign, theme.style("key")),
        ]);
    }
    let newest = model.talk.echo.iter().rev().take(SHOWN);
    for (age, pressed) in newest.enumerate() {
        let (keys, label) = match age {
            0 => (theme.style("highlight"), theme.style("emphasis")),
            1 => (theme.style("key"), theme.style("hint")),
            _ => (theme.style("dim"), theme.style("dim")),
        };
        if !put(said(pressed, keymap, keys, label)) {
            break;
        }
    }
    Line::from(spans)
}

fn said(pressed: &Pressed, keymap: &Keymap, keys: Style, label: Style) -> [Span<'static>; 2] {
    let Pressed {
        action, context, ..
    } = pressed;
    let shown = pressed.keys.clone().or_else(|| {
        // What a tour did, with the key that does it.
        let key = keymap.keys_for(*action, *context).into_iter().next()?;
        let count = pressed.count.map(|count| count.to_string());
        Some(count.unwrap_or_default() + &key)
    });
    let times = match pressed.times {
        1 => String::new(),
        times => format!("×{times} "),
    };
    let shown = shown.unwrap_or_default();
    [
        Span::styled(format!(" {} {times}", shown.trim()), keys),
        Span::styled(format!(" {} ", action.label_in(*context)), label),
    ]
}
