//! `config.toml` and `keys.toml`: reading, with errors that name the line.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::layers::{KeyBinding, check_colors};
use super::{ConfigError, suggest};

/// What a configuration file says; what it does not say is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FileSettings {
    pub(super) theme: Option<String>,
    pub(super) colors: Option<String>,
    pub(super) mouse: Option<bool>,
    pub(super) shading: Option<bool>,
    pub(super) who: Option<String>,
    pub(super) keys: Vec<KeyBinding>,
}

const KEYS: [&str; 6] = ["theme", "colors", "mouse", "shading", "who", "keys"];

/// A file with its text, for errors.
struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn error(&self, span: &Range<usize>, message: String) -> ConfigError {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        ConfigError::File {
            path: self.path.to_owned(),
            line,
            message,
        }
    }

    fn table<'t>(&self, text: &'t str) -> Result<toml::Spanned<DeTable<'t>>, ConfigError> {
        DeTable::parse(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            self.error(&span, error.message().to_owned())
        })
    }

    fn string(&self, key: &str, value: &toml::Spanned<DeValue<'_>>) -> Result<String, ConfigError> {
        let text = value.get_ref().as_str().filter(|text| !text.is_empty());
        text.map(str::to_owned)
            .ok_or_else(|| self.error(&value.span(), format!("`{key}` is a string in quotes")))
    }

    fn switch(&self, key: &str, value: &toml::Spanned<DeValue<'_>>) -> Result<bool, ConfigError> {
        let on = value.get_ref().as_bool();
        on.ok_or_else(|| self.error(&value.span(), format!("`{key}` is true or false")))
    }
}

/// Text of `path`; `None` if there is no such file.
fn read(path: &Path) -> Result<Option<String>, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ConfigError::Read {
            path: PathBuf::from(path),
            source,
        }),
    }
}

/// Reads `config.toml`; a missing file says nothing.
pub(super) fn read_config(path: &Path) -> Result<FileSettings, ConfigError> {
    let Some(text) = read(path)? else {
        return Ok(FileSettings::default());
    };
    let file = File { path, text: &text };
    let mut settings = FileSettings::default();
    for (key, value) in file.table(&text)?.get_ref() {
        let name: &str = key.get_ref();
        match name {
            "theme" => settings.theme = Some(file.string(name, value)?),
            "colors" => {
                let colors = file.string(name, value)?;
                check_colors(&colors).map_err(|message| file.error(&value.span(), message))?;
                settings.colors = Some(colors);
            }
            "mouse" => settings.mouse = Some(file.switch(name, value)?),
            "shading" => settings.shading = Some(file.switch(name, value)?),
            "who" => settings.who = Some(file.string(name, value)?),
            "keys" => match value.get_ref() {
                DeValue::Table(table) => read_key_tables(&file, table, &mut settings.keys)?,
                _ => {
                    return Err(file.error(
                        &value.span(),
                        "`keys` is a table such as [keys.inspector]".into(),
                    ));
                }
            },
            unknown => {
                let hint = suggest(unknown, KEYS).map(|near| format!("; did you mean `{near}`?"));
                let message = format!("unknown setting `{unknown}`{}", hint.unwrap_or_default());
                return Err(file.error(&key.span(), message));
            }
        }
    }
    Ok(settings)
}

/// Reads `keys.toml`: a table per context.
pub(super) fn read_keys(path: &Path) -> Result<Vec<KeyBinding>, ConfigError> {
    let Some(text) = read(path)? else {
        return Ok(Vec::new());
    };
    let file = File { path, text: &text };
    let mut bindings = Vec::new();
    read_key_tables(&file, file.table(&text)?.get_ref(), &mut bindings)?;
    Ok(bindings)
}

/// Names of contexts and actions are checked by the keymap, which warns: a
/// misspelt key must not keep the program from starting.
fn read_key_tables(
    file: &File<'_>,
    tables: &DeTable<'_>,
    bindings: &mut Vec<KeyBinding>,
) -> Result<(), ConfigError> {
    for (context, table) in tables {
        let DeValue::Table(table) = table.get_ref() else {
            let message = format!(
                "`{}` is a context and needs a table: [{}]",
                context.get_ref(),
                context.get_ref()
            );
            return Err(file.error(&context.span(), message));
        };
        for (keys, action) in table {
            bindings.push(KeyBinding {
                context: context.get_ref().to_string(),
                keys: keys.get_ref().to_string(),
                action: file.string(keys.get_ref(), action)?,
            });
        }
    }
    Ok(())
}
