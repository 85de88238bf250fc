//! A screen as a picture: a finished buffer as an SVG of a terminal window.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::text::sanitize::sanitize_line;
use super::text::width;
use super::theme::{Background, Theme, rgb_of};

type Rgb = (u8, u8, u8);

/// Width and height of a cell and size of the font, in pixels.
const CELL: (f64, f64) = (8.4, 18.0);
const FONT: f64 = 14.0;
/// Room around the cells, and the height of the title bar.
const MARGIN: f64 = 14.0;
const BAR: f64 = 34.0;

/// How the picture looks where the buffer does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SvgOptions {
    /// Shown in the title bar; also the picture's description.
    pub title: String,
    /// What the terminal's default colours are.
    pub foreground: Rgb,
    pub background: Rgb,
}

impl SvgOptions {
    /// The colours of `theme`.
    #[must_use]
    pub fn of_theme(title: &str, theme: &Theme) -> Self {
        let (foreground, background) = match theme.background() {
            Background::Dark => ((216, 222, 233), (18, 22, 29)),
            Background::Light => ((42, 47, 56), (251, 250, 247)),
        };
        Self {
            title: title.to_owned(),
            foreground: theme.foreground_rgb("text").unwrap_or(foreground),
            background: theme.canvas().and_then(rgb_of).unwrap_or(background),
        }
    }
}

/// How a cell is drawn, colours resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    fg: Rgb,
    bg: Rgb,
    bold: bool,
    italic: bool,
    crossed: bool,
    underline: Option<Rgb>,
}

/// Cells side by side that look the same.
struct Run {
    column: usize,
    columns: usize,
    text: String,
    look: Look,
}

/// Draws `buffer`. Text is made safe once more, and escaped: what stands in
/// the buffer is shown and never obeyed.
#[must_use]
pub fn buffer_to_svg(buffer: &Buffer, options: &SvgOptions) -> String {
    let area = buffer.area;
    let (columns, rows) = (f64::from(area.width), f64::from(area.height));
    let (wide, high) = (
        columns * CELL.0 + 2.0 * MARGIN,
        rows * CELL.1 + BAR + MARGIN,
    );
    let mut svg = String::new();
    open(&mut svg, wide, high, options);
    for row in 0..area.height {
        let top = BAR + f64::from(row) * CELL.1;
        let runs = runs(buffer, row, options);
        for run in &runs {
            background(&mut svg, run, top, options);
        }
        for run in &runs {
            text(&mut svg, run, top);
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn open(svg: &mut String, wide: f64, high: f64, options: &SvgOptions) {
    let title = escape(&sanitize_line(&options.title));
    let (canvas, ink) = (hex(options.background), hex(options.foreground));
    let line = hex(mix(options.foreground, options.background, 0.2));
    let dim = hex(mix(options.foreground, options.background, 0.65));
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide:.0}\" height=\"{high:.0}\" \
         viewBox=\"0 0 {wide:.1} {high:.1}\" role=\"img\">\n<title>{title}</title>\n\
         <rect x=\"0.5\" y=\"0.5\" width=\"{:.1}\" height=\"{:.1}\" rx=\"9\" fill=\"{canvas}\" stroke=\"{line}\"/>\n",
        wide - 1.0,
        high - 1.0,
    );
    for (index, color) in ["#ff5f57", "#febc2e", "#28c840"].iter().enumerate() {
        let x = MARGIN + 6.0 + 18.0 * f64::from(u8::try_from(index).unwrap_or(0));
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"16\" r=\"5.5\" fill=\"{color}\"/>"
        );
    }
    let _ = write!(
        svg,
        "<text x=\"{:.1}\" y=\"20.5\" text-anchor=\"middle\" font-family=\"system-ui,sans-serif\" \
         font-size=\"12.5\" fill=\"{dim}\">{title}</text>\n\
         <g font-family=\"'JetBrains Mono','DejaVu Sans Mono','Cascadia Mono',Menlo,Consolas,monospace\" \
         font-size=\"{FONT}\" fill=\"{ink}\" xml:space=\"preserve\">\n",
        wide / 2.0,
    );
}

/// The cells of a row, joined where they look the same.
fn runs(buffer: &Buffer, row: u16, options: &SvgOptions) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut column = 0;
    let mut joinable = false;
    while column < buffer.area.width {
        let Some(cell) = buffer.cell((buffer.area.x + column, buffer.area.y + row)) else {
            break;
        };
        let symbol = match sanitize_line(cell.symbol()).into_owned() {
            empty if empty.is_empty() => " ".to_owned(),
            symbol => symbol,
        };
        let columns = width::of(&symbol).max(1);
        let look = look(cell, options);
        // Fonts disagree on the width of anything beyond ASCII: such a cell
        // is placed by itself, or the rest of its line would shift.
        let ascii = symbol.is_ascii();
        match runs.last_mut() {
            Some(last) if joinable && ascii && last.look == look => {
                last.text.push_str(&symbol);
                last.columns += columns;
            }
            _ => runs.push(Run {
                column: usize::from(column),
                columns,
                text: symbol,
                look,
            }),
        }
        joinable = ascii;
        column = column.saturating_add(u16::try_from(columns).unwrap_or(1));
    }
    runs
}

fn look(cell: &Cell, options: &SvgOptions) -> Look {
    let color = |color: Color, default: Rgb| rgb_of(color).unwrap_or(default);
    let has = |modifier| cell.modifier.contains(modifier);
    let (mut fg, mut bg) = (
        color(cell.fg, options.foreground),
        color(cell.bg, options.background),
    );
    if has(Modifier::REVERSED) {
        (fg, bg) = (bg, fg);
    }
    if has(Modifier::DIM) {
        fg = mix(fg, bg, 0.6);
    }
    if has(Modifier::HIDDEN) {
        fg = bg;
    }
    Look {
        fg,
        bg,
        bold: has(Modifier::BOLD),
        italic: has(Modifier::ITALIC),
        crossed: has(Modifier::CROSSED_OUT),
        underline: has(Modifier::UNDERLINED).then(|| color(cell.underline_color, fg)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "columns of a terminal")]
fn left(column: usize) -> f64 {
    MARGIN + column as f64 * CELL.0
}

fn background(svg: &mut String, run: &Run, top: f64, options: &SvgOptions) {
    let (x, wide) = (
        left(run.column),
        left(run.column + run.columns) - left(run.column),
    );
    if run.look.bg != options.background {
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{:.1}\" fill=\"{}\" \
             shape-rendering=\"crispEdges\"/>",
            CELL.1,
            hex(run.look.bg)
        );
    }
    if let Some(color) = run.look.underline {
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"1.2\" fill=\"{}\"/>",
            top + CELL.1 - 2.6,
            hex(color)
        );
    }
}

fn text(svg: &mut String, run: &Run, top: f64) {
    let trimmed = run.text.trim_end_matches(' ');
    let begun = trimmed.trim_start_matches(' ');
    if begun.is_empty() {
        return;
    }
    let skipped = trimmed.len() - begun.len();
    if let Some((x, y, wide, high)) = filled(begun) {
        let _ = writeln!(
            svg,
            "<rect x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{:.2}\" fill=\"{}\"/>",
            left(run.column + skipped) + x * CELL.0,
            top + y * CELL.1,
            wide * CELL.0,
            high * CELL.1,
            hex(run.look.fg)
        );
        return;
    }
    let wide = left(width::of(begun)) - left(0);
    let _ = write!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" textLength=\"{wide:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"",
        left(run.column + skipped),
        top + CELL.1 * 0.73,
        hex(run.look.fg)
    );
    for (set, attribute) in [
        (run.look.bold, " font-weight=\"700\""),
        (run.look.italic, " font-style=\"italic\""),
        (run.look.crossed, " text-decoration=\"line-through\""),
    ] {
        if set {
            svg.push_str(attribute);
        }
    }
    let _ = writeln!(svg, ">{}</text>", escape(begun));
}

/// What a symbol fills of its cell (left, top, width, height, in shares of it),
/// where a font that is lower than a row would leave gaps between rows.
fn filled(symbol: &str) -> Option<(f64, f64, f64, f64)> {
    let mut chars = symbol.chars();
    let (c, None) = (chars.next()?, chars.next()) else {
        return None;
    };
    let eighths = |of: u32| f64::from(of) / 8.0;
    Some(match c {
        '│' => (0.43, 0.0, 0.14, 1.0),
        '┃' => (0.37, 0.0, 0.26, 1.0),
        // From the bottom, so many eighths.
        '▁'..='█' => {
            let high = eighths(u32::from(c) - u32::from('▁') + 1);
            (0.0, 1.0 - high, 1.0, high)
        }
        // From the left.
        '▉'..='▏' => (0.0, 0.0, eighths(u32::from('▏') - u32::from(c) + 1), 1.0),
        _ => return None,
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn hex((r, g, b): Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// `share` of `a` and the rest of `b`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between two bytes"
)]
fn mix(a: Rgb, b: Rgb, share: f64) -> Rgb {
    let part = |a: u8, b: u8| (f64::from(a) * share + f64::from(b) * (1.0 - share)).round() as u8;
    (part(a.0, b.0), part(a.1, b.1), part(a.2, b.2))
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;
    use crate::tui::theme::{ColorDepth, Themes};

    fn options() -> SvgOptions {
        SvgOptions::of_theme(
            "a <title>",
            &Themes::default().load("dark", ColorDepth::TrueColor).theme,
        )
    }

    fn drawn(width: u16, draw: impl FnOnce(&mut Buffer)) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, 1));
        draw(&mut buffer);
        buffer_to_svg(&buffer, &options())
    }

    #[test]
    fn cells_that_look_alike_become_one_run() {
        let svg = drawn(12, |buffer| {
            buffer.set_string(0, 0, "  same", Style::new().red());
            buffer.set_string(6, 0, "other", Style::new().green().bold());
        });
        assert_eq!(svg.matches("<text").count(), 3, "{svg}");
        assert!(
            svg.contains(">same</text>") && svg.contains("font-weight=\"700\">other</text>"),
            "{svg}"
        );
        assert!(svg.contains("<title>a &lt;title&gt;</title>"));
    }

    #[test]
    fn wide_characters_take_two_columns_and_keep_the_rest_in_place() {
        let svg = drawn(6, |buffer| buffer.set_string(0, 0, "日a", Style::new()));
        assert!(svg.contains("textLength=\"16.8\""), "{svg}");
        assert!(svg.contains(&format!("x=\"{:.1}\"", left(2))), "{svg}");
    }

    #[test]
    fn frames_and_bars_fill_their_rows_whatever_the_font() {
        let frame = drawn(2, |buffer| {
            buffer.set_string(0, 0, "│█", Style::new());
        });
        assert!(!frame.contains('│') && !frame.contains('█'), "{frame}");
        let high = format!("height=\"{:.2}\"", CELL.1);
        assert_eq!(frame.matches(&high).count(), 2, "{frame}");
        assert_eq!(filled("▄"), Some((0.0, 0.5, 1.0, 0.5)));
        assert_eq!(filled("▌"), Some((0.0, 0.0, 0.5, 1.0)));
        assert_eq!((filled("a"), filled("││")), (None, None));
    }

    #[test]
    fn reversed_swaps_and_dim_fades() {
        let (fg, bg) = (hex(options().foreground), hex(options().background));
        let svg = drawn(3, |buffer| {
            buffer.set_string(0, 0, "abc", Style::new().reversed());
        });
        assert!(
            svg.contains(&format!("height=\"18.0\" fill=\"{fg}\"")),
            "{svg}"
        );
        assert!(svg.contains(&format!("fill=\"{bg}\">abc")), "{svg}");
        let dim = drawn(3, |buffer| {
            buffer.set_string(0, 0, "abc", Style::new().dim());
        });
        assert!(!dim.contains(&format!("fill=\"{fg}\">abc")));
        let lined = drawn(3, |buffer| {
            buffer.set_string(0, 0, "abc", Style::new().underlined());
        });
        assert!(lined.contains("height=\"1.2\""));
    }

    #[test]
    fn nothing_in_the_buffer_is_obeyed() {
        let svg = drawn(9, |buffer| {
            buffer[(0, 0)].set_symbol("\u{1b}[31m");
            buffer[(1, 0)].set_symbol("<");
            buffer[(2, 0)].set_symbol("\u{202e}");
        });
        assert!(
            svg.contains("&lt;") && !svg.contains('\u{1b}') && !svg.contains('\u{202e}'),
            "{svg}"
        );
    }

    #[test]
    fn an_empty_buffer_is_an_empty_window() {
        assert!(buffer_to_svg(&Buffer::empty(Rect::ZERO), &options()).ends_with("</svg>\n"));
    }
}
