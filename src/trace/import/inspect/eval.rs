//! The samples of an archive: whole ones, a member each, and chunked ones,
//! whose sequences lie in several. One archive may hold both.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::trace::import::error::ImportError;
use crate::trace::import::tolerant;

use super::Visit;
use super::archive::Archive;
use super::conversation::{Attachments, needed};
use super::events::Events;
use super::schema::{Head, Message, Sample};

/// Where a finished log says what it is of, and where one that was cut off.
const HEADS: [&str; 2] = ["header.json", "_journal/start.json"];
const SAMPLES: &str = "samples/";
const SHELL: &str = "/sample.json";
/// Between the id of a sample and its epoch.
const EPOCH: &str = "_epoch_";

/// A sample in the archive.
enum Shape {
    Whole,
    /// Members by their sequence and the index of their first item.
    Chunked(BTreeMap<String, BTreeMap<usize, String>>),
}

/// Goes through the samples of an archive.
pub(super) fn each(path: &Path, visit: &mut dyn Visit) -> Result<(), ImportError> {
    let mut archive = Archive::open(path)?;
    let shapes = shapes(archive.names());
    let head = HEADS
        .iter()
        .find(|head| archive.names().iter().any(|name| name == *head));
    let Some(head) = head else {
        return Err(ImportError::refused(
            path,
            "an archive without `header.json`: no log of Inspect",
        ));
    };
    let head: Head = whole(&mut archive, head)
        .map_err(|why| ImportError::refused(path, format!("its member `{head}`: {why}")))?;
    if visit.head(&head).is_break() {
        return Ok(());
    }
    for (name, shape) in shapes {
        let read = match &shape {
            Shape::Whole => monolith(&mut archive, &name),
            Shape::Chunked(chunks) => chunked(&mut archive, &name, chunks),
        };
        if visit.sample(format!("member `{name}`"), read).is_break() {
            break;
        }
    }
    Ok(())
}

/// The samples by the names of their members, in the order of the archive.
fn shapes(names: &[String]) -> Vec<(String, Shape)> {
    let shell = |name: &str| {
        let prefix = name.strip_suffix(SHELL)?;
        (name.starts_with(SAMPLES) && has_epoch(prefix)).then(|| prefix.to_owned())
    };
    let prefixes: BTreeSet<String> = names.iter().filter_map(|name| shell(name)).collect();
    let mut chunks: BTreeMap<&str, BTreeMap<String, BTreeMap<usize, String>>> = BTreeMap::new();
    for name in names {
        let Some((prefix, sequence, start)) = chunk(name, &prefixes) else {
            continue;
        };
        let of_sample = chunks.entry(prefix).or_default();
        let of_sequence = of_sample.entry(sequence.to_owned()).or_default();
        of_sequence.insert(start, name.clone());
    }
    let mut shapes = Vec::new();
    for name in names {
        if shell(name).is_some_and(|prefix| prefixes.contains(&prefix)) {
            let prefix = name.strip_suffix(SHELL).unwrap_or(name);
            let chunks = chunks.remove(prefix).unwrap_or_default();
            shapes.push((name.clone(), Shape::Chunked(chunks)));
        } else if name.starts_with(SAMPLES) && name.strip_suffix(".json").is_some_and(has_epoch) {
            shapes.push((name.clone(), Shape::Whole));
        }
    }
    shapes
}

/// Whether a name ends in the epoch of a sample.
fn has_epoch(name: &str) -> bool {
    let epoch = name.rsplit_once(EPOCH).map(|(_, epoch)| epoch);
    epoch.is_some_and(|epoch| !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The sample, the sequence and the first index of a chunk.
fn chunk<'n>(name: &'n str, prefixes: &BTreeSet<String>) -> Option<(&'n str, &'n str, usize)> {
    let (folder, file) = name.strip_suffix(".json")?.rsplit_once('/')?;
    let (prefix, sequence) = folder.rsplit_once('/')?;
    let start = file.parse().ok()?;
    prefixes
        .contains(prefix)
        .then_some((prefix, sequence, start))
}

fn whole<T: DeserializeOwned>(archive: &mut Archive, name: &str) -> Result<T, String> {
    archive.read(name, |source: &mut dyn Read| tolerant::from_reader(source))
}

fn monolith(archive: &mut Archive, name: &str) -> Result<(Sample, Attachments), String> {
    let mut sample: Sample = whole(archive, name)?;
    let attachments = std::mem::take(&mut sample.attachments);
    Ok((sample, attachments))
}

/// Puts a chunked sample together, one chunk after the other.
fn chunked(
    archive: &mut Archive,
    name: &str,
    chunks: &BTreeMap<String, BTreeMap<usize, String>>,
) -> Result<(Sample, Attachments), String> {
    let mut sample: Sample = whole(archive, name)?;
    let none = BTreeMap::new();
    let of = |sequence: &str| chunks.get(sequence).unwrap_or(&none);
    for member in of("events").values() {
        let events: Events = part(archive, member)?;
        sample.events.extend(events);
    }
    // Of all messages only those of the conversation, and what the first call
    // was asked, are kept.
    let wanted = sample.message_refs.iter();
    let asked = sample.events.calls.first();
    let asked = asked.map_or(&[][..], |call| &call.input_refs);
    let mut pool: BTreeMap<usize, Message> = BTreeMap::new();
    let is_wanted = |at: usize| {
        let holds = |range: &(usize, usize)| (range.0..range.1).contains(&at);
        sample.message_refs.iter().any(holds) || asked.iter().any(holds)
    };
    for (&start, member) in of("messages") {
        let messages: Vec<Message> = part(archive, member)?;
        let placed = (start..).zip(messages);
        pool.extend(placed.filter(|(at, _)| is_wanted(*at)));
    }
    let ranged = |ranges: &[(usize, usize)]| -> Vec<Message> {
        let held = ranges.iter().filter(|(start, end)| start < end);
        let held = held.flat_map(|&(start, end)| pool.range(start..end));
        held.map(|(_, message)| message.clone()).collect()
    };
    let conversation = ranged(&wanted.copied().collect::<Vec<_>>());
    let question = ranged(asked);
    sample.messages = conversation;
    if let Some(call) = sample.events.calls.first_mut() {
        call.input = question;
    }
    let attachments = attachments(archive, of("attachments"), &needed(&sample))?;
    Ok((sample, attachments))
}

fn part<T: DeserializeOwned>(archive: &mut Archive, name: &str) -> Result<T, String> {
    whole(archive, name).map_err(|why| format!("`{name}`: {why}"))
}

/// The attachments of these names, which are their indices.
fn attachments(
    archive: &mut Archive,
    chunks: &BTreeMap<usize, String>,
    names: &[String],
) -> Result<Attachments, String> {
    let indices: BTreeSet<usize> = names.iter().filter_map(|name| name.parse().ok()).collect();
    let mut found = Attachments::new();
    let mut held: Option<(usize, Vec<String>)> = None;
    for index in indices {
        let Some((&start, member)) = chunks.range(..=index).next_back() else {
            continue;
        };
        if held.as_ref().is_none_or(|(of, _)| *of != start) {
            held = Some((start, part(archive, member)?));
        }
        let content = held
            .as_ref()
            .and_then(|(_, texts)| texts.get(index - start));
        found.extend(content.map(|content| (index.to_string(), content.clone())));
    }
    Ok(found)
}

#[cfg(test)]
pub(super) mod tests;
