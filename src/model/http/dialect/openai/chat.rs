//! The chat route: for models that nobody else serves.
//!
//! A chat is made of finished turns. Some servers go on from a turn of the
//! assistant that is not finished, which is as good as a prompt; the others are
//! talked into writing the next step, which is another distribution, sends the
//! whole prefix again as part of a question, and is marked at every step.

mod messages;

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::{complete, describe_by_models, route};
use crate::model::endpoint::{DELIMITER, FailureKind, StepRequest};
use crate::model::http::dialect::{
    Ask, Base, Boxed, Described, Dialect, Prepared, Prompt, Traits, Watch, seed32,
};
use crate::model::http::generated::Generated;
use crate::model::http::probe;
use crate::model::pool::{ModelSpec, ServerKind};
use crate::model::retry::Failure;
use crate::trace::ids::sha256;
use crate::trace::record::{Continuation, Role, Usage};

use messages::Turn;

/// Whose chat route it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model::http) struct Kind {
    server: ServerKind,
    /// What the pool says about going on.
    wanted: Option<Continuation>,
}

impl Kind {
    pub fn of(spec: &ModelSpec) -> Self {
        Self {
            server: spec.server,
            wanted: spec.continuation,
        }
    }
}

/// How the model is made to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// From an unfinished turn, with the fields by which vLLM and SGLang are
    /// told so.
    Flags,
    /// From an unfinished turn, which the server takes as such by itself.
    Trailing,
    /// By being asked for the next step.
    Emulated,
}

/// How a server is asked to chat.
#[derive(Debug)]
pub(in crate::model::http) struct Chat {
    kind: Kind,
    /// Found by trying, where nothing is said.
    mode: OnceLock<Mode>,
}

impl Chat {
    pub fn new(kind: Kind) -> Self {
        let emulated =
            kind.server == ServerKind::Openai || kind.wanted == Some(Continuation::Emulated);
        let mode = match emulated {
            true => OnceLock::from(Mode::Emulated),
            false => OnceLock::new(),
        };
        Self { kind, mode }
    }

    fn mode(&self) -> Mode {
        // The probe comes before the first step and has found it.
        self.mode.get().copied().unwrap_or(Mode::Emulated)
    }

    /// Finds out how the model goes on from an unfinished turn; returns what
    /// that took.
    async fn find_mode(&self, base: &Base) -> Result<Vec<Usage>, Failure> {
        let mut spent = Vec::new();
        if self.mode.get().is_some() {
            return Ok(spent);
        }
        let mut began = String::new();
        let mut refused = None;
        for mode in [Mode::Flags, Mode::Trailing] {
            match self.counting(base, mode).await {
                Ok(counted) => {
                    spent.push(counted.usage);
                    let exact = self.kind.wanted == Some(Continuation::Exact);
                    if exact || probe::goes_on(&counted.text) {
                        // A second probe finds the same.
                        let _ = self.mode.set(mode);
                        return Ok(spent);
                    }
                    began = counted.text.chars().take(32).collect();
                }
                Err(failure) if failure.kind == FailureKind::Refused => refused = Some(failure),
                Err(failure) => return Err(failure),
            }
        }
        let how = match (began.is_empty(), refused) {
            (true, Some(failure)) => failure.message,
            _ => format!("it began anew: “{}”", base.client.site().quote(&began)),
        };
        Err(Failure::new(
            FailureKind::Configuration,
            format!(
                "{} cannot go on from a partial assistant message ({how}). Name the model's \
                 `template` if the server has a completions route; set `continuation = \
                 \"emulated\"` to have the model asked for each next step (another distribution, \
                 and the whole prefix is sent again); or insist by `continuation = \"exact\"`",
                base.client.site().url
            ),
        ))
    }

    /// What the model writes when it is to go on counting.
    async fn counting(&self, base: &Base, mode: Mode) -> Result<Generated, Failure> {
        let request = probe::counting();
        let prompt = Prompt {
            head: String::new(),
            question: request.question.clone(),
            prefix: request.prefix.clone(),
        };
        let ask = Ask {
            prompt: &body_of(&prompt),
            request: &request,
            most: request.max_tokens,
            stop: true,
            top: 0,
            stream: false,
        };
        let mut generated = Generated::default();
        self.post(base, ask, mode, &mut generated, &mut |_| false)
            .await?;
        Ok(generated)
    }

    async fn post(
        &self,
        base: &Base,
        ask: Ask<'_>,
        mode: Mode,
        generated: &mut Generated,
        watch: &mut Watch<'_>,
    ) -> Result<(), Failure> {
        let path = route(&base.client.site().url, "chat/completions");
        let mut body = base.complete(self.body(ask, mode));
        if self.kind.server == ServerKind::Openrouter {
            require_parameters(&mut body);
        }
        let sent = complete(&base.client, &path, &body, ask, generated, watch).await;
        sent.map_err(advised)
    }

    fn body(&self, ask: Ask<'_>, mode: Mode) -> Value {
        let request = ask.request;
        let turn = Turn {
            question: ask.prompt.body["question"].as_str().unwrap_or_default(),
            prefix: ask.prompt.body["prefix"].as_str().unwrap_or_default(),
            role: request.role,
        };
        let messages = match mode {
            Mode::Emulated => messages::emulated(turn),
            Mode::Flags | Mode::Trailing => messages::unfinished(turn),
        };
        let mut body = json!({
            "messages": messages,
            "n": 1,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": seed32(request.seed),
        });
        let Some(fields) = body.as_object_mut() else {
            return body;
        };
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        match self.kind.server {
            ServerKind::Openai => {
                put("max_completion_tokens", ask.most.into());
                put("prompt_cache_key", cache_key(request).into());
            }
            _ => {
                put("max_tokens", ask.most.into());
            }
        }
        if ask.stop {
            put("stop", json!([DELIMITER]));
        }
        if ask.top > 0 {
            put("logprobs", true.into());
            put("top_logprobs", ask.top.into());
        }
        if ask.stream {
            put("stream", true.into());
            put("stream_options", json!({ "include_usage": true }));
        }
        if mode == Mode::Flags && !turn.prefix.is_empty() {
            put("continue_final_message", true.into());
            put("add_generation_prompt", false.into());
        }
        body
    }
}

/// Calls with the same key are sent where their prefix is cached.
fn cache_key(request: &StepRequest) -> String {
    let who = format!("{:?} {}", request.role, request.affinity);
    format!("pointsman-{}", &sha256(who.as_bytes())[..16])
}

/// Has OpenRouter choose among the providers that know every field: others
/// would leave probabilities out without a word.
fn require_parameters(body: &mut Value) {
    let Some(fields) = body.as_object_mut() else {
        return;
    };
    let provider = fields
        .entry("provider")
        .or_insert_with(|| Value::Object(serde_json::Map::new()));
    if let Some(provider) = provider.as_object_mut() {
        provider
            .entry("require_parameters")
            .or_insert(Value::Bool(true));
    }
}

fn body_of(prompt: &Prompt) -> Prepared {
    Prepared {
        body: json!({ "question": prompt.question, "prefix": prompt.prefix }),
        count: None,
    }
}

/// The failure with what to do about it on this route.
fn advised(mut failure: Failure) -> Failure {
    let said = failure.message.to_lowercase();
    let reasoning = ["logprobs", "temperature", "top_p", "'stop'"];
    if failure.kind == FailureKind::Refused
        && said.contains("support")
        && reasoning.iter().any(|field| said.contains(field))
    {
        failure.message = format!(
            "{}; a reasoning model gives no probabilities and takes no sampling unless its \
             reasoning is off: add `extra = {{ reasoning_effort = \"none\" }}` where the model \
             knows that, or choose another model",
            failure.message
        );
    }
    failure
}

impl Dialect for Chat {
    fn traits(&self) -> Traits {
        let mode = self.mode.get();
        Traits {
            continuation: match mode {
                Some(Mode::Emulated) => Continuation::Emulated,
                _ => Continuation::Exact,
            },
            values: None,
            streams_only: false,
        }
    }

    fn writes_whole_replies(&self, role: Role) -> bool {
        self.mode() == Mode::Emulated && !matches!(role, Role::Step | Role::Draft | Role::Probe)
    }

    fn prepare<'a>(&'a self, _: &'a Base, prompt: &'a Prompt) -> Boxed<'a, Prepared> {
        Box::pin(std::future::ready(Ok(body_of(prompt))))
    }

    fn count<'a>(&'a self, _: &'a Base, _: &'a Prompt) -> Boxed<'a, Option<u32>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn context<'a>(&'a self, base: &'a Base) -> Boxed<'a, Option<u32>> {
        Box::pin(async move { Ok(describe_by_models(base).await?.context) })
    }

    fn describe<'a>(&'a self, base: &'a Base) -> Boxed<'a, Described> {
        Box::pin(async move {
            if self.kind.server == ServerKind::Openai
                && self.kind.wanted == Some(Continuation::Exact)
            {
                return Err(Failure::new(
                    FailureKind::Configuration,
                    "OpenAI's models cannot go on from a partial assistant message: take out \
                     `continuation = \"exact\"`",
                ));
            }
            let mut described = describe_by_models(base).await?;
            described.spent = self.find_mode(base).await?;
            if self.kind.server == ServerKind::Openrouter && !base.extra.contains_key("provider") {
                described.remarks.push(
                    "the provider may change from step to step: pin one with `extra = { provider \
                     = { order = [\"NAME\"], allow_fallbacks = false } }`"
                        .to_owned(),
                );
            }
            Ok(described)
        })
    }

    fn generate<'a>(
        &'a self,
        base: &'a Base,
        ask: Ask<'a>,
        generated: &'a mut Generated,
        watch: &'a mut Watch<'_>,
    ) -> Boxed<'a, ()> {
        Box::pin(self.post(base, ask, self.mode(), generated, watch))
    }
}
