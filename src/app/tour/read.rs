//! Reading a tour. Strict: what is misspelt in a talk is found before it.

use std::ops::Range;

use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::suggest;

use super::super::action::{ACTIONS, Action};
use super::{
    Deed, LONGEST, MOST_BYTES, MOST_DEEDS, MOST_IN_ALL, MOST_LOGS, MOST_SCENES, MOST_TEXT,
    MOST_TIMES, Part, Rest, SHORTEST, Scene, Target, Tour,
};

/// What is wrong with a tour, and in which line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {message}")]
pub struct TourError {
    /// From 1.
    pub line: usize,
    pub message: String,
}

const KEYS: [&str; 7] = ["title", "log", "filter", "problem", "run", "theme", "scene"];
const SCENE: [&str; 6] = ["do", "every", "pause", "wait", "caption", "highlight"];
const DEED: [&str; 4] = ["action", "count", "times", "type"];

type Value<'i> = Spanned<DeValue<'i>>;

impl Tour {
    /// Reads the text of a `.tour` file.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn parse(text: &str) -> Result<Self, TourError> {
        let file = File { text };
        if text.len() > MOST_BYTES {
            let message = format!("a tour of more than {} KiB is none", MOST_BYTES >> 10);
            return Err(file.error(&(0..0), message));
        }
        let table = DeTable::parse(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            file.error(&span, error.message().to_owned())
        })?;
        let end = text.len()..text.len();
        let table = table.get_ref();
        file.only(table, &KEYS, "a tour")?;
        let mut tour = Self::default();
        let heads = [
            ("title", &mut tour.title),
            ("filter", &mut tour.filter),
            ("problem", &mut tour.problem),
            ("run", &mut tour.run),
            ("theme", &mut tour.theme),
        ];
        for (key, place) in heads {
            *place = file.text_at(table, key)?;
        }
        if let Some(value) = table.get("log") {
            tour.logs = file.texts(value, "log", MOST_LOGS)?;
        }
        let Some(scenes) = table.get("scene") else {
            let message = "there is no scene: write [[scene]] and what it shows";
            return Err(file.error(&end, message.to_owned()));
        };
        let items = file.list(scenes, "scene", MOST_SCENES)?;
        for item in items {
            tour.scenes.push(file.scene(item)?);
        }
        if tour.scenes.is_empty() {
            let message = "`scene` is empty: a tour has at least one";
            return Err(file.error(&scenes.span(), message.to_owned()));
        }
        let deeds = tour.scenes.iter().flat_map(|scene| &scene.deeds);
        let times: u64 = deeds.map(|deed| u64::from(deed.times())).sum();
        if times > MOST_IN_ALL {
            let message = format!("a tour that does {times} things is none: {MOST_IN_ALL} are");
            return Err(file.error(&scenes.span(), message));
        }
        Ok(tour)
    }
}

/// The text, for the lines of errors.
struct File<'t> {
    text: &'t str,
}

impl File<'_> {
    fn error(&self, span: &Range<usize>, message: String) -> TourError {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        TourError {
            line: before.matches('\n').count() + 1,
            message,
        }
    }

    /// Refuses the first key that is not known.
    fn only(&self, table: &DeTable<'_>, known: &[&str], of: &str) -> Result<(), TourError> {
        let strangers = table.iter().map(|(key, _)| key);
        let strangers = strangers.filter(|key| !known.contains(&key.get_ref().as_ref()));
        let Some(key) = strangers.min_by_key(|key| key.span().start) else {
            return Ok(());
        };
        let name: &str = key.get_ref();
        let hint = hint(name, known.iter().copied());
        let message = format!("unknown key `{name}` in {of}; {hint}");
        Err(self.error(&key.span(), message))
    }

    /// A text of one line.
    fn string(&self, value: &Value<'_>, name: &str) -> Result<String, TourError> {
        let wrong = |message: String| Err(self.error(&value.span(), message));
        let Some(text) = value.get_ref().as_str() else {
            return wrong(format!("`{name}` is a text in quotes"));
        };
        // What is typed may be a blank.
        if text.is_empty() || (text.trim().is_empty() && name != "type") {
            return wrong(format!("`{name}` is empty"));
        }
        if text.chars().count() > MOST_TEXT {
            return wrong(format!("`{name}` has more than {MOST_TEXT} characters"));
        }
        if text.chars().any(char::is_control) {
            return wrong(format!(
                "`{name}` holds a line break or a control character"
            ));
        }
        Ok(text.to_owned())
    }

    fn text_at(&self, table: &DeTable<'_>, key: &str) -> Result<Option<String>, TourError> {
        let value = table.get(key);
        value.map(|value| self.string(value, key)).transpose()
    }

    /// A text, or several in brackets.
    fn texts(&self, value: &Value<'_>, name: &str, most: usize) -> Result<Vec<String>, TourError> {
        let items = self.one_or_more(value, name, most)?.iter();
        items.map(|item| self.string(item, name)).collect()
    }

    /// A single one needs no brackets.
    fn one_or_more<'v, 'i>(
        &self,
        value: &'v Value<'i>,
        name: &str,
        most: usize,
    ) -> Result<&'v [Value<'i>], TourError> {
        match value.get_ref().as_array() {
            Some(_) => self.list(value, name, most),
            None => Ok(std::slice::from_ref(value)),
        }
    }

    fn list<'v, 'i>(
        &self,
        value: &'v Value<'i>,
        name: &str,
        most: usize,
    ) -> Result<&'v [Value<'i>], TourError> {
        let Some(items) = value.get_ref().as_array() else {
            let message = match name {
                "scene" => "`scene` is a list: write [[scene]]".to_owned(),
                _ => format!("`{name}` is a list in brackets"),
            };
            return Err(self.error(&value.span(), message));
        };
        if items.len() > most {
            let message = format!("`{name}` has more than {most}");
            return Err(self.error(&value.span(), message));
        }
        Ok(&items[..])
    }

    fn scene(&self, value: &Value<'_>) -> Result<Scene, TourError> {
        let Some(table) = value.get_ref().as_table() else {
            let message = "a scene is a table: write [[scene]]";
            return Err(self.error(&value.span(), message.to_owned()));
        };
        self.only(table, &SCENE, "a scene")?;
        let mut scene = Scene {
            caption: self.text_at(table, "caption")?,
            rest: self.rest(table)?,
            ..Scene::default()
        };
        if let Some(every) = table.get("every") {
            scene.every = Some(self.seconds(every, "every", SHORTEST)?);
        }
        if let Some(deeds) = table.get("do") {
            for deed in self.list(deeds, "do", MOST_DEEDS)? {
                scene.deeds.push(self.deed(deed)?);
            }
        }
        if let Some(value) = table.get("highlight") {
            let items = self.one_or_more(value, "highlight", MOST_DEEDS)?;
            for item in items {
                scene.highlight.push(self.target(item)?);
            }
        }
        Ok(scene)
    }

    fn rest(&self, table: &DeTable<'_>) -> Result<Rest, TourError> {
        match (table.get("pause"), table.get("wait")) {
            (Some(_), Some(wait)) => {
                let message = "a scene has a `pause` or waits for a key, not both";
                Err(self.error(&wait.span(), message.to_owned()))
            }
            (Some(pause), None) => self.seconds(pause, "pause", 0).map(Rest::Pause),
            (None, Some(wait)) if wait.get_ref().as_str() == Some("key") => Ok(Rest::Key),
            (None, Some(wait)) => {
                let message = "`wait` is \"key\": for a time write `pause = SECONDS`";
                Err(self.error(&wait.span(), message.to_owned()))
            }
            (None, None) => Ok(Rest::default()),
        }
    }

    /// Seconds as milliseconds.
    fn seconds(&self, value: &Value<'_>, name: &str, least: u64) -> Result<u64, TourError> {
        let number = match value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            _ => "",
        };
        let number: Option<f64> = number.replace('_', "").parse().ok();
        let milliseconds = number
            .filter(|number| number.is_finite() && *number >= 0.0)
            .map(|number| (number * 1000.0).round() as u64)
            .filter(|milliseconds| (least..=LONGEST).contains(milliseconds));
        milliseconds.ok_or_else(|| {
            let (least, most) = (least as f64 / 1000.0, LONGEST / 1000);
            let message = format!("`{name}` is a number of seconds from {least} to {most}");
            self.error(&value.span(), message)
        })
    }

    fn deed(&self, value: &Value<'_>) -> Result<Deed, TourError> {
        let DeValue::Table(table) = value.get_ref() else {
            return Ok(Deed::once(self.action(value)?, None));
        };
        self.only(table, &DEED, "what is done")?;
        let keys = (table.get("action"), table.get("type"));
        let action = match keys {
            (None, Some(text)) if table.len() == 1 => {
                return self.string(text, "type").map(Deed::Type);
            }
            (Some(action), None) => self.action(action)?,
            _ => {
                let message = "what is done is `action` (with `count`, `times`) or `type`";
                return Err(self.error(&value.span(), message.to_owned()));
            }
        };
        let count = table.get("count");
        if let Some(count) = count.filter(|_| !action.info().counts) {
            let message = format!("`{action}` takes no count; `times` does it several times");
            return Err(self.error(&count.span(), message));
        }
        let count = count.map(|count| self.whole(count, "count", 99_999));
        let times = table.get("times");
        let times = times.map(|times| self.whole(times, "times", MOST_TIMES));
        Ok(Deed::Act {
            action,
            count: count.transpose()?,
            times: times.transpose()?.unwrap_or(1),
        })
    }

    fn whole(&self, value: &Value<'_>, name: &str, most: u32) -> Result<u32, TourError> {
        let number = match value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
            _ => "",
        };
        let number: Option<u32> = number.replace('_', "").parse().ok();
        let number = number.filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| {
            let message = format!("`{name}` is a whole number from 1 to {most}");
            self.error(&value.span(), message)
        })
    }

    fn action(&self, value: &Value<'_>) -> Result<Action, TourError> {
        let id = self.string(value, "do")?;
        let message = match Action::from_id(&id) {
            Some(action) if action.is_for_tours() => return Ok(action),
            Some(_) => format!("`{id}` is nothing that a tour does"),
            None => {
                let allowed = ACTIONS.iter().filter(|info| info.action.is_for_tours());
                match suggest(&id, allowed.map(|info| info.id)) {
                    Some(near) => format!("no action `{id}`; did you mean `{near}`?"),
                    None => format!("no action `{id}`; `?` in the inspector lists them"),
                }
            }
        };
        Err(self.error(&value.span(), message))
    }

    fn target(&self, value: &Value<'_>) -> Result<Target, TourError> {
        let text = self.string(value, "highlight")?;
        Target::parse(&text).ok_or_else(|| {
            let hint = hint(&text, Part::ALL.iter().map(|part| part.id()));
            let message = format!(
                "there is no `{text}` to point at; {hint}; or `step N`, or `text` and its words"
            );
            self.error(&value.span(), message)
        })
    }
}

/// What was meant, or everything that is known.
fn hint<'k>(name: &str, known: impl Iterator<Item = &'k str> + Clone) -> String {
    match suggest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known: {}", known.collect::<Vec<_>>().join(", ")),
    }
}
