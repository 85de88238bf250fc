//! Texts that recur, each held once.

use std::collections::HashMap;
use std::sync::Arc;

/// A text of [`Names`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(u32);

/// Texts by their place.
#[derive(Debug, Clone, Default)]
pub struct Names {
    texts: Vec<Arc<str>>,
    places: HashMap<Arc<str>, u32>,
}

impl Names {
    /// The name of a text, new or known.
    pub fn add(&mut self, text: &str) -> Name {
        if let Some(&place) = self.places.get(text) {
            return Name(place);
        }
        let place = u32::try_from(self.texts.len()).expect("fewer than 2^32 names fit in memory");
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.places.insert(text, place);
        Name(place)
    }

    /// The name of a text that is known.
    pub fn find(&self, text: &str) -> Option<Name> {
        self.places.get(text).map(|&place| Name(place))
    }

    /// The text of a name; empty for one of other names.
    pub fn text(&self, name: Name) -> &str {
        self.texts.get(name.0 as usize).map_or("", |text| text)
    }
}
