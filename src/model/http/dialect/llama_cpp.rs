//! llama.cpp's own server: streaming `/completion` on a prompt rendered here.
//!
//! Streaming is needed for the tokens: in a single answer the server removes
//! entries from the end of the list of probabilities, sometimes a real one.

mod encode;
mod stream;
mod wire;

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use self::stream::Vocabulary;
use self::wire::{Event, Models, Props, Templated};
use super::{Ask, Base, Boxed, Described, Dialect, Prepared, Prompt, Traits, Watch};
use crate::model::endpoint::FailureKind;
use crate::model::http::events::{self, Payload};
use crate::model::http::generated::Generated;
use crate::model::prompt::Template;
use crate::model::retry::Failure;
use crate::trace::record::{Continuation, ValueKind};

const COMPLETION: &str = "/completion";

/// How `llama-server` is asked.
#[derive(Debug, Default)]
pub(in crate::model::http) struct LlamaCpp {
    vocabulary: Mutex<Vocabulary>,
    /// Whether the server turned out to have no `/tokenize`.
    no_tokenizer: AtomicBool,
}

impl LlamaCpp {
    async fn render_there(base: &Base, question: &str) -> Result<String, Failure> {
        let body = json!({
            "messages": [{ "role": "user", "content": question }],
            // As with the templates that are rendered here.
            "chat_template_kwargs": { "enable_thinking": false },
        });
        let templated: Templated = base.client.post("/apply-template", &body).await?;
        Ok(templated.prompt)
    }

    /// Whether the server has the model the pool names.
    async fn check_model(base: &Base) -> Result<(), Failure> {
        let Some(wanted) = &base.model else {
            return Ok(());
        };
        let models: Models = base.client.get("/v1/models").await?;
        let is_it = |name: &str| {
            // The default id is the path of the model file.
            name == wanted || name.rsplit(['/', '\\']).next() == Some(wanted.as_str())
        };
        let mut names = models
            .data
            .iter()
            .flat_map(|model| std::iter::once(&model.id).chain(model.aliases.iter().flatten()));
        if names.any(|name| is_it(name)) {
            return Ok(());
        }
        let served: Vec<&str> = models.data.iter().map(|model| model.id.as_str()).collect();
        Err(super::not_served(base, wanted, &served))
    }
}

impl Payload for Event {
    fn error(&self) -> Option<&Value> {
        self.error.as_ref()
    }

    fn is_foreign(&self) -> bool {
        self.content.is_none() && self.stop.is_none()
    }
}

impl Dialect for LlamaCpp {
    fn traits(&self) -> Traits {
        Traits {
            continuation: Continuation::Exact,
            // The softmax of the logits before all samplers.
            values: Some(ValueKind::LogprobPreTemperature),
            streams_only: true,
        }
    }

    fn head<'a>(&'a self, base: &'a Base, question: &'a str) -> Boxed<'a, String> {
        Box::pin(async move {
            match &base.template {
                Some(Template::Local(_)) => super::rendered(base, question),
                Some(Template::Server) | None => Self::render_there(base, question).await,
            }
        })
    }

    fn prepare<'a>(&'a self, base: &'a Base, prompt: &'a Prompt) -> Boxed<'a, Prepared> {
        Box::pin(async move { self.encode(base, &prompt.text()).await })
    }

    fn count<'a>(&'a self, base: &'a Base, prompt: &'a Prompt) -> Boxed<'a, Option<u32>> {
        Box::pin(async move {
            let tokens = self.tokenize(base, &prompt.text()).await?;
            Ok(tokens.map(|tokens| u32::try_from(tokens.len()).unwrap_or(u32::MAX)))
        })
    }

    fn context<'a>(&'a self, base: &'a Base) -> Boxed<'a, Option<u32>> {
        Box::pin(async move {
            match base.client.get::<Props>("/props").await {
                Ok(props) => Ok(props.default_generation_settings.n_ctx),
                // A proxy in front may not pass it on: the server will say so
                // itself when the context is full.
                Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
                Err(failure) => Err(failure),
            }
        })
    }

    fn describe<'a>(&'a self, base: &'a Base) -> Boxed<'a, Described> {
        Box::pin(async move {
            let _: Value = base.client.get("/health").await?;
            Self::check_model(base).await?;
            let props = match base.client.get::<Props>("/props").await {
                Err(failure) if failure.kind == FailureKind::NotFound => Props::default(),
                props => props?,
            };
            Ok(Described {
                context: props.default_generation_settings.n_ctx,
                version: props.build_info.map(|build| format!("llama.cpp {build}")),
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
            let body = base.complete(wire::completion(ask));
            let affinity = Some(ask.request.affinity.as_str());
            let response = base.client.open(COMPLETION, &body, affinity).await?;
            let mut take = |event: Event| {
                if event.content.is_none() && event.stop.is_none() {
                    let site = base.client.site();
                    return Err(site.malformed(COMPLETION, "application/json", b"no completion"));
                }
                stream::take(generated, &event, &mut lock(&self.vocabulary));
                Ok(watch(&generated.text) || generated.stop.is_some())
            };
            events::read(&base.client, COMPLETION, response, &mut take).await
        })
    }
}

/// A panic elsewhere leaves the map whole: it is only a cache.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
