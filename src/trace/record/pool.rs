//! The pool of a run, cheapest model first.

use super::RunRecord;

impl RunRecord {
    /// Place of a model in the pool; a person has none.
    pub fn place(&self, model: &str) -> Option<usize> {
        self.pool.iter().position(|known| known.name == model)
    }

    /// Whether going from one model to the other is an escalation: to a more
    /// capable one. A person's step is no model's: nothing escalates from it.
    pub fn escalates(&self, from: &str, to: &str) -> bool {
        let places = self.place(from).zip(self.place(to));
        places.is_some_and(|(from, to)| to > from)
    }
}

/// The longest common beginning of all names of models that ends in `-`, `_`,
/// `/` or a blank; of one name its folder, where it has one.
pub fn shared_beginning<'a>(names: &[&'a str]) -> &'a str {
    let Some((first, rest)) = names.split_first() else {
        return "";
    };
    let common = first
        .char_indices()
        .find(|(at, c)| {
            rest.iter()
                .any(|name| !name.get(*at..).is_some_and(|r| r.starts_with(*c)))
        })
        .map_or(first.len(), |(at, _)| at);
    let head = first.get(..common).unwrap_or("");
    // A name alone shares no words with others; its folder is not its name.
    let ends: &[char] = match rest.is_empty() {
        true => &['/'],
        false => &['-', '_', '/', ' '],
    };
    let end = head.rfind(ends).map_or(0, |at| at + 1);
    head.get(..end).unwrap_or("")
}
