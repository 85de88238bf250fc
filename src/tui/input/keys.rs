//! Keys and their notation: `j`, `S`, `space`, `ctrl-d`, `shift-tab`, `f1`,
//! `[`; two or more in a row make a chord: `gg`, `]e`, `ctrl-w j`.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use thiserror::Error;

/// A key without its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// A character; letters carry their shift (`S`, not `shift-s`).
    Char(char),
    F(u8),
    Enter,
    Esc,
    Tab,
    Backspace,
    Delete,
    Insert,
    Home,
    End,
    PageUp,
    PageDown,
    Up,
    Down,
    Left,
    Right,
}

/// A key with its modifiers, in one canonical form: equal keys compare equal
/// whatever way the terminal reported them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub code: Code,
    pub ctrl: bool,
    pub alt: bool,
    /// Never set with [`Code::Char`]: the character says it.
    pub shift: bool,
}

/// Why a key could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    #[error("an empty key: write a key such as `j`, `ctrl-d`, `space` or `gg`")]
    Empty,
    #[error(
        "`{0}` is no key: write a single character, or one of space, enter, esc, tab, backspace, \
         delete, insert, home, end, pageup, pagedown, up, down, left, right, f1 to f24, with \
         ctrl-, alt- or shift- before it"
    )]
    Unknown(String),
    #[error("`{0}` needs no shift-: write the character itself, e.g. `S` or `?`")]
    Shift(String),
}

const NAMES: &[(&str, Code)] = &[
    ("space", Code::Char(' ')),
    ("minus", Code::Char('-')),
    ("enter", Code::Enter),
    ("esc", Code::Esc),
    ("tab", Code::Tab),
    ("backspace", Code::Backspace),
    ("delete", Code::Delete),
    ("insert", Code::Insert),
    ("home", Code::Home),
    ("end", Code::End),
    ("pageup", Code::PageUp),
    ("pagedown", Code::PageDown),
    ("up", Code::Up),
    ("down", Code::Down),
    ("left", Code::Left),
    ("right", Code::Right),
];

impl Key {
    /// A key without modifiers.
    #[must_use]
    pub const fn plain(code: Code) -> Self {
        Self {
            code,
            ctrl: false,
            alt: false,
            shift: false,
        }
    }

    /// The key of a terminal event; `None` for releases and for keys that
    /// have no notation (media keys, bare modifiers).
    #[must_use]
    pub fn from_event(event: &KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let mut shift = event.modifiers.contains(KeyModifiers::SHIFT);
        let code = match event.code {
            KeyCode::Char(c) => {
                // Some terminals report `S` as `s` with shift, some as `S`.
                let c = if shift && c.is_lowercase() {
                    upper(c)
                } else {
                    c
                };
                shift = false;
                Code::Char(c)
            }
            KeyCode::BackTab => {
                shift = true;
                Code::Tab
            }
            KeyCode::Enter => Code::Enter,
            KeyCode::Esc => Code::Esc,
            KeyCode::Tab => Code::Tab,
            KeyCode::Backspace => Code::Backspace,
            KeyCode::Delete => Code::Delete,
            KeyCode::Insert => Code::Insert,
            KeyCode::Home => Code::Home,
            KeyCode::End => Code::End,
            KeyCode::PageUp => Code::PageUp,
            KeyCode::PageDown => Code::PageDown,
            KeyCode::Up => Code::Up,
            KeyCode::Down => Code::Down,
            KeyCode::Left => Code::Left,
            KeyCode::Right => Code::Right,
            KeyCode::F(n) => Code::F(n),
            _ => return None,
        };
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let alt = event.modifiers.contains(KeyModifiers::ALT);
        Some(Self {
            code: fold_ctrl(code, ctrl),
            ctrl,
            alt,
            shift,
        })
    }

    /// The character this key types, if it types one.
    #[must_use]
    pub const fn text(self) -> Option<char> {
        match self.code {
            Code::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }
}

/// Terminals do not tell `ctrl-d` from `ctrl-D`.
fn fold_ctrl(code: Code, ctrl: bool) -> Code {
    match code {
        Code::Char(c) if ctrl => Code::Char(c.to_ascii_lowercase()),
        other => other,
    }
}

/// The capital of `c`, or `c` where there is no single one.
fn upper(c: char) -> char {
    let mut capitals = c.to_uppercase();
    match (capitals.next(), capitals.next()) {
        (Some(capital), None) => capital,
        _ => c,
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (set, prefix) in [
            (self.ctrl, "ctrl-"),
            (self.alt, "alt-"),
            (self.shift, "shift-"),
        ] {
            if set {
                f.write_str(prefix)?;
            }
        }
        if let Some((name, _)) = NAMES.iter().find(|(_, code)| *code == self.code) {
            // `-` alone is clear; behind a prefix it would read as two dashes.
            let bare = !(self.ctrl || self.alt || self.shift);
            return f.write_str(if *name == "minus" && bare { "-" } else { name });
        }
        match self.code {
            Code::F(n) => write!(f, "f{n}"),
            Code::Char(c) => write!(f, "{c}"),
            _ => Ok(()),
        }
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        let (mut ctrl, mut alt, mut shift) = (false, false, false);
        let mut rest = text;
        loop {
            if let Some(more) = strip_modifier(rest, &["ctrl-", "c-"]) {
                (ctrl, rest) = (true, more);
            } else if let Some(more) = strip_modifier(rest, &["alt-", "a-", "m-"]) {
                (alt, rest) = (true, more);
            } else if let Some(more) = strip_modifier(rest, &["shift-", "s-"]) {
                (shift, rest) = (true, more);
            } else {
                break;
            }
        }
        let code = read_code(rest).ok_or_else(|| KeyError::Unknown(text.to_owned()))?;
        if shift && matches!(code, Code::Char(_)) {
            return Err(KeyError::Shift(text.to_owned()));
        }
        Ok(Self {
            code: fold_ctrl(code, ctrl),
            ctrl,
            alt,
            shift,
        })
    }
}

/// `text` without one of the `prefixes`, as long as a key is left.
fn strip_modifier<'a>(text: &'a str, prefixes: &[&str]) -> Option<&'a str> {
    prefixes.iter().find_map(|prefix| {
        let (head, rest) = text.split_at_checked(prefix.len())?;
        (head.eq_ignore_ascii_case(prefix) && !rest.is_empty()).then_some(rest)
    })
}

fn read_code(text: &str) -> Option<Code> {
    let mut chars = text.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return (!c.is_control()).then_some(Code::Char(c));
    }
    let lower = text.to_ascii_lowercase();
    if let Some((_, code)) = NAMES.iter().find(|(name, _)| *name == lower) {
        return Some(*code);
    }
    let number = lower.strip_prefix('f')?.parse::<u8>().ok()?;
    (1..=24).contains(&number).then_some(Code::F(number))
}

/// Reads a chord: keys separated by spaces, or plain characters in a row
/// (`gg`, `]e`).
///
/// # Errors
/// [`KeyError`] names the part that is no key.
pub fn parse_chord(text: &str) -> Result<Vec<Key>, KeyError> {
    let mut chord = Vec::new();
    for part in text.split_whitespace() {
        match part.parse::<Key>() {
            Ok(key) => chord.push(key),
            Err(error) => chord.extend(read_run(part).ok_or(error)?),
        }
    }
    if chord.is_empty() {
        Err(KeyError::Empty)
    } else {
        Ok(chord)
    }
}

/// Two or three plain characters in a row; more is surely a misspelt name.
fn read_run(text: &str) -> Option<Vec<Key>> {
    let length = text.chars().count();
    // A word of three letters is more likely a typo (`ecs`) than a chord.
    let word = length > 2 && text.chars().all(char::is_alphanumeric);
    if !(2..=3).contains(&length) || word || text.chars().any(char::is_control) {
        return None;
    }
    Some(text.chars().map(|c| Key::plain(Code::Char(c))).collect())
}

/// Prints a chord so that [`parse_chord`] reads it back.
#[must_use]
pub fn print_chord(chord: &[Key]) -> String {
    let run = chord.len() <= 3
        && chord
            .iter()
            .all(|key| matches!(key.text(), Some(c) if c != ' '));
    let parts: Vec<String> = chord.iter().map(ToString::to_string).collect();
    let joined = parts.concat();
    if run && parse_chord(&joined).as_deref() == Ok(chord) {
        joined
    } else {
        parts.join(" ")
    }
}
