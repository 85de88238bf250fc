//! A person edits a text in their own editor.

use std::io::Write as _;
use std::process::Command;

/// The editor by the variables that `variable` looks up: `$VISUAL` or
/// `$EDITOR`, else `vi`.
pub fn editor(variable: impl Fn(&str) -> Option<String>) -> String {
    let named = ["VISUAL", "EDITOR"].into_iter().filter_map(variable);
    let mut named = named.filter(|value| !value.trim().is_empty());
    named.next().unwrap_or_else(|| "vi".to_owned())
}

/// Opens `$VISUAL` or `$EDITOR` (else `vi`) on a temporary file that holds
/// `text`, waits for it, and returns what was saved; `None` where nothing was
/// changed. The terminal must have been left.
///
/// # Errors
/// In words for the person: no editor, a failed one, a file that cannot be
/// read again.
pub fn edit(text: &str) -> Result<Option<String>, String> {
    let editor = editor(|name| std::env::var(name).ok());
    let mut file = tempfile::Builder::new()
        .prefix("pointsman-step-")
        .suffix(".md")
        .tempfile()
        .map_err(|error| format!("cannot make a file to edit: {error}"))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.flush())
        .map_err(|error| format!("cannot write the file to edit: {error}"))?;
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = Command::new(program)
        .args(words)
        .arg(file.path())
        .status()
        .map_err(|error| format!("cannot start the editor `{editor}`: {error}; set $EDITOR"))?;
    if !status.success() {
        return Err(format!(
            "the editor `{editor}` ended with {status}: nothing was taken over"
        ));
    }
    // Read by path: many editors write a new file in place of the old one.
    let edited = std::fs::read_to_string(file.path())
        .map_err(|error| format!("cannot read the edited file: {error}"))?;
    let edited = edited.trim_end_matches('\n');
    Ok((edited != text.trim_end_matches('\n')).then(|| edited.to_owned()))
}
