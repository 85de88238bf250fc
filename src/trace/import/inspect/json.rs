//! The samples of a log in JSON, one at a time.

use std::cell::Cell;
use std::fmt;
use std::io::BufReader;
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::trace::import::error::{ImportError, open};
use crate::trace::import::{Options, Row, Sink, tolerant};

use super::sample::Maker;
use super::schema::{Eval, Head, Sample};

pub(super) fn read(path: &Path, options: &Options, sink: Sink<'_>) -> Result<(), ImportError> {
    let source = tolerant::Tolerant::new(open(path)?);
    let mut parser = serde_json::Deserializer::from_reader(BufReader::new(source));
    let (count, stopped, is_log) = (Cell::new(0), Cell::new(false), Cell::new(false));
    let log = Log {
        options,
        sink,
        count: &count,
        stopped: &stopped,
        is_log: &is_log,
    };
    match parser.deserialize_map(log) {
        Err(error) if error.is_io() => Err(ImportError::refused(path, error.to_string())),
        Err(_) if stopped.get() => Ok(()),
        Err(error) if count.get() == 0 => Err(ImportError::refused(
            path,
            format!("no log of Inspect: {error}"),
        )),
        Err(error) => Err(ImportError::refused(
            path,
            format!("damaged behind sample {}: {error}", count.get()),
        )),
        Ok(()) if !is_log.get() => Err(ImportError::refused(
            path,
            "no log of Inspect: it has neither `eval` nor `samples`",
        )),
        Ok(()) => Ok(()),
    }
}

struct Log<'a, 's> {
    options: &'a Options,
    sink: Sink<'s>,
    /// Samples that were begun.
    count: &'a Cell<usize>,
    stopped: &'a Cell<bool>,
    is_log: &'a Cell<bool>,
}

impl<'de> Visitor<'de> for Log<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a log of Inspect")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut head = Head::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "eval" => {
                    head.eval = map.next_value::<Option<Eval>>()?.unwrap_or_default();
                    self.is_log.set(true);
                }
                "samples" => {
                    self.is_log.set(true);
                    map.next_value_seed(Samples {
                        maker: &Maker::new(head.clone(), self.options),
                        log: &mut self,
                    })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct Samples<'m, 'l, 'a, 's> {
    maker: &'m Maker<'a>,
    log: &'l mut Log<'a, 's>,
}

impl<'de> DeserializeSeed<'de> for Samples<'_, '_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Samples<'_, '_, '_, '_> {
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
            let place = format!("sample {}", self.log.count.get());
            let read = serde_json::from_str::<Sample>(raw.get())
                .map_err(|error| tolerant::said(&error))
                .and_then(|mut sample| {
                    let attachments = std::mem::take(&mut sample.attachments);
                    self.maker.trajectory(&sample, &attachments)
                });
            let row = match read {
                Ok(trajectory) => Row::Trajectory(Box::new(trajectory)),
                Err(reason) => Row::damaged(place, reason),
            };
            if (self.log.sink)(row).is_break() {
                self.log.stopped.set(true);
                return Err(serde::de::Error::custom("enough"));
            }
        }
        Ok(())
    }
}
