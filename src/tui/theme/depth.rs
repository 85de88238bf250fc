//! How many colours a terminal shows, and what becomes of the others.

use std::collections::BTreeMap;

use ratatui::style::{Color, Style};

use super::color::{nearest_16, nearest_256, rgb_of};

/// Colours a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColorDepth {
    /// None: attributes only (bold, dim, underlined, reversed).
    None,
    Ansi16,
    Ansi256,
    TrueColor,
}

impl ColorDepth {
    /// Works the depth out from the environment: a non-empty `NO_COLOR` means
    /// none, then `COLORTERM`, then `TERM`.
    #[must_use]
    pub fn detect(env: &BTreeMap<String, String>) -> Self {
        let var = |name: &str| env.get(name).map_or("", String::as_str);
        let term = var("TERM");
        if !var("NO_COLOR").is_empty() || term == "dumb" {
            return Self::None;
        }
        let modern = ["truecolor", "24bit"].contains(&var("COLORTERM"))
            || ["-direct", "-truecolor"]
                .iter()
                .any(|end| term.ends_with(end))
            || ["kitty", "alacritty", "ghostty", "wezterm", "foot"]
                .iter()
                .any(|name| term.contains(name))
            || !var("WT_SESSION").is_empty();
        if modern {
            Self::TrueColor
        } else if term.contains("256") || term.starts_with("tmux") || term.starts_with("screen") {
            Self::Ansi256
        } else {
            Self::Ansi16
        }
    }

    /// Reads a name: `none`, `16`, `256`, `truecolor`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "none" => Self::None,
            "16" => Self::Ansi16,
            "256" => Self::Ansi256,
            "truecolor" => Self::TrueColor,
            _ => return None,
        })
    }

    /// Its name, as [`ColorDepth::from_name`] reads it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Ansi16 => "16",
            Self::Ansi256 => "256",
            Self::TrueColor => "truecolor",
        }
    }

    /// The nearest colour this depth has; `None` where it has no colours.
    /// Named colours and the terminal's defaults stay as they are.
    #[must_use]
    pub fn color(self, color: Color) -> Option<Color> {
        match (self, color) {
            (Self::None, _) => None,
            (Self::TrueColor, color) => Some(color),
            (Self::Ansi256, Color::Rgb(r, g, b)) => Some(Color::Indexed(nearest_256((r, g, b)))),
            (Self::Ansi16, Color::Rgb(..) | Color::Indexed(_)) => {
                Some(rgb_of(color).map_or(Color::Reset, nearest_16))
            }
            (_, color) => Some(color),
        }
    }

    /// `style` with its colours brought to this depth. Without colours not
    /// even a reset is left: crossterm would undo the attributes with it.
    #[must_use]
    pub fn style(self, mut style: Style) -> Style {
        style.fg = style.fg.and_then(|color| self.color(color));
        style.bg = style.bg.and_then(|color| self.color(color));
        style.underline_color = match self {
            Self::None | Self::Ansi16 => None,
            _ => style.underline_color.and_then(|color| self.color(color)),
        };
        style
    }
}
