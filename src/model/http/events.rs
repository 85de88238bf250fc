//! Answers that come in pieces: server-sent events, lines of JSON, or one JSON
//! body where a server or a proxy does not stream.

use reqwest::Response;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client::{HttpClient, content_type};
use super::error::{reported, says};
use super::sse;
use crate::model::endpoint::FailureKind;
use crate::model::retry::Failure;

const EVENT_STREAM: &str = "text/event-stream";
const JSON_LINES: &str = "application/x-ndjson";
/// Most bytes of one line of JSON.
const MOST_LINE: usize = 16 << 20;

/// A piece of an answer, or a whole one.
pub(super) trait Payload: DeserializeOwned {
    /// The error object that servers put in answers which claim success.
    fn error(&self) -> Option<&Value>;

    /// Whether nothing in it belongs to an answer: it may be an error of another
    /// shape, or of another server.
    fn is_foreign(&self) -> bool {
        false
    }
}

/// Whether the answer is complete, or was refused.
type Taken = Result<bool, Failure>;

/// Reads `response` of `POST path` piece by piece until `take` says that it is
/// complete, or to its end.
///
/// # Errors
/// Those of the connection and of `take`, an error that the answer holds, and
/// pieces that are not what the protocol says.
pub(super) async fn read<P: Payload>(
    client: &HttpClient,
    path: &str,
    mut response: Response,
    take: &mut (dyn FnMut(P) -> Taken + Send),
) -> Result<(), Failure> {
    let kind = content_type(&response);
    let reader = Reader { client, path, kind };
    match reader.kind.as_str() {
        EVENT_STREAM => {
            let mut parser = sse::Parser::default();
            while let Some(bytes) = client.next(&mut response).await? {
                let events = parser
                    .push(&bytes)
                    .map_err(|sse::TooLong| reader.endless())?;
                for event in events {
                    if reader.event(&event, take)? {
                        return Ok(());
                    }
                }
            }
            // An event cut in the middle cannot be read: the stream was cut.
            if let Some(event) = parser.finish()
                && serde_json::from_str::<P>(&event.data).is_ok()
            {
                reader.event(&event, take)?;
            }
            Ok(())
        }
        JSON_LINES => {
            let mut held: Vec<u8> = Vec::new();
            while let Some(bytes) = client.next(&mut response).await? {
                held.extend_from_slice(&bytes);
                while let Some(end) = held.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = held.drain(..=end).collect();
                    if reader.line(&line, take)? {
                        return Ok(());
                    }
                }
                if held.len() > MOST_LINE {
                    return Err(reader.endless());
                }
            }
            if serde_json::from_slice::<P>(&held).is_ok() {
                reader.line(&held, take)?;
            }
            Ok(())
        }
        _ => {
            let body = client.rest(response).await?;
            reader.piece(&body, take).map(drop)
        }
    }
}

struct Reader<'c> {
    client: &'c HttpClient,
    path: &'c str,
    kind: String,
}

impl Reader<'_> {
    fn event<P: Payload>(
        &self,
        event: &sse::Event,
        take: &mut (dyn FnMut(P) -> Taken + Send),
    ) -> Taken {
        let data = event.data.trim();
        if data == "[DONE]" {
            return Ok(true);
        }
        if event.error {
            let value = serde_json::from_str(data).unwrap_or_else(|_| data.into());
            return Err(self.client.site().in_band(self.path, &value));
        }
        match data.is_empty() {
            true => Ok(false),
            false => self.piece(data.as_bytes(), take),
        }
    }

    fn line<P: Payload>(&self, line: &[u8], take: &mut (dyn FnMut(P) -> Taken + Send)) -> Taken {
        match line.trim_ascii().is_empty() {
            true => Ok(false),
            false => self.piece(line, take),
        }
    }

    fn piece<P: Payload>(&self, bytes: &[u8], take: &mut (dyn FnMut(P) -> Taken + Send)) -> Taken {
        let Ok(payload) = serde_json::from_slice::<P>(bytes) else {
            // An error may have a shape in which nothing else can be read.
            return Err(self.wrong(bytes));
        };
        if payload.error().is_some_and(says) {
            return Err(self.wrong(bytes));
        }
        match payload.is_foreign() {
            true => self.foreign(bytes),
            false => take(payload),
        }
    }

    /// Among the pieces of a stream a stray one says nothing, unless it is an
    /// error.
    fn foreign(&self, bytes: &[u8]) -> Taken {
        let failure = self.wrong(bytes);
        let in_stream = matches!(self.kind.as_str(), EVENT_STREAM | JSON_LINES);
        match failure.kind {
            FailureKind::Malformed if in_stream => Ok(false),
            _ => Err(failure),
        }
    }

    /// What the server says went wrong, or that this is no answer at all.
    fn wrong(&self, bytes: &[u8]) -> Failure {
        let site = self.client.site();
        let value = serde_json::from_slice::<Value>(bytes).unwrap_or_default();
        match reported(&value) {
            Some(error) => site.in_band(self.path, error),
            None => site.malformed(self.path, &self.kind, bytes),
        }
    }

    fn endless(&self) -> Failure {
        self.client
            .site()
            .malformed(self.path, &self.kind, b"a piece without end")
    }
}
