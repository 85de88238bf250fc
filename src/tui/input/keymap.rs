//! The keymap: a trie of chords per context, made from the table of actions,
//! with the user's bindings merged over it.

use std::collections::BTreeMap;

use crate::app::action::{ACTIONS, Action, Context};
use crate::config::KeyBinding;

use super::keys::{Code, Key, KeyError, parse_chord, print_chord};

/// Counts are capped here: nobody means more, and sums stay far from overflow.
const COUNT_MAX: u32 = 99_999;

/// What a key came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// An action, with the count typed before it.
    Action { action: Action, count: Option<u32> },
    /// A count or the beginning of a chord: more keys are awaited.
    Pending,
    /// A character to insert (only in contexts that take text).
    Text(char),
    /// Nothing is bound to it.
    Unbound(Key),
}

/// The keys typed so far that are not yet an action.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pending {
    count: Option<u32>,
    chord: Vec<Key>,
}

impl Pending {
    /// What the status line shows, e.g. `5]`; empty when nothing is pending.
    #[must_use]
    pub fn shown(&self) -> String {
        let count = self.count.map(|n| n.to_string()).unwrap_or_default();
        if self.chord.is_empty() {
            count
        } else {
            count + &print_chord(&self.chord)
        }
    }

    /// What [`Pending::shown`] shows once this key was pressed.
    #[must_use]
    pub fn shown_with(&self, key: Key) -> String {
        let mut next = self.clone();
        next.chord.push(key);
        next.shown()
    }

    /// Whether nothing is pending.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count.is_none() && self.chord.is_empty()
    }

    /// Forgets what was typed.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[derive(Debug, Clone)]
enum Node {
    Leaf(Action),
    Branch(BTreeMap<Key, Node>),
}

/// Bindings of every context.
#[derive(Debug, Clone)]
pub struct Keymap {
    tries: BTreeMap<Context, BTreeMap<Key, Node>>,
}

impl Default for Keymap {
    /// The default keys of [`ACTIONS`].
    fn default() -> Self {
        let mut keymap = Self {
            tries: BTreeMap::new(),
        };
        for info in ACTIONS {
            for (context, keys) in info.keys {
                for key in *keys {
                    let chord = parse_chord(key).expect("default keys are checked by a test");
                    let trie = keymap.tries.entry(*context).or_default();
                    insert(trie, &chord, info.action);
                }
            }
        }
        keymap
    }
}

impl Keymap {
    /// The default keys with the user's `bindings` merged over them. What is
    /// wrong with a binding comes back as a sentence; the others still hold.
    #[must_use]
    pub fn with_bindings(bindings: &[KeyBinding]) -> (Self, Vec<String>) {
        let mut keymap = Self::default();
        let mut warnings = Vec::new();
        let mut seen: BTreeMap<(Context, Vec<Key>), String> = BTreeMap::new();
        for binding in bindings {
            match keymap.bind(binding, &mut seen) {
                Ok(mut conflicts) => warnings.append(&mut conflicts),
                Err(warning) => warnings.push(warning),
            }
        }
        warnings.extend(keymap.unreachable());
        (keymap, warnings)
    }

    fn bind(
        &mut self,
        binding: &KeyBinding,
        seen: &mut BTreeMap<(Context, Vec<Key>), String>,
    ) -> Result<Vec<String>, String> {
        let KeyBinding {
            context,
            keys,
            action,
        } = binding;
        let at = format!("keys.{context}.\"{keys}\"");
        let context = Context::from_id(context).ok_or_else(|| {
            let names = Context::ALL.map(Context::id);
            format!("{at}: no context `{context}`{}", hint(context, &names))
        })?;
        let chord = parse_chord(keys).map_err(|error: KeyError| format!("{at}: {error}"))?;
        let mut warnings = Vec::new();
        if let Some(other) = seen.insert((context, chord.clone()), action.clone())
            && other != *action
        {
            warnings.push(format!(
                "{at}: was bound to `{other}` before; `{action}` holds"
            ));
        }
        let trie = self.tries.entry(context).or_default();
        if action == "none" {
            if !remove(trie, &chord) {
                warnings.push(format!("{at}: nothing was bound to it"));
            }
            return Ok(warnings);
        }
        let action = Action::from_id(action).ok_or_else(|| {
            let ids: Vec<&str> = ACTIONS.iter().map(|info| info.id).collect();
            format!("{at}: no action `{action}`{}", hint(action, &ids))
        })?;
        if context.takes_counts()
            && matches!(chord.first().and_then(|key| key.text()), Some('1'..='9'))
        {
            return Err(format!("{at}: digits are counts here and cannot be bound"));
        }
        warnings.extend(insert(trie, &chord, action).into_iter().map(|lost| {
            let chord = print_chord(&lost.0);
            format!("{at}: hides `{chord}`, which was bound to `{}`", lost.1)
        }));
        Ok(warnings)
    }

    /// Actions that no key reaches any more and that the palette, being bound
    /// to no key itself, cannot reach either.
    fn unreachable(&self) -> Vec<String> {
        // A tour takes the keys only while it plays.
        let reachable = |action| {
            let bound = self.bindings_of(action);
            bound.iter().any(|(context, _)| *context != Context::Tour)
        };
        [Action::Quit, Action::Help]
            .into_iter()
            .filter(|action| !reachable(*action) && !reachable(Action::Palette))
            .map(|action| format!("keys: nothing is bound to `{action}` any more"))
            .collect()
    }

    /// Takes one key in `context`. `pending` keeps what was typed before.
    /// `repeat` says that the terminal reports the key as held down: only
    /// actions that repeat take it.
    pub fn feed(&self, pending: &mut Pending, context: Context, key: Key, repeat: bool) -> Lookup {
        if let Some(lookup) = read_count(pending, context, key) {
            return lookup;
        }
        pending.chord.push(key);
        match self.find(context, &pending.chord) {
            Some(Node::Branch(_)) => Lookup::Pending,
            Some(Node::Leaf(action)) => {
                let info = action.info();
                let count = pending.count.filter(|_| info.counts);
                pending.clear();
                if repeat && !info.repeats {
                    return Lookup::Unbound(key);
                }
                Lookup::Action {
                    action: *action,
                    count,
                }
            }
            None => {
                let chord_began = pending.chord.len() > 1 || pending.count.is_some();
                pending.clear();
                match key.text() {
                    Some(c) if context.takes_text() => Lookup::Text(c),
                    // Esc leaves a half-typed chord and does nothing more.
                    _ if chord_began && key.code == Code::Esc => Lookup::Pending,
                    _ => Lookup::Unbound(key),
                }
            }
        }
    }

    /// The node a chord leads to, in `context` or in the global one.
    fn find(&self, context: Context, chord: &[Key]) -> Option<&Node> {
        let own = self
            .tries
            .get(&context)
            .and_then(|trie| descend(trie, chord));
        if own.is_some() || !context.falls_back() {
            return own;
        }
        // A plain character in a text field is text, whatever it does outside.
        if context.takes_text() && chord.iter().any(|key| key.text().is_some()) {
            return None;
        }
        self.tries
            .get(&Context::Global)
            .and_then(|trie| descend(trie, chord))
    }

    /// Chords of `action` that work in `context`, the first the one to show.
    #[must_use]
    pub fn keys_for(&self, action: Action, context: Context) -> Vec<String> {
        let mut chords: Vec<Vec<Key>> = Vec::new();
        for place in [context, Context::Global] {
            if place != context && !context.falls_back() {
                break;
            }
            if let Some(trie) = self.tries.get(&place) {
                collect(trie, &mut Vec::new(), &mut |chord, found| {
                    let works =
                        matches!(self.find(context, chord), Some(Node::Leaf(a)) if *a == found);
                    if found == action && works && !chords.iter().any(|c| c == chord) {
                        chords.push(chord.to_vec());
                    }
                });
            }
        }
        sort_as_in_table(&mut chords, action);
        chords.iter().map(|chord| print_chord(chord)).collect()
    }

    /// Every binding of `action`: context and chord.
    #[must_use]
    pub fn bindings_of(&self, action: Action) -> Vec<(Context, String)> {
        let mut found = Vec::new();
        for (context, trie) in &self.tries {
            let mut chords = Vec::new();
            collect(trie, &mut Vec::new(), &mut |chord, bound| {
                if bound == action {
                    chords.push(chord.to_vec());
                }
            });
            sort_as_in_table(&mut chords, action);
            found.extend(chords.iter().map(|chord| (*context, print_chord(chord))));
        }
        found
    }

    /// How a pending chord can go on: the next key and the action it leads
    /// to (`None` where still more keys follow). Empty without a chord.
    #[must_use]
    pub fn continuations(
        &self,
        pending: &Pending,
        context: Context,
    ) -> Vec<(String, Option<Action>)> {
        let mut found: BTreeMap<Key, Option<Action>> = BTreeMap::new();
        if pending.chord.is_empty() {
            return Vec::new();
        }
        for place in [Context::Global, context] {
            let node = self
                .tries
                .get(&place)
                .and_then(|trie| descend(trie, &pending.chord));
            if let Some(Node::Branch(next)) = node {
                found.extend(next.iter().map(|(key, node)| match node {
                    Node::Leaf(action) => (*key, Some(*action)),
                    Node::Branch(_) => (*key, None),
                }));
            }
        }
        found
            .into_iter()
            .map(|(key, action)| (key.to_string(), action))
            .collect()
    }
}

/// Takes a digit as part of a count; `None` if `key` is not one here.
fn read_count(pending: &mut Pending, context: Context, key: Key) -> Option<Lookup> {
    if !context.takes_counts() || !pending.chord.is_empty() {
        return None;
    }
    let digit = key.text()?.to_digit(10)?;
    if digit == 0 && pending.count.is_none() {
        return None;
    }
    let count = pending.count.unwrap_or(0) * 10 + digit;
    pending.count = Some(count.min(COUNT_MAX));
    Some(Lookup::Pending)
}

fn descend<'a>(trie: &'a BTreeMap<Key, Node>, chord: &[Key]) -> Option<&'a Node> {
    let (first, rest) = chord.split_first()?;
    match trie.get(first)? {
        node if rest.is_empty() => Some(node),
        Node::Branch(next) => descend(next, rest),
        Node::Leaf(_) => None,
    }
}

/// Binds `chord`; gives back the bindings this made unreachable because one
/// chord is the beginning of the other.
fn insert(
    trie: &mut BTreeMap<Key, Node>,
    chord: &[Key],
    action: Action,
) -> Vec<(Vec<Key>, Action)> {
    let mut lost = Vec::new();
    let Some((first, rest)) = chord.split_first() else {
        return lost;
    };
    if rest.is_empty() {
        if let Some(Node::Branch(hidden)) = trie.insert(*first, Node::Leaf(action)) {
            collect(&hidden, &mut vec![*first], &mut |chord, action| {
                lost.push((chord.to_vec(), action));
            });
        }
        return lost;
    }
    let node = trie
        .entry(*first)
        .or_insert_with(|| Node::Branch(BTreeMap::new()));
    if let Node::Leaf(hidden) = node {
        lost.push((vec![*first], *hidden));
        *node = Node::Branch(BTreeMap::new());
    }
    if let Node::Branch(next) = node {
        for (mut tail, action) in insert(next, rest, action) {
            tail.insert(0, *first);
            lost.push((tail, action));
        }
    }
    lost
}

/// Unbinds `chord`; false if it was not bound. A branch left empty goes too.
fn remove(trie: &mut BTreeMap<Key, Node>, chord: &[Key]) -> bool {
    let Some((first, rest)) = chord.split_first() else {
        return false;
    };
    if rest.is_empty() {
        return trie.remove(first).is_some();
    }
    let Some(Node::Branch(next)) = trie.get_mut(first) else {
        return false;
    };
    let removed = remove(next, rest);
    if next.is_empty() {
        trie.remove(first);
    }
    removed
}

fn collect(trie: &BTreeMap<Key, Node>, path: &mut Vec<Key>, take: &mut impl FnMut(&[Key], Action)) {
    for (key, node) in trie {
        path.push(*key);
        match node {
            Node::Leaf(action) => take(path, *action),
            Node::Branch(next) => collect_dyn(next, path, take),
        }
        path.pop();
    }
}

/// Recursion through `dyn`, so that the closure type does not nest.
fn collect_dyn(
    trie: &BTreeMap<Key, Node>,
    path: &mut Vec<Key>,
    take: &mut dyn FnMut(&[Key], Action),
) {
    collect(trie, path, &mut |chord, action| take(chord, action));
}

/// The user's own keys first, then the defaults in the order of the table:
/// the first is the one that hints show.
fn sort_as_in_table(chords: &mut [Vec<Key>], action: Action) {
    let defaults: Vec<Vec<Key>> = action
        .info()
        .keys
        .iter()
        .flat_map(|(_, keys)| keys.iter().filter_map(|key| parse_chord(key).ok()))
        .collect();
    chords.sort_by_key(|chord| {
        defaults
            .iter()
            .position(|default| default == chord)
            .map_or(0, |at| at + 1)
    });
}

/// `; did you mean …?` where a known name is near.
fn hint(word: &str, known: &[&str]) -> String {
    crate::config::suggest(word, known.iter().copied())
        .map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}
