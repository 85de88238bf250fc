//! Columns of a table: a heading, and cells that keep to their width.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::tui::text::width::{self, Align};
use crate::tui::theme::Theme;

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// What it shows, as expressions call it.
    pub name: &'static str,
    pub title: &'static str,
    pub width: usize,
    pub align: Align,
}

impl Column {
    pub const fn left(name: &'static str, width: usize) -> Self {
        Self {
            name,
            title: name,
            width,
            align: Align::Left,
        }
    }

    pub const fn right(name: &'static str, width: usize) -> Self {
        Self {
            align: Align::Right,
            ..Self::left(name, width)
        }
    }

    /// The same under a shorter heading.
    pub const fn titled(self, title: &'static str) -> Self {
        Self { title, ..self }
    }

    /// A cell with a blank behind it; what is too long is cut.
    pub fn cell(&self, text: &str, style: Style) -> [Span<'static>; 3] {
        cell(text, self.width, self.align, style)
    }
}

/// Text in exactly so many columns, with a blank behind it; what is too long
/// is cut. The padding has no style: a line under it would look like one.
pub fn cell(text: &str, columns: usize, align: Align, style: Style) -> [Span<'static>; 3] {
    let text = width::truncate(text, columns).into_owned();
    let (before, after) = width::padding(&text, columns, align);
    [
        Span::raw(" ".repeat(before)),
        Span::styled(text, style),
        Span::raw(" ".repeat(after + 1)),
    ]
}

/// The headings. The column that the table is sorted by has a sign for the
/// direction.
pub fn headings(columns: &[Column], sorted: Option<(&str, bool)>, theme: &Theme) -> Line<'static> {
    let spans = columns.iter().flat_map(|column| {
        let (title, role) = match sorted {
            Some((name, down)) if name == column.name => {
                let sign = if down { "▼" } else { "▲" };
                let room = column.width.saturating_sub(1);
                let title = width::truncate(column.title, room);
                (format!("{title}{sign}"), "emphasis")
            }
            _ => (column.title.to_owned(), "dim"),
        };
        column.cell(&title, theme.style(role))
    });
    Line::from(spans.collect::<Vec<_>>())
}
