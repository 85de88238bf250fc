//! Printing a tour so that it reads back as the same one.

use std::fmt::Write as _;

use super::{Deed, PAUSE, Rest, Scene, Tour};

impl Tour {
    /// The text of a `.tour` file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        let heads = [
            ("title", &self.title),
            ("log", &self.log),
            ("problem", &self.problem),
            ("run", &self.run),
            ("theme", &self.theme),
        ];
        for (key, value) in heads {
            if let Some(value) = value {
                line(&mut out, key, &quoted(value));
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
        let targets = scene.highlight.iter();
        let targets: Vec<String> = targets.map(|target| quoted(&target.to_string())).collect();
        line(out, "highlight", &format!("[{}]", targets.join(", ")));
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
