//! The README's table of keys is made from the table of actions.

use std::path::Path;

use pointsman::app::action::{ACTIONS, Context, Group};
use pointsman::tui::input::keymap::Keymap;

const BEGIN: &str = "<!-- keys -->";
const END: &str = "<!-- /keys -->";

/// The table: keys of the inspector (else of where the action works), action,
/// what it does; a group a heading.
fn table(keymap: &Keymap) -> String {
    let mut out = String::from("| keys | action | does |\n|---|---|---|\n");
    for group in Group::ALL {
        let rows: Vec<String> = ACTIONS
            .iter()
            .filter(|info| info.group == group)
            .map(|info| {
                let keys = shown_keys(keymap, info.action);
                format!("| {keys} | `{}` | {} |\n", info.id, escape(info.doc))
            })
            .collect();
        if !rows.is_empty() {
            out.push_str(&format!("| **{}** | | |\n{}", group.title(), rows.concat()));
        }
    }
    out
}

fn shown_keys(keymap: &Keymap, action: pointsman::app::action::Action) -> String {
    let mut keys = keymap.keys_for(action, Context::Inspector);
    if keys.is_empty() {
        keys = Context::ALL
            .into_iter()
            .map(|context| keymap.keys_for(action, context))
            .find(|keys| !keys.is_empty())
            .unwrap_or_default();
    }
    let keys: Vec<String> = keys
        .iter()
        .map(|key| format!("`{}`", escape(key)))
        .collect();
    keys.join(" ")
}

/// A bar would end the cell.
fn escape(text: &str) -> String {
    text.replace('|', "\\|")
}

#[test]
fn the_readme_shows_the_default_keys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = readme
        .split_once(BEGIN)
        .expect("README.md has `<!-- keys -->`");
    let (found, tail) = rest
        .split_once(END)
        .expect("README.md has `<!-- /keys -->`");
    let wanted = format!("\n{}", table(&Keymap::default()));
    if found == wanted {
        return;
    }
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, format!("{head}{BEGIN}{wanted}{END}{tail}")).unwrap();
        return;
    }
    panic!(
        "README.md has other keys than the keymap: run the tests with UPDATE_README=1\n{wanted}"
    );
}
