//! The completions route, on a prompt rendered here: vLLM, and whatever else
//! has it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{complete, describe_by_models, find_model, route};
use crate::model::endpoint::{DELIMITER, FailureKind};
use crate::model::http::dialect::{
    Ask, Base, Boxed, Described, Dialect, Prepared, Prompt, Traits, Watch, seed32,
};
use crate::model::http::generated::Generated;
use crate::model::retry::Failure;
use crate::trace::record::Continuation;

/// What follows the prompt while it is encoded, see [`Completions::prepare`].
const AHEAD: &str = "A";

/// Said of a server that is named vLLM and may be none.
const UNVERSIONED: &str = "it does not tell its version as vLLM does: a router may be in between, \
    or this is another server (`server = \"llama-cpp\"`, `\"sglang\"` …)";

/// Whose completions route it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model::http) enum Flavour {
    /// With vLLM's own fields, and `/tokenize` beside it.
    Vllm,
    /// With the fields that all servers know.
    Plain,
}

/// How a server is asked for completions.
#[derive(Debug)]
pub(in crate::model::http) struct Completions {
    flavour: Flavour,
    /// Id of [`AHEAD`] where prompts are to be sent as ids; `None` inside where
    /// text will do.
    ahead: OnceLock<Option<i64>>,
    /// Whether the server turned out to have no `/tokenize`.
    no_tokenizer: AtomicBool,
}

#[derive(Debug, Deserialize)]
struct Tokenized {
    tokens: Vec<i64>,
}

#[derive(Debug, Deserialize)]
struct Version {
    version: String,
}

impl Completions {
    pub fn new(flavour: Flavour) -> Self {
        Self {
            flavour,
            ahead: OnceLock::new(),
            no_tokenizer: AtomicBool::new(flavour == Flavour::Plain),
        }
    }

    /// The tokens of `text`; `None` where the server cannot say. `special`
    /// adds what the tokenizer puts in front of a prompt.
    async fn tokenize(
        &self,
        base: &Base,
        text: &str,
        special: bool,
    ) -> Result<Option<Vec<i64>>, Failure> {
        if self.no_tokenizer.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let body = json!({
            "model": base.model, "prompt": text, "add_special_tokens": special,
        });
        match base.client.post::<Tokenized>("/tokenize", &body).await {
            Ok(tokenized) => Ok(Some(tokenized.tokens)),
            // A router may not pass the route on: that shows before the first
            // step. Later it is a hitch, and to encode prompts in another way
            // from the middle of a run is no way out of one.
            Err(failure)
                if self.ahead.get().is_none()
                    && matches!(
                        failure.kind,
                        FailureKind::NotFound | FailureKind::Refused | FailureKind::Malformed
                    ) =>
            {
                self.no_tokenizer.store(true, Ordering::Relaxed);
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Whether the tokenizer encodes the delimiter at the end of a prompt as it
    /// does in front of a step. GPT-2's rule does not: it makes one token of
    /// `"\n\n"` at the end of a text and two before a letter.
    async fn look_ahead(&self, base: &Base) -> Result<(), Failure> {
        let before = format!("2.{DELIMITER}");
        let ends = self.tokenize(base, &before, false).await?;
        let goes_on = self
            .tokenize(base, &format!("{before}{AHEAD}"), false)
            .await?;
        if let (Some(ends), Some(goes_on)) = (ends, goes_on) {
            let same = goes_on.starts_with(&ends);
            let letter = goes_on.last().copied().filter(|_| !same);
            // A second look finds the same.
            let _ = self.ahead.set(letter);
        }
        Ok(())
    }

    /// What is odd about how a prompt begins.
    async fn doubled_mark(&self, base: &Base) -> Result<Option<String>, Failure> {
        let head = self.head(base, "1 + 1?").await?;
        let tokens = self.tokenize(base, &head, true).await?.unwrap_or_default();
        let doubled = tokens.len() > 1 && tokens[0] == tokens[1];
        Ok(doubled.then(|| {
            "prompts begin with the same token twice: the template has the mark of the beginning \
             that the tokenizer adds too; take it out of the template"
                .to_owned()
        }))
    }

    fn body<'a>(&self, base: &'a Base, ask: Ask<'a>) -> Body<'a> {
        let request = ask.request;
        let vllm = self.flavour == Flavour::Vllm;
        Body {
            model: base.model.as_deref(),
            prompt: &ask.prompt.body,
            max_tokens: ask.most,
            temperature: request.temperature,
            top_p: request.top_p,
            seed: seed32(request.seed),
            stop: ask.stop.then_some([DELIMITER]),
            logprobs: (ask.top > 0).then_some(ask.top),
            stream: ask.stream.then_some(true),
            stream_options: ask.stream.then_some(StreamOptions {
                include_usage: true,
                continuous_usage_stats: vllm.then_some(true),
            }),
            samplers: vllm.then_some(Samplers {
                n: 1,
                top_k: -1,
                min_p: 0.0,
                repetition_penalty: 1.0,
                presence_penalty: 0.0,
                frequency_penalty: 0.0,
                include_stop_str_in_output: ask.stop,
                skip_special_tokens: true,
                return_token_ids: true,
                return_tokens_as_token_ids: false,
            }),
        }
    }
}

/// A request for a completion.
#[derive(Debug, Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    prompt: &'a Value,
    max_tokens: u32,
    temperature: f64,
    top_p: f64,
    seed: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<[&'static str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(flatten)]
    samplers: Option<Samplers>,
}

#[derive(Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
    /// vLLM: counts in every piece, so that a cut stream has them too.
    #[serde(skip_serializing_if = "Option::is_none")]
    continuous_usage_stats: Option<bool>,
}

/// What vLLM knows besides. The defaults are those of the model's generation
/// config, which are seldom neutral: every sampler is named.
#[derive(Debug, Serialize)]
struct Samplers {
    n: u32,
    top_k: i32,
    min_p: f64,
    repetition_penalty: f64,
    presence_penalty: f64,
    frequency_penalty: f64,
    /// Text and tokens then end at the same place.
    include_stop_str_in_output: bool,
    skip_special_tokens: bool,
    return_token_ids: bool,
    return_tokens_as_token_ids: bool,
}

impl Dialect for Completions {
    fn traits(&self) -> Traits {
        Traits {
            continuation: Continuation::Exact,
            values: None,
            streams_only: false,
        }
    }

    /// Text, or ids where the end of the text would be encoded in another way
    /// than the model knows it in front of a step.
    fn prepare<'a>(&'a self, base: &'a Base, prompt: &'a Prompt) -> Boxed<'a, Prepared> {
        Box::pin(async move {
            let text = prompt.text();
            let Some(Some(letter)) = self.ahead.get() else {
                return Ok(text.into());
            };
            if !text.ends_with(char::is_whitespace) {
                return Ok(text.into());
            }
            let ahead = format!("{text}{AHEAD}");
            let tokens = self.tokenize(base, &ahead, true).await?;
            Ok(match tokens.as_deref().and_then(<[i64]>::split_last) {
                Some((last, before)) if last == letter => Prepared {
                    count: u32::try_from(before.len()).ok(),
                    body: before.into(),
                },
                _ => text.into(),
            })
        })
    }

    fn count<'a>(&'a self, base: &'a Base, prompt: &'a Prompt) -> Boxed<'a, Option<u32>> {
        Box::pin(async move {
            let tokens = self.tokenize(base, &prompt.text(), true).await?;
            Ok(tokens.map(|tokens| u32::try_from(tokens.len()).unwrap_or(u32::MAX)))
        })
    }

    fn context<'a>(&'a self, base: &'a Base) -> Boxed<'a, Option<u32>> {
        Box::pin(async move {
            if self.flavour == Flavour::Plain {
                return Ok(describe_by_models(base).await?.context);
            }
            match find_model(base).await {
                Ok(model) => Ok(model.context()),
                Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
                Err(failure) => Err(failure),
            }
        })
    }

    fn describe<'a>(&'a self, base: &'a Base) -> Boxed<'a, Described> {
        Box::pin(async move {
            if self.flavour == Flavour::Plain {
                return describe_by_models(base).await;
            }
            let context = find_model(base).await?.context();
            // Routers seldom pass these on.
            let version = base.client.get::<Version>("/version").await.ok();
            self.look_ahead(base).await?;
            let mut remarks: Vec<String> = self.doubled_mark(base).await?.into_iter().collect();
            if version.is_none() {
                remarks.push(UNVERSIONED.to_owned());
            }
            Ok(Described {
                context,
                version: version.map(|found| format!("vLLM {}", found.version)),
                remarks,
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
            let path = route(&base.client.site().url, "completions");
            let body = self.body(base, ask);
            if base.extra.is_empty() {
                return complete(&base.client, &path, &body, ask, generated, watch).await;
            }
            // What the pool adds may take the place of any field.
            let body = base.complete(json!(body));
            complete(&base.client, &path, &body, ask, generated, watch).await
        })
    }
}
