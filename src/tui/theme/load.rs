//! Reading themes: files, inheritance, palettes, warnings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ratatui::style::{Color, Modifier, Style};
use toml::{Table, Value};

use crate::config::suggest;

use super::color::parse_color;
use super::roles::{ROLES, is_known};
use super::{Background, ColorDepth, Theme};

/// Themes that are always there.
const EMBEDDED: &[(&str, &str)] = &[
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("ansi16", include_str!("../../../themes/ansi16.toml")),
    ("mono", include_str!("../../../themes/mono.toml")),
    (
        "high-contrast",
        include_str!("../../../themes/high-contrast.toml"),
    ),
    ("projector", include_str!("../../../themes/projector.toml")),
];

/// Longest chain of themes that inherit from one another.
const INHERIT_MAX: usize = 8;

/// A theme with what was wrong in its files.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedTheme {
    pub theme: Theme,
    /// Sentences for the person whose theme it is.
    pub warnings: Vec<String>,
}

/// Finds themes: the user's folder first, then the embedded ones.
#[derive(Debug, Clone, Default)]
pub struct Themes {
    folder: Option<PathBuf>,
}

/// A theme as its files give it, before colours are resolved.
pub(super) struct Raw {
    background: Background,
    palette: BTreeMap<String, Color>,
    /// By role, with the file it stands in.
    roles: BTreeMap<String, (Value, String)>,
}

impl Raw {
    /// The style of every role, and whether any names an exact colour.
    pub(super) fn styles(
        &self,
        depth: ColorDepth,
        warnings: &mut Vec<String>,
    ) -> (BTreeMap<String, Style>, bool) {
        let mut exact = false;
        let mut styles = BTreeMap::new();
        for (role, (value, file)) in &self.roles {
            let at = format!("theme {file}: role `{role}`");
            let style = read_style(value, &self.palette, &at, warnings);
            exact |= [style.fg, style.bg]
                .iter()
                .any(|c| matches!(c, Some(Color::Rgb(..))));
            styles.insert(role.clone(), depth.style(style));
        }
        (styles, exact)
    }
}

impl Themes {
    /// Themes of the user's `folder` (which need not exist) and the embedded.
    #[must_use]
    pub const fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// Names that can be loaded, the embedded ones first.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = EMBEDDED
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect();
        let entries = self
            .folder
            .as_deref()
            .and_then(|folder| std::fs::read_dir(folder).ok());
        let mut own: Vec<String> = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| theme_name(&entry.ok()?.path()))
            .filter(|name| !names.contains(name))
            .collect();
        own.sort();
        names.append(&mut own);
        names
    }

    /// Loads theme `name` for a terminal of this `depth`. Never fails: an
    /// unknown theme becomes `dark`, and the warnings say so. A terminal
    /// without colours gets `mono`, whose attributes carry the meaning; one
    /// with sixteen gets `ansi16` in place of a theme made of exact colours.
    #[must_use]
    pub fn load(&self, name: &str, depth: ColorDepth) -> LoadedTheme {
        let mut warnings = Vec::new();
        if depth == ColorDepth::None {
            let (theme, _) = self.resolve("mono", depth, &mut warnings);
            return LoadedTheme { theme, warnings };
        }
        let (theme, exact) = self.resolve(name, depth, &mut warnings);
        if depth == ColorDepth::Ansi16 && exact {
            let (theme, _) = self.resolve("ansi16", depth, &mut warnings);
            return LoadedTheme { theme, warnings };
        }
        LoadedTheme { theme, warnings }
    }

    /// The theme, and whether it names exact colours anywhere.
    fn resolve(&self, name: &str, depth: ColorDepth, warnings: &mut Vec<String>) -> (Theme, bool) {
        let mut name = name;
        let raw = self.read(name, warnings, &mut Vec::new()).or_else(|| {
            name = "dark";
            self.read(name, warnings, &mut Vec::new())
        });
        let raw = raw.unwrap_or_else(|| Raw {
            background: Background::Dark,
            palette: BTreeMap::new(),
            roles: BTreeMap::new(),
        });
        let (styles, exact) = raw.styles(depth, warnings);
        let theme = Theme {
            name: name.to_owned(),
            background: raw.background,
            depth,
            styles,
            private: None,
        };
        (theme, exact)
    }

    /// The user's theme of this name: its text and file, or why it cannot be
    /// read.
    fn own_text(&self, name: &str, warnings: &mut Vec<String>) -> Option<(String, String)> {
        let file = self.own_file(name)?;
        match std::fs::read_to_string(&file) {
            Ok(text) => Some((text, file.display().to_string())),
            Err(error) => {
                warnings.push(format!("theme {}: {error}", file.display()));
                None
            }
        }
    }

    /// Reads a theme with all it inherits. `above` are the user's themes that
    /// inherit from it: a user's `dark` may inherit from the embedded `dark`.
    fn read(&self, name: &str, warnings: &mut Vec<String>, above: &mut Vec<String>) -> Option<Raw> {
        let again = above.iter().any(|other| other == name);
        if (again && embedded(name).is_none()) || above.len() >= INHERIT_MAX {
            let chain = above.join(" → ");
            warnings.push(format!(
                "theme {name}: inherits from itself ({chain} → {name})"
            ));
            return None;
        }
        let own = if again {
            None
        } else {
            self.own_text(name, warnings)
        };
        let Some((text, file)) = own else {
            let raw = read_embedded(name, warnings);
            if raw.is_none() {
                warnings.push(self.unknown(name));
            }
            return raw;
        };
        self.read_text(name, &text, &file, warnings, above)
    }

    /// The same of a user's theme whose text is at hand.
    pub(super) fn read_text(
        &self,
        name: &str,
        text: &str,
        file: &str,
        warnings: &mut Vec<String>,
        above: &mut Vec<String>,
    ) -> Option<Raw> {
        let table = parse(text, file, warnings)?;
        above.push(name.to_owned());
        let light = table.get("background").and_then(Value::as_str) == Some("light");
        let parent = match table.get("inherits") {
            Some(Value::String(none)) if none == "none" => None,
            Some(Value::String(parent)) => self.read(parent, warnings, above),
            Some(value) => {
                let kind = kind(value);
                warnings.push(format!(
                    "theme {file}: `inherits` is {kind}, not the name of a theme"
                ));
                None
            }
            None if embedded(name).is_some() => read_embedded(name, warnings),
            None => read_embedded(if light { "light" } else { "dark" }, warnings),
        };
        above.pop();
        Some(merge(parent, &table, file, warnings))
    }

    /// The file of the user's theme of this name, where there is one.
    pub(super) fn own_file(&self, name: &str) -> Option<PathBuf> {
        let file = self.folder.as_ref()?.join(format!("{name}.toml"));
        file.is_file().then_some(file)
    }

    /// That there is no such theme, and which there are.
    pub(super) fn unknown(&self, name: &str) -> String {
        let names = self.names();
        let near = suggest(name, names.iter().map(String::as_str));
        let hint = near
            .map(|near| format!("did you mean `{near}`? "))
            .unwrap_or_default();
        format!("no theme `{name}`; {hint}there are: {}", names.join(", "))
    }
}

pub(super) fn embedded(name: &str) -> Option<&'static str> {
    EMBEDDED
        .iter()
        .find(|(embedded, _)| *embedded == name)
        .map(|(_, text)| *text)
}

/// An embedded theme; these inherit from embedded ones only, whatever the
/// user's folder holds.
fn read_embedded(name: &str, warnings: &mut Vec<String>) -> Option<Raw> {
    let file = format!("{name}.toml");
    let table = parse(embedded(name)?, &file, warnings)?;
    let parent = table.get("inherits").and_then(Value::as_str);
    let parent = parent.and_then(|parent| read_embedded(parent, warnings));
    Some(merge(parent, &table, &file, warnings))
}

fn parse(text: &str, file: &str, warnings: &mut Vec<String>) -> Option<Table> {
    match text.parse::<Table>() {
        Ok(table) => Some(table),
        Err(error) => {
            warnings.push(format!("theme {file}: {}", error.to_string().trim_end()));
            None
        }
    }
}

fn theme_name(path: &Path) -> Option<String> {
    let toml = path
        .extension()
        .is_some_and(|extension| extension == "toml");
    toml.then(|| path.file_stem()?.to_str().map(str::to_owned))
        .flatten()
}

/// Lays a theme's own table over what it inherits.
fn merge(parent: Option<Raw>, table: &Table, file: &str, warnings: &mut Vec<String>) -> Raw {
    let mut raw = parent.unwrap_or_else(|| Raw {
        background: Background::Dark,
        palette: BTreeMap::new(),
        roles: BTreeMap::new(),
    });
    for (key, value) in table {
        match (key.as_str(), value) {
            ("inherits" | "description", _) => {}
            ("background", Value::String(text)) if text == "dark" => {
                raw.background = Background::Dark;
            }
            ("background", Value::String(text)) if text == "light" => {
                raw.background = Background::Light;
            }
            ("background", _) => {
                warnings.push(format!(
                    "theme {file}: `background` is \"dark\" or \"light\""
                ));
            }
            ("palette", Value::Table(palette)) => read_palette(palette, file, &mut raw, warnings),
            ("roles", Value::Table(roles)) => read_roles(roles, "", file, &mut raw, warnings),
            _ => {
                let known = ["inherits", "description", "background", "palette", "roles"];
                let near = suggest(key, known).map(|near| format!("; did you mean `{near}`?"));
                warnings.push(format!(
                    "theme {file}: unknown key `{key}`{}",
                    near.unwrap_or_default()
                ));
            }
        }
    }
    raw
}

fn read_palette(palette: &Table, file: &str, raw: &mut Raw, warnings: &mut Vec<String>) {
    for (name, value) in palette {
        match value.as_str().and_then(parse_color) {
            Some(color) => {
                raw.palette.insert(name.clone(), color);
            }
            None => warnings.push(format!(
                "theme {file}: palette `{name}` = {value} is no colour: write \"#rrggbb\", a name or an index"
            )),
        }
    }
}

/// Roles may be written `"step.small" = …` or, being TOML, `step.small = …`.
fn read_roles(roles: &Table, prefix: &str, file: &str, raw: &mut Raw, warnings: &mut Vec<String>) {
    for (key, value) in roles {
        let role = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        match value {
            Value::Table(inner)
                if !inner.keys().any(|key| STYLE_KEYS.contains(&key.as_str()))
                    && !inner.is_empty() =>
            {
                read_roles(inner, &role, file, raw, warnings);
            }
            _ if is_known(&role) => {
                raw.roles.insert(role, (value.clone(), file.to_owned()));
            }
            _ => {
                let near = suggest(&role, ROLES.iter().map(|role| role.name));
                let hint = near
                    .map(|near| format!("; did you mean `{near}`?"))
                    .unwrap_or_default();
                warnings.push(format!("theme {file}: unknown role `{role}`{hint}"));
            }
        }
    }
}

const STYLE_KEYS: &[&str] = &[
    "fg",
    "bg",
    "underline",
    "bold",
    "dim",
    "italic",
    "underlined",
    "reversed",
    "crossed-out",
];

fn read_style(
    value: &Value,
    palette: &BTreeMap<String, Color>,
    at: &str,
    warnings: &mut Vec<String>,
) -> Style {
    match value {
        Value::String(_) => Style {
            fg: read_color(value, palette, at, warnings),
            ..Style::default()
        },
        Value::Table(table) => {
            let mut style = Style::default();
            for (key, value) in table {
                read_style_key(&mut style, key, value, palette, at, warnings);
            }
            style
        }
        _ => {
            warnings.push(format!(
                "{at} is {}, not a colour or a table such as {{ fg = \"red\", bold = true }}",
                kind(value)
            ));
            Style::default()
        }
    }
}

fn read_style_key(
    style: &mut Style,
    key: &str,
    value: &Value,
    palette: &BTreeMap<String, Color>,
    at: &str,
    warnings: &mut Vec<String>,
) {
    let modifier = match key {
        "fg" => return style.fg = read_color(value, palette, at, warnings),
        "bg" => return style.bg = read_color(value, palette, at, warnings),
        "underline" => return style.underline_color = read_color(value, palette, at, warnings),
        "bold" => Modifier::BOLD,
        "dim" => Modifier::DIM,
        "italic" => Modifier::ITALIC,
        "underlined" => Modifier::UNDERLINED,
        "reversed" => Modifier::REVERSED,
        "crossed-out" => Modifier::CROSSED_OUT,
        _ => {
            let near = suggest(key, STYLE_KEYS.iter().copied());
            let hint = near
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            return warnings.push(format!("{at}: unknown attribute `{key}`{hint}"));
        }
    };
    match value.as_bool() {
        Some(true) => *style = style.add_modifier(modifier),
        Some(false) => *style = style.remove_modifier(modifier),
        None => warnings.push(format!("{at}: `{key}` is true or false")),
    }
}

fn read_color(
    value: &Value,
    palette: &BTreeMap<String, Color>,
    at: &str,
    warnings: &mut Vec<String>,
) -> Option<Color> {
    let text = value.as_str().unwrap_or_default();
    let color = palette.get(text).copied().or_else(|| parse_color(text));
    if color.is_none() {
        let near = suggest(text, palette.keys().map(String::as_str));
        let hint = near
            .map(|near| format!("; did you mean `{near}`?"))
            .unwrap_or_default();
        warnings.push(format!(
            "{at}: {value} is no colour and not in the palette{hint}"
        ));
    }
    color
}

/// A value's kind in words.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}
