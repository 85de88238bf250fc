//! From a pool to its endpoints.

use std::sync::Arc;

use super::endpoint::{Endpoint, EndpointError, FailureKind};
use super::http::llama_cpp::LlamaCpp;
use super::local::{LocalEndpoint, Render};
use super::pool::{ModelSpec, Pool, ServerKind};
use super::prompt::Template;

/// Makes one endpoint a model, in pool order. Nothing is loaded and nobody is
/// called before [`Endpoint::probe`] or [`Endpoint::step`].
///
/// # Errors
/// [`FailureKind::Configuration`] names the model that cannot be made.
pub fn build(pool: &Pool) -> Result<Vec<Arc<dyn Endpoint>>, EndpointError> {
    pool.models
        .iter()
        .map(|spec| endpoint(spec, pool))
        .collect()
}

fn endpoint(spec: &ModelSpec, pool: &Pool) -> Result<Arc<dyn Endpoint>, EndpointError> {
    let refuse = |message: String| EndpointError {
        endpoint: spec.name.clone(),
        kind: FailureKind::Configuration,
        message,
        attempts: Vec::new(),
    };
    match spec.server {
        ServerKind::Embedded | ServerKind::Local => {
            let render = local_render(spec, pool).map_err(&refuse)?;
            let opened = match spec.server {
                ServerKind::Embedded => LocalEndpoint::embedded(spec, render),
                _ => LocalEndpoint::open(spec, render),
            };
            Ok(Arc::new(opened.map_err(|error| refuse(error.to_string()))?))
        }
        ServerKind::LlamaCpp => {
            let template = template(spec, pool).map_err(&refuse)?;
            Ok(Arc::new(LlamaCpp::new(spec, template)?))
        }
        other => Err(refuse(format!(
            "this version does not speak to `{other}` yet: it has embedded, local and llama-cpp \
             models"
        ))),
    }
}

fn template(spec: &ModelSpec, pool: &Pool) -> Result<Template, String> {
    let folder = pool.path.as_deref().and_then(std::path::Path::parent);
    Template::for_spec(spec, folder).map_err(|error| error.to_string())
}

/// A local model's prompts are always rendered here.
fn local_render(spec: &ModelSpec, pool: &Pool) -> Result<Render, String> {
    match template(spec, pool)? {
        Template::Local(template) => Ok(Arc::new(move |question: &str, prefix: &str| {
            template
                .prompt(question, prefix)
                .map_err(|error| error.to_string())
        })),
        Template::Server => {
            Err("a model in this process has no server to render its template".into())
        }
    }
}
