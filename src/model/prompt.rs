//! Prompt templates, rendered here so that continuation is byte-exact.
//!
//! A prompt is the template around the question followed by the partial
//! answer, byte for byte. No template holds a beginning-of-sequence token:
//! adding it is the tokenizer's business, and doing both would double it.

use std::path::{Path, PathBuf};

use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, ErrorKind, State, context};

use super::pool::{ModelSpec, ServerKind};
use crate::trace::ids;

/// The instruction of the Qwen2.5-Math evaluations; `system` in templates.
pub const STEP_BY_STEP: &str =
    "Please reason step by step, and put your final answer within \\boxed{}.";

/// Name of the embedded pair's own template.
pub const PAIR: &str = "pointsman-pair";

/// The embedded pair's own template: the text it was trained on.
pub const PAIR_SOURCE: &str = "Question: {{ question }}\n\nSolution:\n\n";

/// Name of "let the server apply its own template".
pub const SERVER: &str = "server";

/// The built-in templates by name.
pub const BUILT_IN: [(&str, &str); 7] = [
    (
        "qwen2.5-math",
        "<|im_start|>system\n{{ system }}<|im_end|>\n<|im_start|>user\n{{ question }}<|im_end|>\n\
         <|im_start|>assistant\n",
    ),
    (
        "qwen2.5",
        "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful \
         assistant.<|im_end|>\n<|im_start|>user\n{{ question }}<|im_end|>\n\
         <|im_start|>assistant\n",
    ),
    (
        "llama-3",
        "<|start_header_id|>user<|end_header_id|>\n\n{{ question }}<|eot_id|>\
         <|start_header_id|>assistant<|end_header_id|>\n\n",
    ),
    (
        "gemma-3",
        "<start_of_turn>user\n{{ question }}<end_of_turn>\n<start_of_turn>model\n",
    ),
    (
        "smollm2",
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging \
         Face<|im_end|>\n<|im_start|>user\n{{ question }}<|im_end|>\n<|im_start|>assistant\n",
    ),
    ("plain", "{{ question }}\n\n"),
    (PAIR, PAIR_SOURCE),
];

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TemplateError {
    #[error(
        "template `{name}` is neither built in ({}) nor a readable file: {reason}",
        BUILT_IN.map(|(name, _)| name).join(", ")
    )]
    Unreadable { name: String, reason: String },
    #[error("template `{name}` does not work: {reason}")]
    Broken { name: String, reason: String },
    #[error("no `template` is named: one of {}, or a file", BUILT_IN.map(|(name, _)| name).join(", "))]
    Missing,
    #[error("template `server` needs a server that applies templates, such as llama-cpp")]
    NoServer,
}

/// SHA-256 of the template file that `spec` names; `None` for a template that
/// is no file.
///
/// # Errors
/// [`TemplateError::Unreadable`].
pub fn file_sha256(
    spec: &ModelSpec,
    folder: Option<&Path>,
) -> Result<Option<String>, TemplateError> {
    let built_in = |name: &str| BUILT_IN.iter().any(|(known, _)| *known == name);
    match spec.template.as_deref() {
        Some(name) if name != SERVER && !built_in(name) => ids::file_sha256(&path_of(name, folder))
            .map(Some)
            .map_err(|error| unreadable(name, &error)),
        _ => Ok(None),
    }
}

/// Relative paths start at the pool file's folder.
fn path_of(name: &str, folder: Option<&Path>) -> PathBuf {
    folder.map_or_else(|| name.into(), |folder| folder.join(name))
}

fn unreadable(name: &str, error: &std::io::Error) -> TemplateError {
    TemplateError::Unreadable {
        name: name.to_owned(),
        reason: error.to_string(),
    }
}

/// A checked template.
#[derive(Debug, Clone)]
pub enum Template {
    /// Rendered here.
    Local(Box<LocalTemplate>),
    /// Rendered by the server's `/apply-template`.
    Server,
}

/// A minijinja template with the settings it is rendered under.
#[derive(Debug, Clone)]
pub struct LocalTemplate {
    name: String,
    source: String,
    environment: Environment<'static>,
}

impl Template {
    /// The template `spec` asks for. Without one the embedded pair has its
    /// own, and llama.cpp applies the one in its model file. Relative paths
    /// start at `folder`, the pool file's.
    pub fn for_spec(spec: &ModelSpec, folder: Option<&Path>) -> Result<Self, TemplateError> {
        match (spec.template.as_deref(), spec.server) {
            (Some(SERVER), ServerKind::LlamaCpp) => Ok(Self::Server),
            (Some(SERVER), _) => Err(TemplateError::NoServer),
            (Some(name), _) => Self::local(name, folder),
            (None, ServerKind::Embedded) => Self::local(PAIR, None),
            (None, ServerKind::LlamaCpp) => Ok(Self::Server),
            (None, _) => Err(TemplateError::Missing),
        }
    }

    fn local(name: &str, folder: Option<&Path>) -> Result<Self, TemplateError> {
        LocalTemplate::named(name, folder).map(|template| Self::Local(Box::new(template)))
    }
}

impl LocalTemplate {
    /// A built-in template, or the file of that path.
    pub fn named(name: &str, folder: Option<&Path>) -> Result<Self, TemplateError> {
        if let Some((_, source)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
            let mut environment = Environment::new();
            // Chat formats end in a newline that belongs to the prompt.
            environment.set_keep_trailing_newline(true);
            return Self::compile(name, (*source).to_owned(), environment);
        }
        let source = std::fs::read_to_string(path_of(name, folder))
            .map_err(|error| unreadable(name, &error))?;
        if name.ends_with(".json") {
            return Self::from_tokenizer_config(name, &source);
        }
        Self::from_source(name, source)
    }

    /// The `chat_template` of a `tokenizer_config.json` as models are
    /// published with: of several the one named `default`.
    pub fn from_tokenizer_config(name: &str, json: &str) -> Result<Self, TemplateError> {
        let broken = |reason: &str| TemplateError::Broken {
            name: name.to_owned(),
            reason: reason.to_owned(),
        };
        let config: serde_json::Value =
            serde_json::from_str(json).map_err(|error| broken(&error.to_string()))?;
        let source = match &config["chat_template"] {
            serde_json::Value::String(source) => Some(source.as_str()),
            serde_json::Value::Array(named) => named
                .iter()
                .find(|one| one["name"] == "default")
                .and_then(|one| one["template"].as_str()),
            _ => None,
        };
        let Some(source) = source else {
            return Err(broken(
                "it holds no `chat_template`; newer models have it in a file of its own, \
                 chat_template.jinja",
            ));
        };
        Self::from_source(name, source.to_owned())
    }

    /// A template in the dialect of Hugging Face's `chat_template`: as Jinja
    /// does, one newline at the very end of the source is dropped.
    ///
    /// Variables: `question`, `system` ([`STEP_BY_STEP`]), `messages` (one
    /// user message), `add_generation_prompt` (true), `enable_thinking` (false)
    /// and `bos_token` (empty: the tokenizer adds the mark). There is no
    /// `strftime_now`: templates that ask for the date fall back to a fixed one,
    /// so that the same question has the same prompt on every day.
    pub fn from_source(name: &str, source: String) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_unknown_method_callback(string_method);
        environment.add_function("raise_exception", |text: String| -> Result<Value, _> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, text))
        });
        Self::compile(name, source, environment)
    }

    fn compile(
        name: &str,
        source: String,
        mut environment: Environment<'static>,
    ) -> Result<Self, TemplateError> {
        // Prompts are plain text: nothing is to be escaped for HTML.
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        let template = Self {
            name: name.to_owned(),
            source,
            environment,
        };
        let rendered = template.render("2 + 2?")?;
        if !rendered.contains("2 + 2?") {
            return Err(TemplateError::Broken {
                name: name.to_owned(),
                reason: "it does not show the question: use {{ question }} or messages".to_owned(),
            });
        }
        Ok(template)
    }

    /// The prompt in front of the answer. Never trimmed.
    pub fn render(&self, question: &str) -> Result<String, TemplateError> {
        let variables = context! {
            question,
            system => STEP_BY_STEP,
            messages => vec![context! { role => "user", content => question }],
            add_generation_prompt => true,
            enable_thinking => false,
            bos_token => "",
        };
        // Compiled at every call (microseconds): a compiled template would
        // borrow its source.
        self.environment
            .render_named_str(&self.name, &self.source, variables)
            .map_err(|error| TemplateError::Broken {
                name: self.name.clone(),
                reason: describe(&error),
            })
    }

    /// The whole prompt: template around `question`, then `prefix`.
    pub fn prompt(&self, question: &str, prefix: &str) -> Result<String, TemplateError> {
        let mut prompt = self.render(question)?;
        prompt.push_str(prefix);
        Ok(prompt)
    }
}

fn describe(error: &minijinja::Error) -> String {
    let what = error
        .detail()
        .map_or_else(|| error.kind().to_string(), str::to_owned);
    match error.line() {
        Some(line) => format!("line {line}: {what}"),
        None => what,
    }
}

/// The Python string methods that published chat templates call.
fn string_method(
    _: &State<'_, '_>,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, minijinja::Error> {
    let unknown = || minijinja::Error::from(ErrorKind::UnknownMethod);
    if value.kind() != ValueKind::String {
        return Err(unknown());
    }
    let text = value.as_str().ok_or_else(unknown)?;
    let argument = args.first().and_then(Value::as_str);
    Ok(match (method, argument) {
        ("strip", None) => Value::from(text.trim()),
        ("lstrip", None) => Value::from(text.trim_start()),
        ("rstrip", None) => Value::from(text.trim_end()),
        ("strip", Some(set)) => Value::from(text.trim_matches(|c| set.contains(c))),
        ("lstrip", Some(set)) => Value::from(text.trim_start_matches(|c| set.contains(c))),
        ("rstrip", Some(set)) => Value::from(text.trim_end_matches(|c| set.contains(c))),
        ("startswith", Some(part)) => Value::from(text.starts_with(part)),
        ("endswith", Some(part)) => Value::from(text.ends_with(part)),
        ("split", Some(separator)) if !separator.is_empty() => {
            Value::from(text.split(separator).map(Value::from).collect::<Vec<_>>())
        }
        ("upper", None) => Value::from(text.to_uppercase()),
        ("lower", None) => Value::from(text.to_lowercase()),
        _ => return Err(unknown()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(name: &str) -> String {
        let template = LocalTemplate::named(name, None).unwrap();
        template
            .prompt("What is 1 < 2 & {{3}}?\n", "First.\n\n")
            .unwrap()
    }

    #[test]
    fn a_template_file_is_known_by_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.jinja");
        let hash_of = |name: &str| {
            let spec = ModelSpec {
                template: Some(name.to_owned()),
                ..ModelSpec::new("a", ServerKind::LlamaCpp)
            };
            file_sha256(&spec, Some(folder.path()))
        };
        std::fs::write(&path, "{{ question }}").unwrap();
        let first = hash_of("mine.jinja").unwrap();
        std::fs::write(&path, "Q: {{ question }}").unwrap();
        let second = hash_of("mine.jinja").unwrap();
        assert!(first.is_some() && second.is_some() && first != second);
        assert_eq!((hash_of("plain"), hash_of(SERVER)), (Ok(None), Ok(None)));
        assert!(hash_of("no.jinja").is_err());
    }

    #[test]
    fn built_in_templates_are_byte_exact() {
        let chat = |system: &str| {
            format!(
                "<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\nWhat is 1 < 2 & \
                 {{{{3}}}}?\n<|im_end|>\n<|im_start|>assistant\nFirst.\n\n"
            )
        };
        assert_eq!(
            rendered("qwen2.5-math"),
            chat("Please reason step by step, and put your final answer within \\boxed{}.")
        );
        assert_eq!(
            rendered("qwen2.5"),
            chat("You are Qwen, created by Alibaba Cloud. You are a helpful assistant.")
        );
        assert_eq!(
            rendered("smollm2"),
            chat("You are a helpful AI assistant named SmolLM, trained by Hugging Face")
        );
        assert_eq!(
            rendered("llama-3"),
            "<|start_header_id|>user<|end_header_id|>\n\nWhat is 1 < 2 & {{3}}?\n<|eot_id|>\
             <|start_header_id|>assistant<|end_header_id|>\n\nFirst.\n\n"
        );
        assert_eq!(
            rendered("gemma-3"),
            "<start_of_turn>user\nWhat is 1 < 2 & {{3}}?\n<end_of_turn>\n<start_of_turn>model\n\
             First.\n\n"
        );
        assert_eq!(rendered("plain"), "What is 1 < 2 & {{3}}?\n\n\nFirst.\n\n");
        assert_eq!(
            rendered(PAIR),
            "Question: What is 1 < 2 & {{3}}?\n\n\nSolution:\n\nFirst.\n\n"
        );
    }

    /// The template that SmolLM2's model file carries.
    const SMOLLM2: &str = "{% for message in messages %}{% if loop.first and \
        messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou are a helpful AI assistant \
        named SmolLM, trained by Hugging Face<|im_end|>\\n' }}{% endif %}{{'<|im_start|>' + \
        message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if \
        add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    #[test]
    fn a_published_chat_template_gives_the_built_in_prompt() {
        let published = LocalTemplate::from_source("smollm2.jinja", SMOLLM2.to_owned()).unwrap();
        assert_eq!(
            published
                .prompt("What is 1 < 2 & {{3}}?\n", "First.\n\n")
                .unwrap(),
            rendered("smollm2")
        );
    }

    #[test]
    fn a_published_tokenizer_config_has_the_template() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, config: serde_json::Value| {
            std::fs::write(folder.path().join(name), config.to_string()).unwrap();
            LocalTemplate::named(name, Some(folder.path()))
        };
        let one = serde_json::json!({ "bos_token": "<s>", "chat_template": SMOLLM2 });
        let several = serde_json::json!({ "chat_template": [
            { "name": "tool_use", "template": "no question" },
            { "name": "default", "template": SMOLLM2 },
        ] });
        for config in [one, several] {
            let template = write("tokenizer_config.json", config).unwrap();
            let question = "What is 1 < 2 & {{3}}?\n";
            assert_eq!(
                template.prompt(question, "First.\n\n").unwrap(),
                rendered("smollm2")
            );
        }
        // The mark of the beginning is the tokenizer's business, and thinking
        // is off.
        let marked = "{{ bos_token }}{% if enable_thinking %}<think>{% endif %}{{ \
                      messages[0].content }}{% if strftime_now is defined %}today{% endif %}";
        let config = serde_json::json!({ "chat_template": marked });
        let template = write("marked.json", config).unwrap();
        assert_eq!(template.render("1?").unwrap(), "1?");
        for config in [
            serde_json::json!({}),
            serde_json::json!({ "chat_template": [] }),
        ] {
            let error = write("none.json", config).unwrap_err();
            assert!(error.to_string().contains("chat_template.jinja"), "{error}");
        }
    }

    #[test]
    fn files_are_read_from_the_pool_folder_and_complaints_name_them() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("own.jinja"),
            "{% set q = question.strip() %}\nQ: {{ q }} ({{ system[:6] }})\nA:\n",
        )
        .unwrap();
        let template = LocalTemplate::named("own.jinja", Some(folder.path())).unwrap();
        assert_eq!(template.render(" x ").unwrap(), "Q: x (Please)\nA:");
        let missing = LocalTemplate::named("other.jinja", Some(folder.path())).unwrap_err();
        assert!(missing.to_string().contains("`other.jinja`"), "{missing}");
        assert!(missing.to_string().contains("qwen2.5-math"), "{missing}");
        for (source, part) in [
            ("{% if %}", "line 1"),
            ("no question", "does not show the question"),
            ("{{ raise_exception('no system role') }}", "no system role"),
        ] {
            let error = LocalTemplate::from_source("x", source.to_owned()).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn a_spec_without_a_template_gets_its_servers() {
        let spec = |server| ModelSpec::new("m", server);
        assert!(matches!(
            Template::for_spec(&spec(ServerKind::LlamaCpp), None),
            Ok(Template::Server)
        ));
        assert!(matches!(
            Template::for_spec(&spec(ServerKind::Embedded), None),
            Ok(Template::Local(_))
        ));
        assert!(Template::for_spec(&spec(ServerKind::Vllm), None).is_err());
    }
}
