//! Themes: what every role of the screen looks like.
//!
//! A theme is a TOML file: a palette, and a style for each *role*
//! (`step.small`, `confidence.low` …). A role without a style takes that of
//! the role it is part of (`step.small` → `step`), then that of `text`; a
//! theme takes what it does not say from the theme it `inherits`. Something
//! wrong in a theme is a warning, never a failure. Every colour passes
//! through [`ColorDepth`], so a terminal is sent nothing that it cannot show.

mod catalogue;
mod color;
mod depth;
mod load;
mod roles;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;

use ratatui::style::{Color, Style};

use crate::app::Private;

pub use catalogue::{Listed, Place, Text};
pub use color::{contrast, parse_color, rgb_of};
pub use depth::ColorDepth;
pub use load::{LoadedTheme, Themes};
pub use roles::{MODEL_ROLES, ROLES, RoleInfo, is_known};

/// Whether a theme is made for a dark or a light terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Background {
    Dark,
    Light,
}

/// A theme, ready to draw with.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    name: String,
    background: Background,
    depth: ColorDepth,
    styles: BTreeMap<String, Style>,
    /// What is not to be seen; `None` outside talk mode.
    private: Option<Private>,
}

impl Theme {
    /// Name as the user knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which background the theme is made for.
    #[must_use]
    pub const fn background(&self) -> Background {
        self.background
    }

    /// The depth its colours were resolved for.
    #[must_use]
    pub const fn depth(&self) -> ColorDepth {
        self.depth
    }

    /// The same theme for an audience: what goes through [`Theme::shown`]
    /// comes out without what is private.
    #[must_use]
    pub fn for_talk(&self, private: &Private) -> Self {
        Self {
            private: Some(private.clone()),
            ..self.clone()
        }
    }

    /// A text of this machine (a message, a router's spec, the name of a log)
    /// as whoever looks may see it. Everything of that kind is drawn through
    /// it, by whatever draws: a theme is at hand wherever something is drawn.
    #[must_use]
    pub fn shown<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &self.private {
            Some(private) => private.hide(text),
            None => Cow::Borrowed(text),
        }
    }

    /// A person's name, as whoever looks may see it.
    #[must_use]
    pub fn person<'t>(&self, name: &'t str) -> &'t str {
        match self.private {
            Some(_) => "a person",
            None => name,
        }
    }

    /// The style of `role`, falling back from `a.b.c` to `a.b`, `a`, `text`.
    /// Styles set only what they mean: `Style::patch` one onto another.
    #[must_use]
    pub fn style(&self, role: &str) -> Style {
        let mut part = role;
        loop {
            if let Some(style) = self.styles.get(part) {
                return *style;
            }
            match part.rsplit_once('.') {
                Some((whole, _)) => part = whole,
                None => return self.styles.get("text").copied().unwrap_or_default(),
            }
        }
    }

    /// The style of the model at position `index` of a pool of `count`
    /// models, cheapest first. The ends are always `step.small` and
    /// `step.large`; those between take `step.model.<k>` in turn.
    #[must_use]
    pub fn model(&self, index: usize, count: usize) -> Style {
        if index == 0 {
            self.style("step.small")
        } else if index + 1 >= count {
            self.style("step.large")
        } else {
            self.style(&format!("step.model.{}", (index - 1) % MODEL_ROLES + 1))
        }
    }

    /// The foreground of `role` as red, green, blue, where it has one.
    #[must_use]
    pub fn foreground_rgb(&self, role: &str) -> Option<(u8, u8, u8)> {
        self.style(role).fg.and_then(rgb_of)
    }

    /// The colour behind everything, where the theme paints one.
    #[must_use]
    pub fn canvas(&self) -> Option<Color> {
        self.style("background").bg
    }
}
