//! The samples of a log in JSON, one at a time.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::trace::import::error::{ImportError, open};
use crate::trace::import::{limits, tolerant};

use super::Visit;
use super::schema::{Eval, Head, Sample, Stats};

/// Goes through the samples of a log.
pub(super) fn each(path: &Path, visit: &mut dyn Visit) -> Result<(), ImportError> {
    let left = Cell::new(limits::MEMBER);
    let source = Bounded {
        source: open(path)?,
        left: &left,
    };
    let source = tolerant::Tolerant::new(source);
    let mut parser = serde_json::Deserializer::from_reader(BufReader::new(source));
    let (count, stopped, is_log) = (Cell::new(0), Cell::new(false), Cell::new(false));
    let log = Log {
        visit,
        left: &left,
        count: &count,
        stopped: &stopped,
        is_log: &is_log,
    };
    match parser.deserialize_map(log) {
        Err(_) if stopped.get() => Ok(()),
        Err(error) if error.is_io() => Err(ImportError::refused(path, tolerant::said(&error))),
        Err(error) if count.get() == 0 => Err(ImportError::refused(
            path,
            format!("no log of Inspect: {}", tolerant::said(&error)),
        )),
        Err(error) => Err(ImportError::refused(
            path,
            format!(
                "damaged behind sample {}: {}",
                count.get(),
                tolerant::said(&error)
            ),
        )),
        Ok(()) if !is_log.get() => Err(ImportError::refused(
            path,
            "no log of Inspect: it has neither `eval` nor `samples`",
        )),
        Ok(()) => Ok(()),
    }
}

/// Stops where one sample, which is held whole, is longer than is read.
struct Bounded<'a, R> {
    source: R,
    /// Bytes that the sample may still have.
    left: &'a Cell<u64>,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(into)?;
        match self.left.get().checked_sub(read as u64) {
            Some(left) => self.left.set(left),
            None => {
                let what = format!(
                    "what stands there is longer than the {} MiB that are read of one sample",
                    limits::MEMBER >> 20
                );
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
        }
        Ok(read)
    }
}

struct Log<'v, 'c> {
    visit: &'v mut dyn Visit,
    left: &'c Cell<u64>,
    /// Samples that were begun.
    count: &'c Cell<usize>,
    stopped: &'c Cell<bool>,
    is_log: &'c Cell<bool>,
}

impl Log<'_, '_> {
    /// Ends the reading, which only an error does.
    fn stop<E: serde::de::Error>(&self) -> E {
        self.stopped.set(true);
        E::custom("enough")
    }
}

impl<'de> Visitor<'de> for Log<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a log of Inspect")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut head = Head::default();
        while let Some(key) = map.next_key::<String>()? {
            self.left.set(limits::MEMBER);
            match key.as_str() {
                "eval" => {
                    head.eval = map.next_value::<Option<Eval>>()?.unwrap_or_default();
                    self.is_log.set(true);
                }
                "samples" => {
                    self.is_log.set(true);
                    if self.visit.head(&head).is_break() {
                        return Err(self.stop());
                    }
                    map.next_value_seed(Samples { log: &mut self })?;
                }
                "stats" => {
                    head.stats = map.next_value::<Lenient>()?.0;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// What the log came to; of any other shape it is as good as nothing.
struct Lenient(Stats);

impl<'de> serde::Deserialize<'de> for Lenient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::schema::lenient(deserializer).map(Self)
    }
}

struct Samples<'l, 'v, 'c> {
    log: &'l mut Log<'v, 'c>,
}

impl<'de> DeserializeSeed<'de> for Samples<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Samples<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of samples")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(raw) = seq.next_element::<Box<RawValue>>()? {
            self.log.count.set(self.log.count.get() + 1);
            self.log.left.set(limits::MEMBER);
            let place = format!("sample {}", self.log.count.get());
            let read = serde_json::from_str::<Sample>(raw.get())
                .map_err(|error| tolerant::said(&error))
                .map(|mut sample| {
                    let attachments = std::mem::take(&mut sample.attachments);
                    (sample, attachments)
                });
            if self.log.visit.sample(place, read).is_break() {
                return Err(self.log.stop());
            }
        }
        Ok(())
    }
}
