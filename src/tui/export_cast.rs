//! Screens as a recording for asciinema (version 2): finished buffers, each as
//! what changed since the one before.
//!
//! Nothing of a buffer is obeyed: its text is made safe once more, and the only
//! sequences sent are our own, which set colours and move the cursor.

use std::fmt::Write as _;
use std::io::{self, Write};

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::text::sanitize::sanitize_line;
use super::text::width;

/// A recording being written.
pub struct Cast<W> {
    out: W,
    last: Buffer,
}

impl<W: Write> Cast<W> {
    /// Begins a recording of a window of so many cells.
    ///
    /// # Errors
    /// Those of writing.
    pub fn begin(mut out: W, (columns, rows): (u16, u16), title: &str) -> io::Result<Self> {
        let header = serde_json::json!({
            "version": 2,
            "width": columns,
            "height": rows,
            "title": sanitize_line(title),
            "env": {"TERM": "xterm-256color"},
        });
        writeln!(out, "{header}")?;
        let area = ratatui::layout::Rect::new(0, 0, columns, rows);
        Ok(Self {
            out,
            last: untouched(area),
        })
    }

    /// Adds what the window shows from so many seconds on; nothing where it
    /// shows that already. A buffer of another size resizes the window.
    ///
    /// # Errors
    /// Those of writing.
    pub fn frame(&mut self, seconds: f64, buffer: &Buffer) -> io::Result<()> {
        let area = buffer.area;
        if area != self.last.area {
            let size = format!("{}x{}", area.width, area.height);
            self.event(seconds, "r", &size)?;
            self.last = untouched(area);
        }
        let changes = changes(&self.last, buffer);
        if !changes.is_empty() {
            self.event(seconds, "o", &changes)?;
            self.last.clone_from(buffer);
        }
        Ok(())
    }

    /// Ends the recording after so many seconds: the last frame stays till
    /// then.
    ///
    /// # Errors
    /// Those of writing.
    pub fn end(mut self, seconds: f64) -> io::Result<W> {
        let below = self.last.area.height;
        self.event(seconds, "o", &format!("\u{1b}[{below};1H\u{1b}[?25h"))?;
        Ok(self.out)
    }

    fn event(&mut self, seconds: f64, kind: &str, data: &str) -> io::Result<()> {
        let seconds = (seconds * 1e3).round() / 1e3;
        let event = serde_json::to_string(&(seconds, kind, data)).map_err(io::Error::from)?;
        writeln!(self.out, "{event}")
    }
}

/// A window of which nobody knows what it shows: everything is drawn on it.
fn untouched(area: ratatui::layout::Rect) -> Buffer {
    Buffer::filled(area, Cell::new("\0"))
}

/// What makes a terminal that shows `before` show `after`; empty where they are
/// the same. Both are of one area.
#[must_use]
pub fn changes(before: &Buffer, after: &Buffer) -> String {
    let mut text = String::new();
    let mut style = None;
    // Where the cursor is, as far as is certain.
    let mut cursor = None;
    for (x, y, cell) in before.diff(after) {
        if text.is_empty() {
            text.push_str("\u{1b}[?25l");
        }
        let (column, row) = (x - after.area.x, y - after.area.y);
        if cursor != Some((column, row)) {
            let _ = write!(text, "\u{1b}[{};{}H", row + 1, column + 1);
        }
        let wanted = sgr(cell);
        if style.as_ref() != Some(&wanted) {
            text.push_str(&wanted);
            style = Some(wanted);
        }
        let symbol = match sanitize_line(cell.symbol()).into_owned() {
            empty if width::of(&empty) == 0 => " ".to_owned(),
            symbol => symbol,
        };
        text.push_str(&symbol);
        // Terminals disagree on the width of anything beyond ASCII.
        cursor = symbol.is_ascii().then(|| (column + 1, row));
    }
    if !text.is_empty() {
        text.push_str("\u{1b}[0m");
    }
    text
}

/// The sequence that sets the look of a cell, whatever was set before.
fn sgr(cell: &Cell) -> String {
    const MODIFIERS: [(Modifier, u8); 7] = [
        (Modifier::BOLD, 1),
        (Modifier::DIM, 2),
        (Modifier::ITALIC, 3),
        (Modifier::UNDERLINED, 4),
        (Modifier::REVERSED, 7),
        (Modifier::HIDDEN, 8),
        (Modifier::CROSSED_OUT, 9),
    ];
    let mut sequence = String::from("\u{1b}[0");
    for (modifier, code) in MODIFIERS {
        if cell.modifier.contains(modifier) {
            let _ = write!(sequence, ";{code}");
        }
    }
    let colors = [(38, cell.fg), (48, cell.bg), (58, cell.underline_color)];
    for (ground, color) in colors {
        match (color, index(color)) {
            (Color::Rgb(r, g, b), _) => {
                let _ = write!(sequence, ";{ground};2;{r};{g};{b}");
            }
            (_, Some(index)) => {
                let _ = write!(sequence, ";{ground};5;{index}");
            }
            (_, None) => {}
        }
    }
    sequence.push('m');
    sequence
}

/// The place of a named colour among those of a terminal; none for its default.
fn index(color: Color) -> Option<u8> {
    Some(match color {
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        Color::Indexed(index) => index,
        Color::Reset | Color::Rgb(..) => return None,
    })
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    fn buffer(lines: &[&str], style: Style) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 3));
        for (y, line) in (0_u16..).zip(lines) {
            buffer.set_string(0, y, line, style);
        }
        buffer
    }

    /// The screen of a terminal that was sent every output of a recording.
    fn played(cast: &[u8], size: (u16, u16)) -> vt100::Parser {
        let cells = |n: u16| std::num::NonZero::new(n).unwrap();
        let mut terminal = vt100::Parser::new(cells(size.1), cells(size.0), 0);
        for line in String::from_utf8(cast.to_vec()).unwrap().lines().skip(1) {
            let (_, kind, data): (f64, String, String) = serde_json::from_str(line).unwrap();
            if kind == "r" {
                let (columns, rows) = data.split_once('x').unwrap();
                let size = [rows, columns].map(|n| n.parse().unwrap());
                terminal.screen_mut().set_size(size[0], size[1]);
            } else {
                terminal.process(data.as_bytes());
            }
        }
        terminal
    }

    #[test]
    fn a_terminal_shows_what_the_buffers_held() {
        let frames = [
            buffer(&["step 1", "日本 = 2", "third"], Style::new().red().bold()),
            buffer(
                &["step 2", "日 = 2", ""],
                Style::new().bg(Color::Rgb(1, 2, 3)),
            ),
            buffer(
                &["step 2", "日 = 3", ""],
                Style::new().italic().underlined(),
            ),
        ];
        let mut cast = Cast::begin(Vec::new(), (12, 3), "a\u{1b}[2J title").unwrap();
        for (at, frame) in frames.iter().enumerate() {
            cast.frame(at as f64, frame).unwrap();
            cast.frame(at as f64 + 0.5, frame).unwrap();
        }
        let written = cast.end(4.0).unwrap();
        let text = String::from_utf8(written.clone()).unwrap();
        // What stays the same is no event.
        assert_eq!(text.lines().count(), 1 + frames.len() + 1);
        assert!(
            text.starts_with("{\"") && text.contains("\"title\":\"a title\""),
            "{text}"
        );
        let terminal = played(&written, (12, 3));
        let shown = terminal.screen().contents();
        let lines: Vec<&str> = shown.trim_end().lines().map(str::trim_end).collect();
        assert_eq!(lines, ["step 2", "日 = 3"]);
        let cell = terminal.screen().cell(0, 0).unwrap();
        assert!(cell.italic() && cell.underline() && !cell.bold());
    }

    #[test]
    fn a_window_is_resized() {
        let mut cast = Cast::begin(Vec::new(), (12, 3), "").unwrap();
        cast.frame(0.0, &buffer(&["old", "old", "old"], Style::new()))
            .unwrap();
        let mut small = Buffer::empty(Rect::new(0, 0, 6, 2));
        small.set_string(0, 0, "new", Style::new());
        cast.frame(1.0, &small).unwrap();
        let terminal = played(&cast.end(2.0).unwrap(), (12, 3));
        let (rows, columns) = terminal.screen().size();
        assert_eq!((rows.get(), columns.get()), (2, 6));
        assert_eq!(terminal.screen().contents().trim_end(), "new");
    }

    #[test]
    fn nothing_in_a_buffer_is_obeyed() {
        let before = buffer(&["", "", ""], Style::new());
        let mut after = before.clone();
        after[(0, 0)].set_symbol("\u{1b}]52;c;eA==\u{7}");
        after[(0, 1)].set_symbol("\u{9b}2J");
        after[(0, 2)].set_symbol("\u{202e}");
        after[(3, 2)].set_symbol("x");
        let sent = changes(&before, &after);
        assert!(
            !sent.contains("52;c") && !sent.contains(['\u{9b}', '\u{202e}']),
            "{sent:?}"
        );
        assert!(sent.contains('x'));
        assert_eq!(changes(&after, &after), "");
    }
}
