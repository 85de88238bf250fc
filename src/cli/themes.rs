//! `themes`: which there are, the text of one, and a check of a file.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use crate::config::Flags;
use crate::headless::plain::plain;
use crate::headless::{Exit, Failure};
use crate::tui::theme::{Background, Listed, Place, ROLES, Themes};

use super::layout::{Cell, item, sentence, table};
use super::screen;

/// List the themes, print one, or check a file of your own
///
/// Without a name every theme is listed with where it comes from: part of the
/// program, or a file of yours in the folder `themes` of the configuration. One
/// of yours may have the name of one of the program's, and stands in its place.
///
/// With a name its TOML is printed, to start a theme of your own from. What a
/// theme does not say it takes from the one it `inherits`, else from `dark` or
/// `light`.
///
/// `--check FILE` says what is wrong with a file, wherever it lies; what it
/// inherits is looked for in your folder.
///
/// Exit code 2: no such theme, or something is wrong with the file.
#[derive(Debug, Clone, Args)]
pub(super) struct ThemesArgs {
    /// Print this one
    #[arg(value_name = "NAME", group = "what")]
    name: Option<String>,
    /// Say what is wrong with a theme's file
    #[arg(long, value_name = "FILE", group = "what")]
    check: Option<PathBuf>,
    /// List the roles that a theme gives styles to
    #[arg(long, group = "what")]
    roles: bool,
    /// Print it as one JSON document
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ThemesArgs) -> Result<(), Failure> {
    if args.roles {
        return roles(args.json);
    }
    let config = screen::configuration(Flags::default())?;
    let themes = Themes::new(config.themes_folder());
    if let Some(path) = &args.check {
        return check(&themes, path, args.json);
    }
    if let Some(name) = &args.name {
        return one(&themes, name, args.json);
    }
    let listed = themes.list();
    let current = config.theme.value.as_str();
    if args.json {
        let found: Vec<Value> = listed.iter().map(told).collect();
        let folder = config.themes_folder();
        let document = json!({ "current": current, "folder": folder, "themes": found });
        return super::print(&super::document(&document, "the themes")?);
    }
    super::print(&plain(&text(&listed, current, super::columns())))?;
    for fault in listed.iter().flat_map(|one| &one.faults) {
        super::say(&format!("warning: {fault}\n"));
    }
    if !listed.iter().any(|one| one.name == current) {
        let from = &config.theme.origin;
        super::say(&format!(
            "warning: no theme `{current}` ({from}): `dark` is used\n"
        ));
    }
    Ok(())
}

fn text(listed: &[Listed], current: &str, columns: usize) -> String {
    let heads = ["", "theme", "for", "what", "from"].map(sentence);
    let rows = listed.iter().map(|one| {
        let sign = match one.name == current {
            true => "*",
            false => "",
        };
        vec![
            sentence(sign),
            vec![one.name.clone()],
            sentence(background(one.background)),
            sentence(one.description.as_deref().unwrap_or("–")),
            sentence(&one.place.to_string()),
        ]
    });
    let rows: Vec<Vec<Cell>> = std::iter::once(heads.into()).chain(rows).collect();
    format!("{}\n* the one that is used\n", table(&rows, columns, 0))
}

fn told(one: &Listed) -> Value {
    let mut told = json!({
        "name": one.name,
        "background": background(one.background),
        "description": one.description,
        "inherits": one.inherits,
        "faults": one.faults,
    });
    put_place(&mut told, &one.place);
    told
}

fn put_place(told: &mut Value, place: &Place) {
    let (file, hides) = match place {
        Place::Program => (None, false),
        Place::File { path, hides } => (Some(path), *hides),
    };
    told["file"] = json!(file);
    told["hides_the_programs"] = json!(hides);
}

fn background(of: Background) -> &'static str {
    match of {
        Background::Dark => "dark",
        Background::Light => "light",
    }
}

/// Prints the TOML of a theme.
fn one(themes: &Themes, name: &str, json: bool) -> Result<(), Failure> {
    let text = themes.text(name).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::usage(error.to_string()),
        _ => Failure::usage(format!("theme `{name}`: {error}")),
    })?;
    if !json {
        return super::print(&plain(&text.toml));
    }
    let mut document = json!({ "name": name, "toml": text.toml });
    put_place(&mut document, &text.place);
    super::print(&super::document(&document, "the theme")?)
}

/// Says what is wrong with a file.
fn check(themes: &Themes, path: &Path, json: bool) -> Result<(), Failure> {
    let shown = path.display();
    let faults = themes
        .check(path)
        .map_err(|error| Failure::usage(format!("{shown}: {error}")))?;
    let text = match json {
        true => {
            let document = json!({ "file": path, "faults": faults });
            super::document(&document, "what was found")?
        }
        false if faults.is_empty() => format!("{shown}: nothing is wrong with it\n"),
        false => {
            let columns = super::columns();
            let lines = faults.iter().map(|fault| item("!", fault, columns, 0));
            lines.collect()
        }
    };
    super::print(&match json {
        true => text,
        false => plain(&text).into_owned(),
    })?;
    match faults.len() {
        0 => Ok(()),
        1 => Err(Failure::new(
            Exit::Usage,
            format!("{shown}: something is wrong with it"),
        )),
        many => Err(Failure::new(
            Exit::Usage,
            format!("{shown}: {many} things are wrong with it"),
        )),
    }
}

/// Lists what a theme can give a style to.
fn roles(json: bool) -> Result<(), Failure> {
    if json {
        let roles = ROLES
            .iter()
            .map(|role| json!({ "name": role.name, "for": role.doc }));
        let document = json!({ "roles": roles.collect::<Vec<Value>>() });
        return super::print(&super::document(&document, "the roles")?);
    }
    let rows: Vec<Vec<Cell>> = ROLES
        .iter()
        .map(|role| vec![vec![role.name.to_owned()], sentence(role.doc)])
        .collect();
    super::print(&table(&rows, super::columns(), 0))
}
