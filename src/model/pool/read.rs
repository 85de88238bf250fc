//! From the text of a pool file to a checked [`Pool`].

use std::path::Path;

use reqwest::Url;
use toml::de::{DeTable, DeValue};

use super::key;
use super::table::{Source, Table, Value, nearest};
use super::{ModelSpec, Pool, PoolError, Scorers, ServerKind};
use crate::model::scorer::GradeMode;
use crate::trace::record::{Continuation, PriceFacts, Sampling};

const ROOT_KEYS: &[&str] = &[
    "sampling",
    "model",
    "judge",
    "prm",
    "verifier",
    "grader",
    "embeddings",
];
const SAMPLING_KEYS: &[&str] = &["temperature", "top_p", "max_tokens", "max_steps"];
const MODEL_KEYS: &[&str] = &[
    "name",
    "server",
    "base_url",
    "model",
    "params",
    "template",
    "api_key_env",
    "api_key_command",
    "api_key_header",
    "price",
    "context",
    "timeout",
    "continuation",
    "extra",
];
/// Keys of the `[grader]` table beyond those of a model.
const GRADER_KEYS: &[&str] = &["mode"];
const PRICE_KEYS: &[&str] = &[
    "input",
    "cached_input",
    "cache_write",
    "output",
    "currency",
    "per",
    "as_of",
];
/// The writer of steps that no model wrote, in logs.
const RESERVED: &str = "person";
/// What the messages about prices show.
const PRICE_EXAMPLE: &str = "write `price = { input = 0.40, output = 1.60, currency = \"USD\", \
                             per = 1e6 }`, optionally with cached_input, cache_write and as_of";

pub(super) fn pool(text: &str, path: &Path) -> Result<Pool, PoolError> {
    let source = Source { text, path };
    let document = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        source.error(at, "", format!("not valid TOML: {}", error.message()))
    })?;
    let root = Table::new(source, "the pool file".to_owned(), 0, document.get_ref());
    root.only(ROOT_KEYS)?;
    let sampling = match root.get("sampling") {
        Some(value) => sampling(&Table::of(source, "[sampling]".to_owned(), value)?)?,
        None => Sampling::default(),
    };
    let models = models(&root)?;
    let scorer = |name: &str| {
        let table = |value| Table::of(source, format!("[{name}]"), value);
        root.get(name)
            .map(|value| model(&table(value)?, Some(name)))
            .transpose()
    };
    let (grader, grading) = grader(&root)?;
    let mut pool = Pool {
        path: Some(path.to_owned()),
        sampling,
        models,
        scorers: Scorers {
            judge: scorer("judge")?,
            prm: scorer("prm")?,
            verifier: scorer("verifier")?,
            grader,
            embeddings: scorer("embeddings")?,
        },
        grading,
        warnings: Vec::new(),
    };
    pool.warnings = warnings(&pool);
    Ok(pool)
}

/// The `[grader]` table with its mode, or `grader = "MODE"`, by which the last
/// model of the pool grades.
fn grader(root: &Table<'_, '_, '_>) -> Result<(Option<ModelSpec>, Option<GradeMode>), PoolError> {
    let Some(value) = root.get("grader") else {
        return Ok((None, None));
    };
    if matches!(value.get_ref(), DeValue::String(_)) {
        return Ok((None, mode(root, "grader")?));
    }
    let table = Table::of(root.source, "[grader]".to_owned(), value)?;
    let spec = model(&table, Some("grader"))?;
    let mode = mode(&table, "mode")?.unwrap_or(GradeMode::RulesThenLlm);
    Ok((Some(spec), Some(mode)))
}

fn mode(table: &Table<'_, '_, '_>, key: &str) -> Result<Option<GradeMode>, PoolError> {
    let name = table.text(key)?;
    let mode = name.map(|name| name.parse::<GradeMode>()).transpose();
    mode.map_err(|error| table.wrong(key, &error.to_string()))
}

fn sampling(table: &Table<'_, '_, '_>) -> Result<Sampling, PoolError> {
    table.only(SAMPLING_KEYS)?;
    let default = Sampling::default();
    let top_p = table.positive("top_p")?.unwrap_or(default.top_p);
    if top_p > 1.0 {
        return Err(table.wrong("top_p", &format!("is {top_p}: it must be at most 1")));
    }
    Ok(Sampling {
        temperature: table.number("temperature")?.unwrap_or(default.temperature),
        top_p,
        max_tokens: table.count("max_tokens")?.unwrap_or(default.max_tokens),
        max_steps: table.count("max_steps")?.unwrap_or(default.max_steps),
    })
}

fn models(root: &Table<'_, '_, '_>) -> Result<Vec<ModelSpec>, PoolError> {
    let needed = "a pool needs two or more `[[model]]` tables, the cheapest and weakest first";
    let Some(value) = root.get("model") else {
        return Err(root.missing("model", needed));
    };
    let DeValue::Array(items) = value.get_ref() else {
        return Err(root.wrong("model", "must be written `[[model]]`, once a model"));
    };
    let mut models: Vec<ModelSpec> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let table = Table::of(root.source, label(index, item), item)?;
        let spec = model(&table, None)?;
        if spec.name == RESERVED {
            let problem = format!("is `{RESERVED}`: steps that a person wrote go by that name");
            return Err(table.wrong("name", &problem));
        }
        if models.iter().any(|other| other.name == spec.name) {
            let problem = format!("is used twice: `{}`; names tell models apart", spec.name);
            return Err(table.wrong("name", &problem));
        }
        models.push(spec);
    }
    if models.len() < 2 {
        let message = format!("only {} model: {needed}", models.len());
        let at = items.first().map_or(0, |item| item.span().start);
        return Err(root.source.error(at, "model", message));
    }
    Ok(models)
}

/// What a `[[model]]` table is called in messages.
fn label(index: usize, item: Value<'_, '_>) -> String {
    let name = item
        .get_ref()
        .get("name")
        .and_then(|name| name.get_ref().as_str());
    match name {
        Some(name) => format!("model `{name}`"),
        None => format!("[[model]] number {}", index + 1),
    }
}

fn model(table: &Table<'_, '_, '_>, scorer: Option<&str>) -> Result<ModelSpec, PoolError> {
    if let Some(pasted) = key::PASTED.iter().find(|name| table.get(name).is_some()) {
        return Err(table.wrong(pasted, key::REFUSED));
    }
    match scorer {
        Some("grader") => table.only(&[MODEL_KEYS, GRADER_KEYS].concat())?,
        _ => table.only(MODEL_KEYS)?,
    }
    let name = match (table.text("name")?, scorer) {
        (Some(name), _) => name,
        (None, Some(scorer)) => scorer.to_owned(),
        (None, None) => return Err(table.missing("name", "give each model a name of its own")),
    };
    let server = server(table)?;
    if let Some(way_out) = scorer.and_then(|scorer| lacking(scorer, server)) {
        return Err(table.wrong("server", &format!("is `{server}`, which {way_out}")));
    }
    let key = key::Source::read(table)?;
    let spec = ModelSpec {
        base_url: base_url(table, server)?,
        model: table.text("model")?,
        params: table.positive("params")?,
        template: table.text("template")?,
        api_key_env: key.env,
        api_key_command: key.command,
        api_key_header: key.header,
        price: price(table)?,
        context: table.count("context")?,
        timeout: table.positive("timeout")?,
        continuation: continuation(table, server)?,
        extra: extra(table, server)?,
        ..ModelSpec::new(name, server)
    };
    check_model_name(table, &spec)?;
    check_template(table, &spec)?;
    Ok(spec)
}

/// Whether a model that cannot go on from a partial answer may be talked into
/// it.
fn continuation(
    table: &Table<'_, '_, '_>,
    server: ServerKind,
) -> Result<Option<Continuation>, PoolError> {
    let Some(name) = table.text("continuation")? else {
        return Ok(None);
    };
    if !server.is_http() {
        let problem = format!("means nothing for server `{server}`, which always goes on exactly");
        return Err(table.wrong("continuation", &problem));
    }
    match name.as_str() {
        "exact" => Ok(Some(Continuation::Exact)),
        "emulated" => Ok(Some(Continuation::Emulated)),
        other => Err(table.wrong(
            "continuation",
            &format!("is `{other}`: `exact` or `emulated` is needed"),
        )),
    }
}

/// Fields that are ours to set: another value would make steps something else
/// than the log says.
const OURS: &[&str] = &[
    "model",
    "prompt",
    "text",
    "messages",
    "stop",
    "stream",
    "n",
    "temperature",
    "top_p",
    "seed",
    "max_tokens",
    "max_completion_tokens",
    "n_predict",
    "logprobs",
    "top_logprobs",
    "n_probs",
    "options",
    "sampling_params",
    "raw",
    "echo",
    "input_ids",
    "return_logprob",
    "top_logprobs_num",
    "logprob_start_len",
    "post_sampling_probs",
    "samplers",
    "stream_options",
    "num_predict",
    "cache_prompt",
    "continue_final_message",
    "add_generation_prompt",
];

/// The fields added to every request for a step.
fn extra(
    table: &Table<'_, '_, '_>,
    server: ServerKind,
) -> Result<serde_json::Map<String, serde_json::Value>, PoolError> {
    let Some(value) = table.get("extra") else {
        return Ok(serde_json::Map::new());
    };
    if !server.is_http() {
        let problem = format!("means nothing for server `{server}`, which gets no requests");
        return Err(table.wrong("extra", &problem));
    }
    let label = format!("`extra` of {}", table.label);
    let inner = Table::of(table.source, label, value)?;
    let fields = inner.json()?;
    for name in fields.keys() {
        if OURS.contains(&name.as_str()) {
            return Err(inner.wrong(name, "is set by pointsman itself: see `[sampling]`"));
        }
        if key::is_pasted(name) || holds_key(&fields[name]) {
            return Err(inner.wrong(name, key::REFUSED));
        }
    }
    Ok(fields)
}

/// Whether something that looks like a key stands anywhere in `value`, which
/// every log would repeat.
fn holds_key(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| key::is_pasted(name) || holds_key(value)),
        serde_json::Value::Array(items) => items.iter().any(holds_key),
        _ => false,
    }
}

fn server(table: &Table<'_, '_, '_>) -> Result<ServerKind, PoolError> {
    let known = || ServerKind::ALL.map(ServerKind::name).join(", ");
    let Some(name) = table.text("server")? else {
        return Err(table.missing("server", &format!("one of {}", known())));
    };
    ServerKind::from_name(&name).ok_or_else(|| {
        let hint = nearest(&name, ServerKind::ALL.map(ServerKind::name))
            .map(|meant| format!("did you mean `{meant}`? "))
            .unwrap_or_default();
        table.wrong("server", &format!("is `{name}`; {hint}known: {}", known()))
    })
}

/// What a server lacks for a scorer's work and what would do, where it does.
fn lacking(scorer: &str, server: ServerKind) -> Option<&'static str> {
    use ServerKind::{Embedded, Local, Openrouter, Vllm};
    match (scorer, server) {
        ("prm", Vllm | Embedded) => None,
        ("prm", _) => Some(
            "has no route for process reward models: serve Qwen2.5-Math-PRM with vLLM \
             (`--runner pooling`) and write `server = \"vllm\"`",
        ),
        ("embeddings", Embedded | Local | Openrouter) => Some(
            "has no embeddings route here: use vllm, llama-cpp (`--embeddings`), sglang, ollama, \
             openai, openai-compatible or litellm",
        ),
        _ => None,
    }
}

/// Refuses a template where the service applies its own.
fn check_template(table: &Table<'_, '_, '_>, spec: &ModelSpec) -> Result<(), PoolError> {
    let chats = matches!(spec.server, ServerKind::Openai | ServerKind::Openrouter);
    match (chats, &spec.template) {
        (true, Some(_)) => Err(table.wrong(
            "template",
            &format!(
                "means nothing for server `{}`, which is sent messages and applies its own",
                spec.server
            ),
        )),
        _ => Ok(()),
    }
}

fn check_model_name(table: &Table<'_, '_, '_>, spec: &ModelSpec) -> Result<(), PoolError> {
    match (spec.server, spec.model.as_deref()) {
        (ServerKind::Embedded, Some("small" | "large" | "judge")) => Ok(()),
        (ServerKind::Embedded, Some(other)) => Err(table.wrong(
            "model",
            &format!("is `{other}`: embedded models are small, large, judge"),
        )),
        (ServerKind::Embedded, None) => Err(table.missing("model", "`small` or `large`")),
        (ServerKind::Local, None) => Err(table.missing(
            "model",
            "the folder with the safetensors and tokenizer.json",
        )),
        (ServerKind::Local | ServerKind::LlamaCpp, _) | (_, Some(_)) => Ok(()),
        (_, None) => Err(table.missing("model", "the name the server knows the model by")),
    }
}

fn base_url(table: &Table<'_, '_, '_>, server: ServerKind) -> Result<Option<String>, PoolError> {
    let given = table.text("base_url")?;
    if !server.is_http() {
        return match given {
            Some(_) => Err(table.wrong(
                "base_url",
                &format!("means nothing for server `{server}`, which runs in this process"),
            )),
            None => Ok(None),
        };
    }
    let Some(given) = given else {
        return match server.default_url() {
            Some(url) => Ok(Some(url.to_owned())),
            None => Err(table.missing(
                "base_url",
                &format!("server `{server}` is reached over HTTP, e.g. \"http://127.0.0.1:8080\""),
            )),
        };
    };
    let url = Url::parse(&given)
        .map_err(|error| table.wrong("base_url", &format!("is no URL (`{given}`): {error}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        // The text itself stays out of the message: it holds a password.
        return Err(table.wrong(
            "base_url",
            "holds a user or password: keys come from the environment (`api_key_env`)",
        ));
    }
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        let problem = format!("is `{given}`: an http:// or https:// address is needed");
        return Err(table.wrong("base_url", &problem));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(table.wrong("base_url", "must have no `?` or `#` part"));
    }
    let trimmed = given.trim_end_matches('/');
    if server == ServerKind::LlamaCpp && trimmed.ends_with("/v1") {
        return Err(table.wrong(
            "base_url",
            "must be the root of the llama.cpp server: leave out `/v1`",
        ));
    }
    Ok(Some(trimmed.to_owned()))
}

fn price(model: &Table<'_, '_, '_>) -> Result<Option<PriceFacts>, PoolError> {
    let Some(value) = model.get("price") else {
        return Ok(None);
    };
    let table = Table::of(model.source, format!("`price` of {}", model.label), value)?;
    table.only(PRICE_KEYS)?;
    let part = |key: &str| {
        table
            .decimal(key)?
            .ok_or_else(|| table.missing(key, PRICE_EXAMPLE))
    };
    let per = part("per")?;
    if per.is_zero() {
        return Err(table.wrong(
            "per",
            "is 0: the number of tokens the price is for, e.g. 1e6",
        ));
    }
    let Some(currency) = table.text("currency")? else {
        return Err(table.missing("currency", PRICE_EXAMPLE));
    };
    if currency.len() != 3 || !currency.chars().all(|c| c.is_ascii_uppercase()) {
        let problem = format!("is `{currency}`: a three-letter code such as USD is needed");
        return Err(table.wrong("currency", &problem));
    }
    Ok(Some(PriceFacts {
        input: part("input")?,
        cached_input: table.decimal("cached_input")?,
        cache_write: table.decimal("cache_write")?,
        output: part("output")?,
        currency,
        per,
        as_of: table.text("as_of")?,
    }))
}

fn warnings(pool: &Pool) -> Vec<String> {
    let mut warnings: Vec<String> = pool
        .models
        .iter()
        .filter(|model| model.params.is_none() && model.price.is_none())
        .map(|model| {
            format!(
                "model `{}` has neither `params` nor `price`: its cost is unknown",
                model.name
            )
        })
        .collect();
    let mut currencies: Vec<&str> = pool
        .models
        .iter()
        .filter_map(|model| model.price.as_ref())
        .map(|price| price.currency.as_str())
        .collect();
    currencies.sort_unstable();
    currencies.dedup();
    if currencies.len() > 1 {
        warnings.push(format!(
            "prices are in different currencies ({}): they cannot be added up",
            currencies.join(", ")
        ));
    }
    if pool.cost_unit().is_none() && warnings.is_empty() {
        warnings.push(
            "some models have only `params` and some only `price`: there is no common cost unit"
                .to_owned(),
        );
    }
    warnings
}
