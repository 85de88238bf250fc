//! The live keymap as a list: what every key does by context, what of it the
//! user changed, and the same as a file of keys.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::app::action::{ACTIONS, Action, Context};

use super::keymap::{Keymap, Lookup, Pending};
use super::keys::{Key, parse_chord};

/// A chord of a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    pub context: Context,
    /// In the notation of `keys.toml`.
    pub chord: String,
    /// What it does; `None` where the user took it away, or another chord hides
    /// it.
    pub action: Option<Action>,
    /// What it does by default; `None` where it is bound to nothing.
    pub default: Option<Action>,
}

impl Bound {
    /// Whether the user has it otherwise than it is by default.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.action != self.default
    }
}

impl Keymap {
    /// Every chord that is bound, or was by default: by context in the order of
    /// help, within one in that of the actions, what is bound no more behind.
    #[must_use]
    pub fn listed(&self) -> Vec<Bound> {
        let defaults = Self::default().chords();
        let default: BTreeMap<(Context, &str), Action> = by_chord(&defaults);
        let live = self.chords();
        let bound: BTreeMap<(Context, &str), Action> = by_chord(&live);
        let mut listed = Vec::new();
        for context in Context::ALL {
            let here = live.iter().filter(|(place, ..)| *place == context);
            listed.extend(here.map(|(_, chord, action)| Bound {
                context,
                chord: chord.clone(),
                action: Some(*action),
                default: default.get(&(context, chord.as_str())).copied(),
            }));
            let gone = defaults.iter().filter(|(place, chord, _)| {
                *place == context && !bound.contains_key(&(context, chord.as_str()))
            });
            listed.extend(gone.map(|(_, chord, action)| Bound {
                context,
                chord: chord.clone(),
                action: None,
                default: Some(*action),
            }));
        }
        listed
    }

    /// Every binding in the order of the actions.
    fn chords(&self) -> Vec<(Context, String, Action)> {
        let of = |action: Action| {
            let bound = self.bindings_of(action).into_iter();
            bound.map(move |(context, chord)| (context, chord, action))
        };
        ACTIONS.iter().flat_map(|info| of(info.action)).collect()
    }

    /// Keys that the user bound everywhere and that some contexts have for
    /// something else, a sentence each. Text fields, where keys are letters,
    /// are left out.
    #[must_use]
    pub fn covered(&self) -> Vec<String> {
        let listed = self.listed();
        let everywhere = listed
            .iter()
            .filter(|bound| bound.context == Context::Global && bound.is_changed());
        let mut told = Vec::new();
        for bound in everywhere {
            let (Some(action), Ok(chord)) = (bound.action, parse_chord(&bound.chord)) else {
                continue;
            };
            let mut others: Vec<(String, Vec<&str>)> = Vec::new();
            let places = Context::ALL.into_iter();
            for context in places.filter(|context| context.falls_back() && !context.takes_text()) {
                let Some(other) = self.instead(context, &chord, action) else {
                    continue;
                };
                match others.iter_mut().find(|(known, _)| *known == other) {
                    Some((_, contexts)) => contexts.push(context.id()),
                    None => others.push((other, vec![context.id()])),
                }
            }
            told.extend(others.into_iter().map(|(other, contexts)| {
                let (chord, contexts) = (&bound.chord, contexts.join(", "));
                format!("keys.global.\"{chord}\": `{action}` not in {contexts}, where it {other}")
            }));
        }
        told
    }

    /// What a chord does in a context in place of `action`.
    fn instead(&self, context: Context, chord: &[Key], action: Action) -> Option<String> {
        let mut pending = Pending::default();
        let last = chord.len().checked_sub(1)?;
        for (at, key) in chord.iter().enumerate() {
            match self.feed(&mut pending, context, *key, false) {
                Lookup::Action { action: found, .. } if at == last && found == action => {
                    return None;
                }
                Lookup::Action { action: found, .. } if at == last => {
                    return Some(format!("does `{found}`"));
                }
                Lookup::Action { action: found, .. } => {
                    return Some(format!("begins with a key that does `{found}`"));
                }
                Lookup::Pending if at == last => return Some("begins other keys".to_owned()),
                Lookup::Pending => {}
                Lookup::Text(_) | Lookup::Unbound(_) => {
                    return Some("does nothing".to_owned());
                }
            }
        }
        None
    }

    /// The keymap as a `keys.toml`: what the user changed as it stands, every
    /// default key as a comment. Read over the defaults it gives this keymap.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let listed = self.listed();
        let mut text = String::from(
            "# The keys as they are. Lines that begin with # are defaults: take the # away and\n\
             # change the action, or write \"none\". In config.toml every table is [keys.CONTEXT].\n",
        );
        for context in Context::ALL {
            let here: Vec<&Bound> = listed
                .iter()
                .filter(|bound| bound.context == context)
                .collect();
            if here.is_empty() {
                continue;
            }
            let _ = writeln!(text, "\n[{}]", context.id());
            for bound in &here {
                let Some(line) = line(bound, &here) else {
                    continue;
                };
                let _ = writeln!(text, "{line}");
            }
        }
        text
    }
}

fn by_chord(chords: &[(Context, String, Action)]) -> BTreeMap<(Context, &str), Action> {
    let chords = chords.iter();
    chords
        .map(|(context, chord, action)| ((*context, chord.as_str()), *action))
        .collect()
}

/// A line of a `keys.toml`; `None` for a default that another chord hides: to
/// bind that one says enough.
fn line(bound: &Bound, here: &[&Bound]) -> Option<String> {
    let key = toml::Value::from(bound.chord.as_str()).to_string();
    match bound.action {
        Some(action) => {
            let sign = if bound.is_changed() { "" } else { "# " };
            Some(format!("{sign}{key} = \"{action}\""))
        }
        None if here.iter().any(|other| hides(other, bound)) => None,
        None => Some(format!("{key} = \"none\"")),
    }
}

/// Whether a chord that is bound begins another one, or goes on behind it.
fn hides(other: &Bound, bound: &Bound) -> bool {
    let (Ok(own), Ok(theirs)) = (parse_chord(&bound.chord), parse_chord(&other.chord)) else {
        return false;
    };
    other.action.is_some() && (own.starts_with(&theirs) || theirs.starts_with(&own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KeyBinding;

    fn keymap(bindings: &[(&str, &str, &str)]) -> Keymap {
        let bindings: Vec<KeyBinding> = bindings
            .iter()
            .map(|(context, keys, action)| KeyBinding {
                context: (*context).to_owned(),
                keys: (*keys).to_owned(),
                action: (*action).to_owned(),
            })
            .collect();
        Keymap::with_bindings(&bindings).0
    }

    fn changed(keymap: &Keymap) -> Vec<(Context, String, Option<Action>, Option<Action>)> {
        let listed = keymap.listed().into_iter().filter(Bound::is_changed);
        listed
            .map(|bound| (bound.context, bound.chord, bound.action, bound.default))
            .collect()
    }

    #[test]
    fn every_default_key_is_listed_once_and_unchanged() {
        let listed = Keymap::default().listed();
        let keys = ACTIONS.iter().flat_map(|info| info.keys);
        let all: usize = keys.map(|(_, keys)| keys.len()).sum();
        assert_eq!(listed.len(), all);
        assert!(listed.iter().all(|bound| !bound.is_changed()));
        assert!(listed.is_sorted_by_key(|bound| bound.context));
    }

    #[test]
    fn what_the_user_changed_is_told_with_what_it_was() {
        let keymap = keymap(&[
            ("inspector", "x", "override"),
            ("global", "q", "none"),
            ("global", "Z Z", "quit"),
        ]);
        assert_eq!(
            changed(&keymap),
            [
                (Context::Global, "ZZ".to_owned(), Some(Action::Quit), None),
                (Context::Global, "q".to_owned(), None, Some(Action::Quit)),
                (
                    Context::Inspector,
                    "x".to_owned(),
                    Some(Action::Override),
                    Some(Action::Breakpoint)
                ),
            ]
        );
    }

    #[test]
    fn the_file_of_keys_gives_the_same_keymap() {
        for bindings in [
            &[][..],
            &[
                ("inspector", "x", "override"),
                ("global", "q", "none"),
                ("global", "ctrl-q", "quit"),
                ("tree", "\"", "quit"),
                ("tree", "'", "none"),
                ("tree", "\\", "quit"),
            ],
            // Hides `gg` and `go`.
            &[("global", "g", "last")],
            &[("inspector", "] e x", "quit"), ("inspector", "]", "none")],
        ] {
            let keymap = keymap(bindings);
            let text = keymap.to_toml();
            let read: toml::Table = text.parse().unwrap();
            let mut again = Vec::new();
            for (context, keys) in &read {
                for (keys, action) in keys.as_table().unwrap() {
                    again.push(KeyBinding {
                        context: context.clone(),
                        keys: keys.clone(),
                        action: action.as_str().unwrap().to_owned(),
                    });
                }
            }
            let (again, warnings) = Keymap::with_bindings(&again);
            assert_eq!(again.listed(), keymap.listed(), "{text}");
            let odd: Vec<&String> = warnings.iter().filter(|w| !w.contains("hides")).collect();
            assert!(odd.is_empty(), "{odd:?}\n{text}");
        }
    }

    #[test]
    fn a_key_bound_everywhere_that_a_context_has_otherwise_is_told() {
        let told = keymap(&[("global", "x", "quit")]).covered().join("\n");
        assert!(
            told.contains(
                "keys.global.\"x\": `quit` not in inspector, tree, where it does `breakpoint`"
            ),
            "{told}"
        );
        assert!(told.contains("label, where it does `blind`"), "{told}");
        let told = keymap(&[("global", "x y", "quit")]).covered().join("\n");
        assert!(
            told.contains("begins with a key that does `breakpoint`"),
            "{told}"
        );
        let told = keymap(&[("global", "]", "quit")]).covered().join("\n");
        assert!(told.contains("begins other keys"), "{told}");
        assert_eq!(
            keymap(&[("global", "f9", "quit")]).covered(),
            Vec::<String>::new()
        );
        assert_eq!(Keymap::default().covered(), Vec::<String>::new());
    }
}
