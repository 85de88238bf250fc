//! `keys`: the keymap as it is, with what the user changed.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use serde_json::{Value, json};

use crate::app::action::{ACTIONS, Action, Context};
use crate::config::Flags;
use crate::headless::Failure;
use crate::headless::plain::plain;
use crate::tui::input::keymap::Keymap;
use crate::tui::input::listing::Bound;

use super::layout::{Cell, sentence, table};
use super::screen;

/// List every key and what it does, with yours
///
/// By context: what is bound in `global` works wherever the screen that is
/// shown has not bound the key to something else. Keys that you changed in
/// keys.toml or config.toml carry a `*`. What is wrong with them is told on
/// stderr: an action or a context that is not there, a key that hides another,
/// one that is bound twice, and one bound everywhere that some screen has for
/// something else.
///
/// `--toml` prints them as a keys.toml: what you changed as it stands, every
/// default as a comment. Write it to another file first: a shell empties the one
/// that it writes to before this program reads it.
#[derive(Debug, Clone, Args)]
pub(super) struct KeysArgs {
    /// Only the keys of one context
    #[arg(long, value_name = "NAME", value_parser = context_parser(), conflicts_with = "toml")]
    context: Option<Context>,
    /// Only the keys that you changed
    #[arg(long, conflicts_with = "toml")]
    changed: bool,
    /// Print them as a keys.toml
    #[arg(long, conflicts_with = "json")]
    toml: bool,
    /// Print them as one JSON document
    #[arg(long)]
    json: bool,
}

/// Reads the name of a context.
fn context_parser() -> impl clap::builder::TypedValueParser<Value = Context> {
    let names = PossibleValuesParser::new(Context::ALL.map(Context::id));
    names.try_map(|name| Context::from_id(&name).ok_or("no such context"))
}

pub(super) fn run(args: &KeysArgs) -> Result<(), Failure> {
    let config = screen::configuration(Flags::default())?;
    let (keymap, mut faults) = Keymap::with_bindings(&config.keys);
    faults.extend(keymap.covered());
    let listed: Vec<Bound> = keymap
        .listed()
        .into_iter()
        .filter(|bound| args.context.is_none_or(|context| context == bound.context))
        .filter(|bound| !args.changed || bound.is_changed())
        .collect();
    let text = match (args.toml, args.json) {
        (true, _) => keymap.to_toml(),
        (_, true) => super::document(&document(&listed, &faults), "the keys")?,
        _ => plain(&text(&listed, args.changed, super::columns())).into_owned(),
    };
    super::print(&text)?;
    for fault in faults.iter().filter(|_| !args.json) {
        super::say(&format!("warning: {fault}\n"));
    }
    Ok(())
}

/// An action of a context with its keys: those that are as by default and those
/// that are not stand apart.
struct Row {
    chords: Vec<String>,
    /// `None` where the keys are bound no more.
    action: Option<Action>,
    changed: bool,
    /// What they did by default, where that was something else.
    was: Option<Action>,
}

fn rows(listed: &[Bound], context: Context) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for bound in listed.iter().filter(|bound| bound.context == context) {
        let changed = bound.is_changed();
        let was = bound.default.filter(|_| changed);
        match rows.last_mut() {
            Some(row) if (row.action, row.changed, row.was) == (bound.action, changed, was) => {
                row.chords.push(bound.chord.clone());
            }
            _ => rows.push(Row {
                chords: vec![bound.chord.clone()],
                action: bound.action,
                changed,
                was,
            }),
        }
    }
    rows
}

fn text(listed: &[Bound], only_changed: bool, columns: usize) -> String {
    if listed.is_empty() {
        return match only_changed {
            true => "every key is as it is by default\n".to_owned(),
            false => "no key is bound here\n".to_owned(),
        };
    }
    let of = |context: Context| {
        let cells: Vec<Vec<Cell>> = rows(listed, context).iter().map(cells).collect();
        let rows = table(&cells, columns, 2);
        (!cells.is_empty()).then(|| format!("{}\n{rows}", context.id()))
    };
    let parts: Vec<String> = Context::ALL.into_iter().filter_map(of).collect();
    parts.join("\n")
}

fn cells(row: &Row) -> Vec<Cell> {
    let sign = if row.changed { "*" } else { "" };
    let (name, doc) = match row.action {
        Some(action) => (action.id(), action.info().doc.to_owned()),
        None => ("none", String::new()),
    };
    let was = row.was.map(|was| format!("(default: {was})"));
    let told: Vec<&str> = [doc.as_str(), was.as_deref().unwrap_or_default()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    vec![
        sentence(sign),
        row.chords.clone(),
        sentence(name),
        sentence(&told.join(" ")),
    ]
}

fn document(listed: &[Bound], faults: &[String]) -> Value {
    let contexts: Vec<Value> = Context::ALL
        .into_iter()
        .filter_map(|context| {
            let keys: Vec<Value> = listed
                .iter()
                .filter(|bound| bound.context == context)
                .map(|bound| {
                    json!({
                        "keys": bound.chord,
                        "action": bound.action.map(Action::id),
                        "default": bound.default.map(Action::id),
                        "changed": bound.is_changed(),
                    })
                })
                .collect();
            (!keys.is_empty()).then(|| {
                json!({
                    "context": context.id(),
                    "falls_back_to_global": context.falls_back(),
                    "takes_counts": context.takes_counts(),
                    "takes_text": context.takes_text(),
                    "keys": keys,
                })
            })
        })
        .collect();
    let actions: Vec<Value> = ACTIONS
        .iter()
        .map(|info| json!({ "action": info.id, "does": info.doc, "group": info.group.title() }))
        .collect();
    json!({ "contexts": contexts, "actions": actions, "faults": faults })
}
