//! Ollama's `/api/generate` with a raw prompt rendered here, as a stream: the
//! server loses the entries of tokens that it held back, and only a stream
//! tells where the others stand.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::openai::take::entry;
use super::openai::wire::Entry;
use super::{
    Ask, Base, Boxed, Described, Dialect, Prepared, Prompt, Traits, Watch, not_served, seed32,
};
use crate::model::endpoint::{DELIMITER, FailureKind};
use crate::model::http::align::RawToken;
use crate::model::http::events::{self, Payload};
use crate::model::http::generated::{Generated, Stop};
use crate::model::retry::Failure;
use crate::trace::record::Continuation;

const GENERATE: &str = "/api/generate";
/// Context asked for where the pool names none: models allow more, but the
/// server sets memory aside for all of it.
const CONTEXT: u32 = 8192;

/// How Ollama is asked.
#[derive(Debug, Default)]
pub(in crate::model::http) struct Ollama {
    /// The context every call asks for: another one loads the model anew.
    context: OnceCell<u32>,
}

/// A line of the answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Line {
    response: Option<String>,
    done: Option<bool>,
    done_reason: Option<String>,
    logprobs: Option<Vec<Entry>>,
    prompt_eval_count: Option<u64>,
    eval_count: Option<u64>,
    error: Option<Value>,
}

impl Payload for Line {
    fn error(&self) -> Option<&Value> {
        self.error.as_ref()
    }

    fn is_foreign(&self) -> bool {
        self.response.is_none() && self.done.is_none()
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Shown {
    model_info: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Tags {
    models: Vec<Tag>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Tag {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Version {
    version: String,
}

impl Ollama {
    /// The context to ask for: the pool's, or what the model has up to
    /// [`CONTEXT`].
    async fn context(&self, base: &Base) -> Result<u32, Failure> {
        let asked = self.context.get_or_try_init(|| async {
            if let Some(context) = base.context {
                return Ok(context);
            }
            let of_model = show(base).await?.unwrap_or(CONTEXT);
            Ok(of_model.min(CONTEXT))
        });
        asked.await.copied()
    }
}

/// The longest context that the model allows.
async fn show(base: &Base) -> Result<Option<u32>, Failure> {
    let model = base.model.as_deref().unwrap_or_default();
    let body = json!({ "model": model });
    match base.client.post::<Shown>("/api/show", &body).await {
        Ok(shown) => {
            let mut facts = shown.model_info.iter();
            let length = facts.find(|(name, _)| name.ends_with(".context_length"));
            let length = length.and_then(|(_, value)| value.as_u64());
            Ok(length.and_then(|length| u32::try_from(length).ok()))
        }
        Err(failure) if failure.kind == FailureKind::NotFound => {
            let tags = base.client.get::<Tags>("/api/tags").await;
            let tags = tags.unwrap_or_default();
            let names: Vec<&str> = tags.models.iter().map(|tag| tag.name.as_str()).collect();
            Err(not_served(base, model, &names))
        }
        Err(failure) => Err(failure),
    }
}

fn body(ask: Ask<'_>, context: u32) -> Value {
    let request = ask.request;
    let stop: &[&str] = if ask.stop { &[DELIMITER] } else { &[] };
    let mut body = json!({
        "prompt": ask.prompt.body,
        "raw": true,
        "stream": true,
        // A prompt that is too long is to be refused, not cut.
        "truncate": false,
        "shift": false,
        "options": {
            "num_predict": ask.most,
            "num_ctx": context,
            "stop": stop,
            "seed": seed32(request.seed),
            "temperature": request.temperature,
            "top_p": request.top_p,
            "top_k": 0,
            "min_p": 0.0,
            "typical_p": 1.0,
            "repeat_penalty": 1.0,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
        },
    });
    if ask.top > 0
        && let Some(fields) = body.as_object_mut()
    {
        fields.insert("logprobs".to_owned(), true.into());
        fields.insert("top_logprobs".to_owned(), ask.top.into());
    }
    body
}

fn take(generated: &mut Generated, line: Line) {
    let text = line.response.unwrap_or_default();
    generated.text.push_str(&text);
    let end = Some(generated.text.len());
    let entries = line.logprobs.unwrap_or_default();
    if entries.is_empty() && !text.is_empty() {
        // Text without a probability is text nevertheless.
        generated.push(RawToken {
            shown: text.into_bytes().into(),
            end,
            ..RawToken::default()
        });
    }
    let last = entries.len().saturating_sub(1);
    for (place, of_token) in entries.into_iter().enumerate() {
        // Of several tokens in one line only the last ends with it.
        let end = end.filter(|_| place == last);
        generated.push(RawToken {
            end,
            ..entry(of_token)
        });
    }
    generated.usage.prompt = line.prompt_eval_count.unwrap_or(generated.usage.prompt);
    generated.usage.output = line.eval_count.unwrap_or(generated.usage.output);
    if line.done == Some(true) {
        generated.stop = Some(match line.done_reason.as_deref() {
            Some("length") => Stop::Limit,
            // At the delimiter or at the end of the sequence: not said.
            _ => Stop::Unknown,
        });
    }
}

impl Dialect for Ollama {
    fn traits(&self) -> Traits {
        Traits {
            continuation: Continuation::Exact,
            values: None,
            streams_only: true,
        }
    }

    fn prepare<'a>(&'a self, _: &'a Base, prompt: &'a Prompt) -> Boxed<'a, Prepared> {
        Box::pin(std::future::ready(Ok(prompt.text().into())))
    }

    fn count<'a>(&'a self, _: &'a Base, _: &'a Prompt) -> Boxed<'a, Option<u32>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn context<'a>(&'a self, base: &'a Base) -> Boxed<'a, Option<u32>> {
        Box::pin(async move { self.context(base).await.map(Some) })
    }

    fn describe<'a>(&'a self, base: &'a Base) -> Boxed<'a, Described> {
        Box::pin(async move {
            let version: Version = base.client.get("/api/version").await?;
            show(base).await?;
            Ok(Described {
                context: Some(self.context(base).await?),
                version: Some(format!("Ollama {}", version.version)),
                ..Described::default()
            })
        })
    }

    fn generate<'a>(
        &'a self,
        base: &'a Base,
        ask: Ask<'a>,
        generated: &'a mut Generated,
        watch: &'a mut Watch<'_>,
    ) -> Boxed<'a, ()> {
        Box::pin(async move {
            let context = self.context(base).await?;
            let body = base.complete(body(ask, context));
            let affinity = Some(ask.request.affinity.as_str());
            let response = base.client.open(GENERATE, &body, affinity).await?;
            let mut line = |line: Line| {
                take(generated, line);
                Ok(watch(&generated.text) || generated.stop.is_some())
            };
            events::read(&base.client, GENERATE, response, &mut line).await
        })
    }
}
