//! `config`: which files are read, what they come to, and what is wrong with
//! them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::config::{Config, DEFAULT_CONFIG, DEFAULT_KEYS, Flags, Origin, config_dir};
use crate::headless::plain::plain;
use crate::headless::{Exit, Failure};
use crate::tui::input::keymap::Keymap;
use crate::tui::theme::{ColorDepth, Place, Themes};

use super::layout::{Cell, item, sentence, table};
use super::screen;

/// Show the configuration: files, settings and where each comes from
///
/// Says which files are read (POINTSMAN_CONFIG_DIR, or where it is not set your
/// system's folder), what every setting is and who set it: the defaults,
/// config.toml, a variable of the environment; flags of a command go over all
/// of them. A file that is not there is no fault.
///
/// `--check` also reads every theme of yours, and fails where anything is wrong.
///
/// `--default` prints the file with every setting at its default, and
/// `--default-keys` that of the keys, to start from:
///
///   pointsman config --default > ~/.config/pointsman/config.toml
///
/// Exit codes: 0; 2 where the configuration cannot be used, and with `--check`
/// where anything is wrong with it.
#[derive(Debug, Clone, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct ConfigArgs {
    /// Fail where a setting, a key or a theme is wrong
    #[arg(long, group = "what")]
    check: bool,
    /// Print a commented config.toml to start from
    #[arg(long, group = "what")]
    default: bool,
    /// Print a commented keys.toml to start from
    #[arg(long, group = "what")]
    default_keys: bool,
    /// Print it as one JSON document
    #[arg(long)]
    json: bool,
}

/// Something of the configuration that is not as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Fault {
    /// `settings`, `theme` or `keys`.
    pub about: &'static str,
    pub text: String,
    /// What to do about it.
    pub help: &'static str,
}

/// What is wrong with the theme that is used and with the keys: the program
/// starts all the same.
pub(super) fn faults(env: &BTreeMap<String, String>, config: &Config) -> Vec<Fault> {
    let loaded = Themes::new(config.themes_folder()).load(&config.theme.value, depth(env, config));
    let (_, conflicts) = Keymap::with_bindings(&config.keys);
    let of = |about, help| move |text: String| Fault { about, text, help };
    let themes = loaded.warnings.into_iter();
    let keys = conflicts.into_iter();
    themes
        .map(of("theme", "mend it, or name another in config.toml"))
        .chain(keys.map(of("keys", "mend it in keys.toml or config.toml")))
        .collect()
}

/// The colours that are drawn in this terminal.
fn depth(env: &BTreeMap<String, String>, config: &Config) -> ColorDepth {
    ColorDepth::from_name(&config.colors.value).unwrap_or_else(|| ColorDepth::detect(env))
}

/// A file or folder of the configuration.
#[derive(Serialize)]
struct File {
    name: &'static str,
    path: PathBuf,
    found: bool,
}

/// Who said what a setting is.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Source {
    Default,
    File { path: PathBuf },
    Environment { name: &'static str },
    Flag { name: &'static str },
}

impl From<&Origin> for Source {
    fn from(origin: &Origin) -> Self {
        match origin {
            Origin::Default => Self::Default,
            Origin::File(path) => Self::File { path: path.clone() },
            Origin::Environment(name) => Self::Environment { name },
            Origin::Flag(name) => Self::Flag { name },
        }
    }
}

#[derive(Serialize)]
struct Setting {
    name: &'static str,
    value: String,
    source: Source,
    /// The source in words.
    #[serde(skip)]
    from: String,
}

/// Everything that is known of the configuration.
#[derive(Serialize)]
struct Document {
    /// `None` where there is no home.
    folder: Option<PathBuf>,
    /// Whether a variable named the folder.
    named: bool,
    files: Vec<File>,
    /// Empty where they cannot be read.
    settings: Vec<Setting>,
    /// The colours that are drawn here, where `colors` is `auto`.
    colors_here: Option<&'static str>,
    /// Keys that are bound in the files.
    keys: usize,
    faults: Vec<Fault>,
}

pub(super) fn run(args: &ConfigArgs) -> Result<(), Failure> {
    if args.default || args.default_keys {
        let (name, text) = match args.default {
            true => ("config.toml", DEFAULT_CONFIG),
            false => ("keys.toml", DEFAULT_KEYS),
        };
        return super::print(&match args.json {
            true => super::document(
                &serde_json::json!({ "name": name, "text": text }),
                "the file",
            )?,
            false => text.to_owned(),
        });
    }
    let env = screen::environment();
    let config = screen::configuration(Flags::default());
    let document = Document::of(&env, &config, args.check);
    super::print(&match args.json {
        true => super::document(&document, "the configuration")?,
        false => plain(&document.to_text(super::columns())).into_owned(),
    })?;
    let unusable = config.err().map(|failure| {
        failure.hint("`pointsman config --default` prints a file that is right, to compare with")
    });
    let wrong = document.faults.len();
    match unusable {
        Some(failure) => Err(failure),
        None if args.check && wrong > 0 => Err(Failure::new(
            Exit::Usage,
            match wrong {
                1 => "something is wrong with the configuration".to_owned(),
                _ => format!("{wrong} things are wrong with the configuration"),
            },
        )),
        None => Ok(()),
    }
}

impl Document {
    fn of(
        env: &BTreeMap<String, String>,
        config: &Result<Config, Failure>,
        every_theme: bool,
    ) -> Self {
        let folder = config_dir(env);
        let files = folder.as_deref().map(files).unwrap_or_default();
        let mut document = Self {
            named: env
                .get("POINTSMAN_CONFIG_DIR")
                .is_some_and(|folder| !folder.is_empty()),
            folder,
            files,
            settings: Vec::new(),
            colors_here: None,
            keys: 0,
            faults: Vec::new(),
        };
        match config {
            Ok(config) => document.describe(env, config, every_theme),
            Err(failure) => document.faults.push(Fault {
                about: "settings",
                text: failure.message.clone(),
                help: "no command that draws starts before it is mended",
            }),
        }
        document
    }

    fn describe(&mut self, env: &BTreeMap<String, String>, config: &Config, every_theme: bool) {
        let settings = config.settings().into_iter();
        self.settings = settings
            .map(|(name, value, origin)| Setting {
                name,
                value,
                source: origin.into(),
                from: origin.to_string(),
            })
            .collect();
        self.colors_here = (config.colors.value == "auto").then(|| depth(env, config).name());
        self.keys = config.keys.len();
        self.faults = faults(env, config);
        if every_theme {
            self.faults.extend(others(config));
        }
    }

    fn to_text(&self, columns: usize) -> String {
        let Some(folder) = &self.folder else {
            return "there is no home folder: name one by POINTSMAN_CONFIG_DIR\n".to_owned()
                + &self.settings_text(columns);
        };
        let whose = match self.named {
            true => "by POINTSMAN_CONFIG_DIR",
            false => "this system's",
        };
        let mut rows = vec![row("folder", &folder.display().to_string(), whose)];
        rows.extend(self.files.iter().map(|file| {
            let state = if file.found { "found" } else { "not there" };
            row(file.name, &file.path.display().to_string(), state)
        }));
        format!(
            "{}{}",
            table(&rows, columns, 0),
            self.settings_text(columns)
        )
    }

    fn settings_text(&self, columns: usize) -> String {
        let mut text = String::new();
        if !self.settings.is_empty() {
            let mut rows = vec![row("setting", "value", "from")];
            rows.extend(self.settings.iter().map(|setting| {
                let here = self.colors_here.filter(|_| setting.name == "colors");
                let value = match here {
                    Some(here) => format!("{} ({here} here)", setting.value),
                    None => setting.value.clone(),
                };
                row(setting.name, &value, &setting.from)
            }));
            text = format!("\n{}", table(&rows, columns, 0));
            let keys = match self.keys {
                0 => "no key is rebound".to_owned(),
                1 => "one key is rebound: `pointsman keys --changed` shows it".to_owned(),
                keys => format!("{keys} keys are rebound: `pointsman keys --changed` shows them"),
            };
            text.push_str(&format!("\n{keys}\n"));
        }
        for fault in &self.faults {
            let line = format!("{}: {}", fault.about, fault.text);
            text.push_str(&item("!", &line, columns, 0));
        }
        text
    }
}

fn row(name: &str, value: &str, from: &str) -> Vec<Cell> {
    vec![sentence(name), vec![value.to_owned()], sentence(from)]
}

/// The files and folders of the configuration.
fn files(folder: &Path) -> Vec<File> {
    let of = |name: &'static str| {
        let path = folder.join(name);
        File {
            name,
            found: path.exists(),
            path,
        }
    };
    ["config.toml", "keys.toml", "themes"].map(of).into()
}

/// What is wrong with the user's themes that are not used.
fn others(config: &Config) -> Vec<Fault> {
    let listed = Themes::new(config.themes_folder()).list().into_iter();
    let own = listed
        .filter(|one| one.name != config.theme.value && matches!(one.place, Place::File { .. }));
    own.flat_map(|one| one.faults)
        .map(|text| Fault {
            about: "theme",
            text,
            help: "mend it: `pointsman themes --check FILE` looks at it again",
        })
        .collect()
}
