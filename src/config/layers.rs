//! The layers and what they come to.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::file::{FileSettings, read_config, read_keys};
use super::{ConfigError, suggest};

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Default,
    File(PathBuf),
    /// Name of the variable.
    Environment(&'static str),
    /// Name of the flag, without dashes.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "--{name}"),
        }
    }
}

/// A setting with where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set<T> {
    pub value: T,
    pub origin: Origin,
}

impl<T> Set<T> {
    const fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }

    fn replace(&mut self, value: Option<T>, origin: Origin) {
        if let Some(value) = value {
            *self = Self { value, origin };
        }
    }
}

/// A user's key binding as written; the keymap checks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBinding {
    pub context: String,
    pub keys: String,
    /// Name of an action, or `none` to unbind.
    pub action: String,
}

/// How many colours to use.
pub const COLORS: [&str; 5] = ["auto", "none", "16", "256", "truecolor"];

/// The checked configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Name of the theme.
    pub theme: Set<String>,
    /// One of `COLORS`; `auto` asks the environment.
    pub colors: Set<String>,
    /// Whether the program takes the mouse at the start.
    pub mouse: Set<bool>,
    /// Whether tokens are shaded by confidence at the start.
    pub shading: Set<bool>,
    /// Name that overrides are recorded under.
    pub who: Set<String>,
    /// Bindings to merge over the default keys, in order.
    pub keys: Vec<KeyBinding>,
    /// The configuration folder.
    pub folder: Option<PathBuf>,
}

impl Config {
    /// The user's folder of themes; it need not exist.
    #[must_use]
    pub fn themes_folder(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join("themes"))
    }

    /// Every setting with its origin, for `config` and `doctor`.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String, &Origin)> {
        vec![
            ("theme", self.theme.value.clone(), &self.theme.origin),
            ("colors", self.colors.value.clone(), &self.colors.origin),
            ("mouse", self.mouse.value.to_string(), &self.mouse.origin),
            (
                "shading",
                self.shading.value.to_string(),
                &self.shading.origin,
            ),
            ("who", self.who.value.clone(), &self.who.origin),
        ]
    }
}

/// What was asked for on the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    pub theme: Option<String>,
    pub colors: Option<String>,
    pub mouse: Option<bool>,
    pub shading: Option<bool>,
    pub who: Option<String>,
}

/// Everything a configuration is made from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The process's environment.
    pub env: BTreeMap<String, String>,
    /// The configuration folder ([`super::config_dir`]).
    pub folder: Option<PathBuf>,
    pub flags: Flags,
}

/// Variables of ours that set something or that other rooms read, and what for.
pub const VARIABLES: [(&str, &str); 6] = [
    ("POINTSMAN_THEME", "the theme"),
    (
        "POINTSMAN_COLORS",
        "colours of the terminal: auto, none, 16, 256 or truecolor",
    ),
    (
        "POINTSMAN_MOUSE",
        "whether the program takes the mouse: true or false",
    ),
    (
        "POINTSMAN_SHADING",
        "whether tokens are shaded by confidence: true or false",
    ),
    (
        "POINTSMAN_WHO",
        "the name that labels and overrides are recorded under",
    ),
    (
        "POINTSMAN_CONFIG_DIR",
        "the configuration folder, in place of the system's",
    ),
];

/// Lays the layers over each other.
///
/// # Errors
/// A file that cannot be read or has an unknown key, a variable or a flag
/// with a value that is none.
pub fn load(sources: Sources) -> Result<Config, ConfigError> {
    let Sources { env, folder, flags } = sources;
    let mut config = defaults(&env, folder);
    apply_files(&mut config)?;
    apply_environment(&mut config, &env)?;
    apply_flags(&mut config, flags)?;
    Ok(config)
}

fn defaults(env: &BTreeMap<String, String>, folder: Option<PathBuf>) -> Config {
    let user = ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .find_map(|name| {
            let value = env.get(name).filter(|value| !value.is_empty())?;
            Some(Set::new(value.clone(), Origin::Environment(name)))
        });
    Config {
        theme: Set::new("dark".to_owned(), Origin::Default),
        colors: Set::new("auto".to_owned(), Origin::Default),
        mouse: Set::new(false, Origin::Default),
        shading: Set::new(true, Origin::Default),
        who: user.unwrap_or_else(|| Set::new("person".to_owned(), Origin::Default)),
        keys: Vec::new(),
        folder,
    }
}

fn apply_files(config: &mut Config) -> Result<(), ConfigError> {
    let Some(folder) = &config.folder else {
        return Ok(());
    };
    let path = folder.join("config.toml");
    let FileSettings {
        theme,
        colors,
        mouse,
        shading,
        who,
        keys,
    } = read_config(&path)?;
    let more_keys = read_keys(&folder.join("keys.toml"))?;
    let origin = || Origin::File(path.clone());
    config.theme.replace(theme, origin());
    config.colors.replace(colors, origin());
    config.mouse.replace(mouse, origin());
    config.shading.replace(shading, origin());
    config.who.replace(who, origin());
    config.keys.extend(keys);
    config.keys.extend(more_keys);
    Ok(())
}

fn apply_environment(
    config: &mut Config,
    env: &BTreeMap<String, String>,
) -> Result<(), ConfigError> {
    for name in env.keys().filter(|name| name.starts_with("POINTSMAN_")) {
        // A misspelt variable that silently does nothing costs an hour; an
        // unlike one may belong to a wrapper script.
        if let Some(near) = suggest(name, VARIABLES.map(|(known, _)| known))
            && near != name
        {
            return Err(ConfigError::Environment {
                name: name.clone(),
                value: env.get(name).cloned().unwrap_or_default(),
                message: format!("no such setting; did you mean {near}?"),
            });
        }
    }
    let text = |name: &str| env.get(name).filter(|value| !value.is_empty()).cloned();
    let switch = |name: &'static str| -> Result<Option<bool>, ConfigError> {
        let Some(value) = text(name) else {
            return Ok(None);
        };
        match value.as_str() {
            "1" | "true" | "on" | "yes" => Ok(Some(true)),
            "0" | "false" | "off" | "no" => Ok(Some(false)),
            _ => Err(ConfigError::Environment {
                name: name.to_owned(),
                value,
                message: "write true or false".to_owned(),
            }),
        }
    };
    if text("NO_COLOR").is_some() {
        config.colors = Set::new("none".to_owned(), Origin::Environment("NO_COLOR"));
    }
    if let Some(value) = text("POINTSMAN_COLORS") {
        check_colors(&value).map_err(|message| ConfigError::Environment {
            name: "POINTSMAN_COLORS".to_owned(),
            value: value.clone(),
            message,
        })?;
        config.colors = Set::new(value, Origin::Environment("POINTSMAN_COLORS"));
    }
    config.theme.replace(
        text("POINTSMAN_THEME"),
        Origin::Environment("POINTSMAN_THEME"),
    );
    config
        .who
        .replace(text("POINTSMAN_WHO"), Origin::Environment("POINTSMAN_WHO"));
    config.mouse.replace(
        switch("POINTSMAN_MOUSE")?,
        Origin::Environment("POINTSMAN_MOUSE"),
    );
    config.shading.replace(
        switch("POINTSMAN_SHADING")?,
        Origin::Environment("POINTSMAN_SHADING"),
    );
    Ok(())
}

fn apply_flags(config: &mut Config, flags: Flags) -> Result<(), ConfigError> {
    if let Some(value) = &flags.colors {
        check_colors(value).map_err(|message| ConfigError::Flag {
            name: "colors",
            value: value.clone(),
            message,
        })?;
    }
    config.theme.replace(flags.theme, Origin::Flag("theme"));
    config.colors.replace(flags.colors, Origin::Flag("colors"));
    config.mouse.replace(flags.mouse, Origin::Flag("mouse"));
    config
        .shading
        .replace(flags.shading, Origin::Flag("shading"));
    config.who.replace(flags.who, Origin::Flag("who"));
    Ok(())
}

pub(super) fn check_colors(value: &str) -> Result<(), String> {
    if COLORS.contains(&value) {
        return Ok(());
    }
    let hint = suggest(value, COLORS).map(|near| format!("; did you mean `{near}`?"));
    Err(format!(
        "`{value}` is none of {}{}",
        COLORS.join(", "),
        hint.unwrap_or_default()
    ))
}
