//! Printing a tour so that it reads back as the same one.

use std::fmt::Write as _;

use super::{Deed, PAUSE, Rest, Scene, Tour};

impl Deed {
    /// Bytes that it takes in a file, at most: it may be done again.
    #[must_use]
    pub fn bytes(&self) -> usize {
        /// `{ action = , times = 1000 }`, and a comma.
        const AGAIN: usize = 32;
        deed(self).len() + AGAIN
    }
}

impl Tour {
    /// The text of a `.tour` file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        let text = |text: &Option<String>| text.as_deref().map(quoted);
        let logs = match self.logs.as_slice() {
            [] => None,
            [log] => Some(quoted(log)),
            logs => Some(quoted_list(logs.iter())),
        };
        let heads = [
            ("title", text(&self.title)),
            ("log", logs),
            ("filter", text(&self.filter)),
            ("problem", text(&self.problem)),
            ("run", text(&self.run)),
            ("theme", text(&self.theme)),
        ];
        for (key, value) in heads {
            if let Some(value) = value {
                line(&mut out, key, &value);
            }
        }
        for scene in &self.scenes {
            out.push_str("\n[[scene]]\n");
            write_scene(&mut out, scene);
        }
        out
    }
}

fn write_scene(out: &mut String, scene: &Scene) {
    if !scene.deeds.is_empty() {
        let deeds: Vec<String> = scene.deeds.iter().map(deed).collect();
        line(out, "do", &format!("[{}]", deeds.join(", ")));
    }
    if let Some(every) = scene.every {
        line(out, "every", &seconds(every));
    }
    if let Some(caption) = &scene.caption {
        line(out, "caption", &quoted(caption));
    }
    if !scene.highlight.is_empty() {
        line(out, "highlight", &quoted_list(scene.highlight.iter()));
    }
    match scene.rest {
        Rest::Pause(PAUSE) => {}
        Rest::Pause(milliseconds) => line(out, "pause", &seconds(milliseconds)),
        Rest::Key => line(out, "wait", &quoted("key")),
    }
}

fn line(out: &mut String, key: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{key} = {value}");
}

fn deed(deed: &Deed) -> String {
    match deed {
        Deed::Type(text) => format!("{{ type = {} }}", quoted(text)),
        Deed::Act {
            action,
            count: None,
            times: 1,
        } => quoted(action.id()),
        Deed::Act {
            action,
            count,
            times,
        } => {
            let mut text = format!("{{ action = {}", quoted(action.id()));
            if let Some(count) = count {
                let _ = write!(text, ", count = {count}");
            }
            if *times != 1 {
                let _ = write!(text, ", times = {times}");
            }
            text.push_str(" }");
            text
        }
    }
}

/// Several strings in brackets.
fn quoted_list(items: impl Iterator<Item = impl ToString>) -> String {
    let items: Vec<String> = items.map(|item| quoted(&item.to_string())).collect();
    format!("[{}]", items.join(", "))
}

/// A string on one line, as TOML writes it.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Milliseconds as seconds, without what rounding would add.
fn seconds(milliseconds: u64) -> String {
    let (whole, rest) = (milliseconds / 1000, milliseconds % 1000);
    let text = format!("{whole}.{rest:03}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
