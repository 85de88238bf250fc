//! Pointing at a part of the picture, so that it is seen without colours too:
//! a double frame around a pane, `▶` before a line, bars beside several, and the
//! style of the theme.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::app::Pane;
use crate::app::tour::Target;
use crate::tui::screens::Drawn;
use crate::tui::theme::Theme;

/// Rows from which a place is a pane, with a frame; or, without one, has bars on
/// both sides and keeps its own colours below its first row, which say something.
const FRAMED: u16 = 3;

/// Points at what the tour points at; what is not on screen is left out.
pub fn point(buffer: &mut Buffer, drawn: &Drawn, targets: &[Target], theme: &Theme) {
    for target in targets {
        let is_text = matches!(target, Target::Text(_));
        for place in found(buffer, drawn, target) {
            mark(buffer, place, is_text, theme.style("highlight"));
        }
    }
}

/// Where a target is on a picture; empty where it is not.
pub fn found(buffer: &Buffer, drawn: &Drawn, target: &Target) -> Vec<Rect> {
    if let Target::Text(words) = target {
        let panes = drawn.panes.iter();
        let text = panes.filter(|(pane, _)| *pane == Pane::Text);
        return text
            .flat_map(|(_, area)| find_words(buffer, *area, words))
            .collect();
    }
    let places = drawn.places.iter();
    let places = places.filter(|(of, place)| of == target && !place.is_empty());
    places.map(|(_, place)| *place).collect()
}

fn mark(buffer: &mut Buffer, place: Rect, is_text: bool, style: Style) {
    let place = place.intersection(buffer.area);
    if place.is_empty() {
        return;
    }
    if place.height >= FRAMED && is_frame(buffer, place) {
        return frame(buffer, place, style);
    }
    // What is dim is hard to read in colours that are exchanged.
    let style = style.remove_modifier(Modifier::DIM);
    let head = match place.height >= FRAMED {
        true => Rect { height: 1, ..place },
        false => place,
    };
    buffer.set_style(head, style);
    if is_text {
        return;
    }
    if head != place {
        bars(buffer, place, style);
    }
    if place.x > buffer.area.x {
        buffer.set_string(place.x - 1, place.y, "▶", style);
    }
}

/// Bars on both sides of a place, where there is a column for them.
fn bars(buffer: &mut Buffer, place: Rect, style: Style) {
    let left = place.x.checked_sub(1).filter(|x| *x >= buffer.area.x);
    let right = Some(place.right()).filter(|x| *x < buffer.area.right());
    for y in place.top()..place.bottom() {
        for (x, bar) in [(left, "▌"), (right, "▐")] {
            if let Some(x) = x {
                buffer.set_string(x, y, bar, style);
            }
        }
    }
}

/// Whether a pane's frame is drawn around the place.
fn is_frame(buffer: &Buffer, place: Rect) -> bool {
    let corner = &buffer[(place.x, place.bottom() - 1)];
    doubled(corner.symbol()).is_some()
}

/// Makes the frame a double one; its title stays.
fn frame(buffer: &mut Buffer, place: Rect, style: Style) {
    for y in place.top()..place.bottom() {
        for x in place.left()..place.right() {
            let inside = x > place.left()
                && x + 1 < place.right()
                && y > place.top()
                && y + 1 < place.bottom();
            if inside {
                continue;
            }
            let cell = &mut buffer[(x, y)];
            if let Some(double) = doubled(cell.symbol()) {
                cell.set_symbol(double);
            }
            cell.set_style(style);
        }
    }
}

/// The double line in place of a part of a frame.
fn doubled(symbol: &str) -> Option<&'static str> {
    Some(match symbol {
        "─" | "━" => "═",
        "│" | "┃" => "║",
        "╭" | "┏" | "┌" => "╔",
        "╮" | "┓" | "┐" => "╗",
        "╰" | "┗" | "└" => "╚",
        "╯" | "┛" | "┘" => "╝",
        _ => return None,
    })
}

/// The cells of some words in a pane, over the ends of its lines: blanks of
/// any number count as one.
fn find_words(buffer: &Buffer, pane: Rect, words: &str) -> Vec<Rect> {
    let area = pane.intersection(buffer.area);
    // What is drawn inside of the frame, with the cell of every character.
    let mut cells: Vec<(char, (u16, u16))> = Vec::new();
    for y in (area.y + 1)..area.bottom().saturating_sub(1) {
        for x in (area.x + 1)..area.right().saturating_sub(1) {
            for c in buffer[(x, y)].symbol().chars() {
                let blank = c.is_whitespace() || c == '▌';
                let after_blank = cells.last().is_none_or(|(before, _)| *before == ' ');
                if !blank {
                    cells.push((c, (x, y)));
                } else if !after_blank {
                    cells.push((' ', (x, y)));
                }
            }
        }
        if cells.last().is_some_and(|(before, _)| *before != ' ') {
            cells.push((' ', (area.right(), y)));
        }
    }
    let wanted: Vec<char> = words
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let is_here = |window: &&[(char, (u16, u16))]| window.iter().map(|(c, _)| c).eq(&wanted);
    // The last one: the step at the cursor stands below those before it.
    match cells.windows(wanted.len()).rfind(is_here) {
        Some(window) => window
            .iter()
            .filter(|(_, (x, _))| *x < area.right())
            .map(|(_, (x, y))| Rect::new(*x, *y, 1, 1))
            .collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_over_the_ends_of_lines() {
        let area = Rect::new(0, 0, 12, 5);
        let mut buffer = Buffer::empty(area);
        for (row, line) in [
            "┏━━━━━━━━━━┓",
            "┃▌ so 7 *  ┃",
            "┃▌ 8 = 64. ┃",
            "┃          ┃",
            "┗━━━━━━━━━━┛",
        ]
        .iter()
        .enumerate()
        {
            buffer.set_string(0, row as u16, line, Style::default());
        }
        let cells = find_words(&buffer, area, "7 * 8 = 64");
        let first = cells.first().map(|cell| (cell.x, cell.y));
        let last = cells.last().map(|cell| (cell.x, cell.y));
        assert_eq!((first, last), (Some((6, 1)), Some((8, 2))));
        assert!(find_words(&buffer, area, "7 * 9").is_empty());
        assert!(find_words(&buffer, area, " ").is_empty());
        mark(&mut buffer, area, false, Style::default());
        assert_eq!(buffer[(0, 0)].symbol(), "╔");
        assert_eq!(buffer[(6, 1)].symbol(), "7", "what is inside stays");
    }

    #[test]
    fn several_lines_have_bars_and_keep_their_colours() {
        let area = Rect::new(0, 0, 6, 4);
        let style = Style::new().bg(ratatui::style::Color::Yellow);
        let mut buffer = Buffer::with_lines(["│head│", "│ one│", "│ two│", "│    │"]);
        mark(&mut buffer, Rect::new(1, 0, 4, 3), false, style);
        let lines: Vec<String> = area
            .rows()
            .map(|row| row.columns().map(|cell| buffer[cell].symbol()).collect())
            .collect();
        assert_eq!(lines, ["▶head▐", "▌ one▐", "▌ two▐", "│    │"]);
        assert_eq!(buffer[(1, 0)].bg, ratatui::style::Color::Yellow);
        assert_ne!(buffer[(2, 1)].bg, ratatui::style::Color::Yellow);
        // One that fills the window has no column for them.
        mark(&mut Buffer::empty(area), area, false, style);
    }
}
