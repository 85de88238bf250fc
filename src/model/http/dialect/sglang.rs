//! SGLang's own `/generate`, on a prompt rendered here. Its route in OpenAI's
//! manner neither counts cached tokens unasked nor keeps the stop's text.

use compact_str::CompactString;
use serde::Deserialize;
use serde_json::{Value, json};

use super::openai::find_model;
use super::{Ask, Base, Boxed, Described, Dialect, Prepared, Prompt, Traits, Watch, seed32};
use crate::model::endpoint::{DELIMITER, FailureKind};
use crate::model::http::align::RawToken;
use crate::model::http::error::Site;
use crate::model::http::events::{self, Payload};
use crate::model::http::generated::{Generated, Stop};
use crate::model::retry::Failure;
use crate::trace::record::Continuation;

const GENERATE: &str = "/generate";

/// How SGLang is asked.
#[derive(Debug, Default)]
pub(in crate::model::http) struct Sglang;

/// An answer; of a stream each holds all that came before it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Reply {
    text: Option<String>,
    output_ids: Option<Vec<i64>>,
    meta_info: Option<Meta>,
    error: Option<Value>,
}

impl Payload for Reply {
    fn error(&self) -> Option<&Value> {
        self.error.as_ref()
    }

    fn is_foreign(&self) -> bool {
        self.text.is_none() && self.meta_info.is_none()
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Meta {
    finish_reason: Option<Finish>,
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    cached_tokens: Option<u64>,
    output_token_logprobs: Option<Vec<Entry>>,
    output_top_logprobs: Option<Vec<Option<Vec<Entry>>>>,
}

/// Log-probability, id and text.
type Entry = (Option<f32>, Option<i64>, Option<String>);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Finish {
    #[serde(rename = "type")]
    kind: String,
    /// The stop string, or the id of the end mark.
    matched: Option<Value>,
    message: Option<String>,
    /// What the answer would have had as its status, had it not begun.
    status_code: Option<u16>,
}

#[derive(Debug, Deserialize)]
struct Tokenized {
    tokens: Vec<i64>,
}

fn body(ask: Ask<'_>) -> Value {
    let request = ask.request;
    let stop: &[&str] = if ask.stop { &[DELIMITER] } else { &[] };
    let prompt = match ask.prompt.body.is_string() {
        true => "text",
        false => "input_ids",
    };
    json!({
        (prompt): ask.prompt.body,
        // The defaults are those of the model's generation config.
        "sampling_params": {
            "max_new_tokens": ask.most,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "top_k": -1,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "frequency_penalty": 0.0,
            "presence_penalty": 0.0,
            "stop": stop,
            "no_stop_trim": true,
            "skip_special_tokens": true,
            "n": 1,
            // Heeded where the server samples deterministically.
            "sampling_seed": seed32(request.seed),
        },
        "return_logprob": ask.top > 0,
        "logprob_start_len": -1,
        "top_logprobs_num": ask.top,
        "return_text_in_logprobs": ask.top > 0,
        "stream": ask.stream,
    })
}

/// Takes an answer in place of what came before it.
fn take(generated: &mut Generated, reply: Reply, site: &Site) -> Result<(), Failure> {
    let only_new = match reply.text {
        Some(text) if text.starts_with(&generated.text) => {
            generated.text = text;
            false
        }
        // A server that was told to stream what is new alone.
        Some(text) => {
            generated.text.push_str(&text);
            true
        }
        None => false,
    };
    generated.ids |= reply.output_ids.is_some_and(|ids| !ids.is_empty());
    let Some(meta) = reply.meta_info else {
        return Ok(());
    };
    generated.usage.prompt = meta.prompt_tokens.unwrap_or(generated.usage.prompt);
    generated.usage.output = meta.completion_tokens.unwrap_or(generated.usage.output);
    generated.usage.cached = meta.cached_tokens.or(generated.usage.cached);
    if let Some(entries) = meta.output_token_logprobs {
        if !only_new {
            generated.tokens.clear();
        }
        let mut tops = meta.output_top_logprobs.into_iter().flatten();
        for entry in entries {
            generated.push(raw_token(entry, tops.next().flatten().unwrap_or_default()));
        }
    }
    let Some(finish) = meta.finish_reason else {
        return Ok(());
    };
    generated.which_stop = finish.matched.is_some();
    generated.stop = Some(match (finish.kind.as_str(), &finish.matched) {
        ("stop", Some(Value::String(text))) if text == DELIMITER => Stop::Word,
        ("stop", Some(_)) => Stop::Eos,
        ("length", _) => Stop::Limit,
        ("abort", _) => {
            let said = finish.message.unwrap_or_default();
            if let Some(status) = finish.status_code {
                return Err(site.in_band(GENERATE, &json!({ "code": status, "message": said })));
            }
            return Err(Failure::new(
                FailureKind::Server,
                format!(
                    "{} gave up within the step: {}",
                    site.url,
                    site.quote(&said)
                ),
            ));
        }
        _ => Stop::Unknown,
    });
    Ok(())
}

fn raw_token((value, _, text): Entry, top: Vec<Entry>) -> RawToken {
    let mut top: Vec<(CompactString, f32)> = top
        .into_iter()
        .filter_map(|(value, _, text)| Some((text.unwrap_or_default().into(), value?)))
        .collect();
    top.sort_by(|a, b| b.1.total_cmp(&a.1));
    RawToken {
        value,
        top,
        ..RawToken::showing(text.unwrap_or_default().as_bytes())
    }
}

impl Dialect for Sglang {
    fn traits(&self) -> Traits {
        Traits {
            continuation: Continuation::Exact,
            // After temperature, unless the server was told otherwise.
            values: None,
            streams_only: false,
        }
    }

    fn prepare<'a>(&'a self, _: &'a Base, prompt: &'a Prompt) -> Boxed<'a, Prepared> {
        Box::pin(std::future::ready(Ok(prompt.text().into())))
    }

    fn count<'a>(&'a self, base: &'a Base, prompt: &'a Prompt) -> Boxed<'a, Option<u32>> {
        Box::pin(async move {
            let body = json!({ "model": base.model, "prompt": prompt.text() });
            // Older servers and routers have no such route.
            let tokenized = base.client.post::<Tokenized>("/tokenize", &body).await.ok();
            Ok(tokenized.and_then(|found| u32::try_from(found.tokens.len()).ok()))
        })
    }

    fn context<'a>(&'a self, base: &'a Base) -> Boxed<'a, Option<u32>> {
        Box::pin(async move {
            match find_model(base).await {
                Ok(model) => Ok(model.context()),
                Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
                Err(failure) => Err(failure),
            }
        })
    }

    fn describe<'a>(&'a self, base: &'a Base) -> Boxed<'a, Described> {
        Box::pin(async move {
            let context = find_model(base).await?.context();
            let info = base.client.get::<Value>("/get_server_info").await.ok();
            let version = info.as_ref().and_then(|info| info.get("version"));
            Ok(Described {
                context,
                version: version
                    .and_then(Value::as_str)
                    .map(|version| format!("SGLang {version}")),
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
            // The route knows no model: the server has one.
            let mut body = base.complete(body(ask));
            if let Some(fields) = body.as_object_mut() {
                fields.remove("model");
            }
            let affinity = Some(ask.request.affinity.as_str());
            let client = &base.client;
            let response = client.open(GENERATE, &body, affinity).await?;
            let mut piece = |reply: Reply| {
                take(generated, reply, client.site())?;
                Ok(watch(&generated.text))
            };
            events::read(client, GENERATE, response, &mut piece).await
        })
    }
}
