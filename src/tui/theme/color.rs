//! Colours: reading them, the terminal's palettes, contrast.

use ratatui::style::Color;

/// The sixteen colours as xterm shows them, for distances and pictures.
const ANSI: [(Color, (u8, u8, u8)); 16] = [
    (Color::Black, (0, 0, 0)),
    (Color::Red, (205, 49, 49)),
    (Color::Green, (13, 188, 121)),
    (Color::Yellow, (229, 182, 16)),
    (Color::Blue, (59, 120, 220)),
    (Color::Magenta, (188, 63, 188)),
    (Color::Cyan, (17, 168, 205)),
    (Color::Gray, (204, 204, 204)),
    (Color::DarkGray, (118, 118, 118)),
    (Color::LightRed, (241, 76, 76)),
    (Color::LightGreen, (35, 209, 139)),
    (Color::LightYellow, (245, 245, 67)),
    (Color::LightBlue, (88, 148, 242)),
    (Color::LightMagenta, (214, 112, 214)),
    (Color::LightCyan, (41, 184, 219)),
    (Color::White, (242, 242, 242)),
];

/// Reads a colour: `#rrggbb`, `#rgb`, a terminal index `0`–`255`, or a name
/// (`red`, `light-blue`, `dark-gray`, `reset` …).
#[must_use]
pub fn parse_color(text: &str) -> Option<Color> {
    if let Some(hex) = text.strip_prefix('#') {
        return parse_hex(hex);
    }
    if let Ok(index) = text.parse::<u8>() {
        return Some(Color::Indexed(index));
    }
    if text == "reset" || text == "default" {
        return Some(Color::Reset);
    }
    let name = text
        .replace(['-', '_'], "")
        .to_ascii_lowercase()
        .replace("grey", "gray");
    ANSI.iter()
        .map(|(color, _)| *color)
        .find(|color| format!("{color:?}").to_ascii_lowercase() == name)
}

fn parse_hex(hex: &str) -> Option<Color> {
    let digits: Vec<u8> = hex
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    match digits[..] {
        [r, g, b] => Some(Color::Rgb(r * 17, g * 17, b * 17)),
        [r, r2, g, g2, b, b2] => Some(Color::Rgb(r * 16 + r2, g * 16 + g2, b * 16 + b2)),
        _ => None,
    }
}

/// What a colour looks like; `None` for the terminal's default.
#[must_use]
pub fn rgb_of(color: Color) -> Option<(u8, u8, u8)> {
    match color {
        Color::Reset => None,
        Color::Rgb(r, g, b) => Some((r, g, b)),
        Color::Indexed(index) => Some(indexed(index)),
        named => ANSI
            .iter()
            .find(|(color, _)| *color == named)
            .map(|(_, rgb)| *rgb),
    }
}

/// The 256-colour palette of xterm: 16 named, a 6×6×6 cube, 24 greys.
fn indexed(index: u8) -> (u8, u8, u8) {
    let level = |step: u8| if step == 0 { 0 } else { 55 + step * 40 };
    match index {
        0..=15 => ANSI[usize::from(index)].1,
        16..=231 => {
            let cube = index - 16;
            (level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        232..=255 => {
            let grey = 8 + (index - 232) * 10;
            (grey, grey, grey)
        }
    }
}

/// Squared distance weighted roughly as the eye weighs it.
fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let part = |x: u8, y: u8, weight: u32| u32::from(x.abs_diff(y)).pow(2) * weight;
    part(a.0, b.0, 2) + part(a.1, b.1, 4) + part(a.2, b.2, 3)
}

/// Nearest of the 240 colours that look the same on every terminal.
pub(super) fn nearest_256(rgb: (u8, u8, u8)) -> u8 {
    (16..=255)
        .min_by_key(|index| distance(rgb, indexed(*index)))
        .unwrap_or(16)
}

/// Nearest of the sixteen named colours.
pub(super) fn nearest_16(rgb: (u8, u8, u8)) -> Color {
    ANSI.iter()
        .min_by_key(|(_, ansi)| distance(rgb, *ansi))
        .map_or(Color::Reset, |(color, _)| *color)
}

/// Contrast ratio of WCAG 2: from 1 (equal) to 21 (black on white).
#[must_use]
pub fn contrast(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Relative luminance of WCAG 2.
fn luminance((r, g, b): (u8, u8, u8)) -> f64 {
    let linear = |channel: u8| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.04045 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}
