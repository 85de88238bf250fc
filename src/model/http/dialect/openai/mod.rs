//! The routes that OpenAI began and most servers copied.

pub(super) mod chat;
pub(super) mod completions;
pub(super) mod take;
pub(super) mod wire;

use crate::model::http::client::HttpClient;
use crate::model::http::events;
use crate::model::http::generated::{Generated, Stop};
use crate::model::http::service::amount;
use crate::model::retry::Failure;
use serde::Serialize;

use super::{Ask, Base, Described, Watch, not_served};
use wire::{ModelEntry, Models, Reply};

/// The route below `base`: addresses of OpenAI's kind end in their version,
/// those of servers are the root.
pub(in crate::model::http) fn route(base: &str, name: &str) -> String {
    let last = base.trim_end_matches('/').rsplit('/').next();
    let version = last
        .and_then(|part| part.strip_prefix('v'))
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    match version {
        true => format!("/{name}"),
        false => format!("/v1/{name}"),
    }
}

/// Posts `body` to `path` and reads what comes into `generated`.
async fn complete(
    client: &HttpClient,
    path: &str,
    body: &(impl Serialize + Sync),
    ask: Ask<'_>,
    generated: &mut Generated,
    watch: &mut Watch<'_>,
) -> Result<(), Failure> {
    let affinity = Some(ask.request.affinity.as_str());
    let response = client.open(path, body, affinity).await?;
    // LiteLLM says in a header what the call cost.
    let cost = response.headers().get("x-litellm-response-cost");
    generated.usage.reported = cost.and_then(|cost| amount(cost.to_str().ok()?));
    let mut take = |reply: Reply| {
        take::take(generated, reply, client.site())?;
        Ok(watch(&generated.text))
    };
    events::read(client, path, response, &mut take).await?;
    // Where a server ends without a word, the text may still be whole: only a
    // stream that was cut has neither a reason nor the usage at its end.
    if generated.stop.is_none() && !ask.stream && !generated.text.is_empty() {
        generated.stop = Some(Stop::Unknown);
    }
    Ok(())
}

/// Looks the model up among those that the server has.
pub(super) async fn find_model(base: &Base) -> Result<ModelEntry, Failure> {
    let path = route(&base.client.site().url, "models");
    let models: Models = base.client.get(&path).await?;
    let wanted = base.model.as_deref().unwrap_or_default();
    if let Some(found) = models.data.iter().find(|model| model.id == wanted) {
        return Ok(found.clone());
    }
    let served: Vec<&str> = models.data.iter().map(|model| model.id.as_str()).collect();
    Err(not_served(base, wanted, &served))
}

/// What a server says of itself by its list of models alone. A gateway may have
/// none, or leave models out of it: the completions will tell.
async fn describe_by_models(base: &Base) -> Result<Described, Failure> {
    use crate::model::endpoint::FailureKind::{Malformed, NotFound, Refused};
    match find_model(base).await {
        Ok(model) => Ok(Described {
            context: model.context(),
            ..Described::default()
        }),
        Err(failure) if matches!(failure.kind, NotFound | Refused | Malformed) => Ok(Described {
            remarks: vec![failure.message],
            ..Described::default()
        }),
        Err(failure) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_route_follows_the_address() {
        for (base, expected) in [
            ("http://127.0.0.1:8000", "/v1/models"),
            ("http://127.0.0.1:8000/", "/v1/models"),
            ("http://host/vllm", "/v1/models"),
            ("https://api.openai.com/v1", "/models"),
            ("https://host/api/v3/", "/models"),
        ] {
            assert_eq!(route(base, "models"), expected, "{base}");
        }
    }
}
