//! What a server says went wrong, in the many forms servers say it.

use std::borrow::Cow;

use serde_json::Value;

/// Most bytes of a body that is no JSON.
const MOST: usize = 1 << 16;
/// How deep errors within errors are looked for.
const DEEPEST: usize = 4;

/// The error in any of its forms: beneath `error`, once or twice; flat, with
/// `object: "error"`; a bare text; FastAPI's `detail`.
#[derive(Debug, Default)]
pub(super) struct Inner {
    pub message: String,
    /// Every `type`, `error_type` and textual `code`.
    kinds: Vec<String>,
    /// The HTTP status it would have had.
    code: Option<u16>,
    /// The parameter it is about.
    pub param: Option<String>,
    pub prompt_tokens: Option<u64>,
    pub context: Option<u64>,
}

impl Inner {
    /// The message as it is shown: of a web page what its title says, or its
    /// words, for the rest of it is made for a browser.
    pub fn said(&self) -> Cow<'_, str> {
        let text = self.message.trim_start();
        // Of the same length, byte for byte.
        let lower = text.to_ascii_lowercase();
        if !["<!doctype html", "<html"]
            .iter()
            .any(|start| lower.starts_with(start))
        {
            return self.message.as_str().into();
        }
        let title = lower.find("<title>").map(|at| at + "<title>".len());
        let title = title.and_then(|from| text[from..].split('<').next());
        match title.map(str::trim) {
            Some(title) if !title.is_empty() => format!("a web page, `{title}`").into(),
            _ => {
                // What stands before a tag or between two, not within one.
                let parts = text.split('<').map(|part| match part.split_once('>') {
                    Some((_, words)) => words,
                    None => "",
                });
                let words: String = parts.collect();
                match words.trim() {
                    "" => "a web page".into(),
                    words => format!("a web page: {words}").into(),
                }
            }
        }
    }

    /// Reads the body of an answer.
    pub fn of(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => Self::of_value(&value),
            Err(_) => Self {
                message: String::from_utf8_lossy(body.get(..MOST).unwrap_or(body)).into_owned(),
                ..Self::default()
            },
        }
    }

    /// Reads an error, or an answer that holds one.
    pub fn of_value(value: &Value) -> Self {
        // Innermost first: it knows most.
        let mut levels = vec![value];
        while let Some(inner) = levels[0].get("error").filter(|error| !error.is_null()) {
            if levels.len() > DEEPEST {
                break;
            }
            levels.insert(0, inner);
        }
        let code = |value: &&Value| {
            let code = value.get("code").or_else(|| value.get("status_code"))?;
            let number = code.as_u64().or_else(|| code.as_str()?.parse().ok())?;
            u16::try_from(number).ok()
        };
        let number = |key: &str| levels.iter().find_map(|value| value.get(key)?.as_u64());
        Self {
            message: levels
                .iter()
                .find_map(|value| message(value))
                .unwrap_or_else(|| value.to_string()),
            kinds: levels.iter().flat_map(|value| kinds(value)).collect(),
            code: levels.iter().find_map(code),
            param: levels
                .iter()
                .find_map(|value| value.get("param")?.as_str())
                .filter(|param| !param.is_empty())
                .map(str::to_owned),
            prompt_tokens: number("n_prompt_tokens"),
            context: number("n_ctx"),
        }
    }

    /// The HTTP status that an error within a success stands for. Without a
    /// word about it, it is the server's.
    pub fn status(&self) -> u16 {
        let named = || self.kinds.iter().find_map(|kind| status_of(kind));
        self.code
            .filter(|code| (400..600).contains(code))
            .or_else(named)
            .unwrap_or(500)
    }

    fn is(&self, names: &[&str]) -> bool {
        self.kinds
            .iter()
            .any(|kind| names.contains(&kind.to_lowercase().as_str()))
    }

    /// Whether the account is out of money: waiting does not help.
    pub fn is_quota(&self, status: u16) -> bool {
        const NAMES: [&str; 3] = [
            "insufficient_quota",
            "billing_not_active",
            "billing_hard_limit_reached",
        ];
        status == 402 || self.is(&NAMES)
    }

    /// Whether a server that is unavailable is only loading its model.
    pub fn is_loading(&self) -> bool {
        self.is(&["unavailable_error"]) || self.message.to_lowercase().contains("loading")
    }

    /// Whether the prompt, with the step, is longer than the model can read.
    /// Servers word it in many ways and change them: matched loosely, but only
    /// where a request can be refused for it.
    pub fn is_context(&self, status: u16) -> bool {
        const NAMES: [&str; 2] = ["exceed_context_size_error", "context_length_exceeded"];
        if status == 413 || self.is(&NAMES) {
            return true;
        }
        let said = self.message.to_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| said.contains(part));
        if !matches!(status, 400 | 422 | 500) || has(&["rate limit", "per minute", "quota"]) {
            return false;
        }
        let of_context = has(&[
            "context length",
            "context size",
            "context window",
            "maximum context",
            "maximum model length",
        ]);
        let too_much = has(&[
            "exceed",
            "longer",
            "too long",
            "too large",
            "larger",
            "greater",
            "maximum",
            "only",
        ]);
        let by_itself = has(&[
            "input is too long",
            "prompt is too long",
            "input length exceeds",
        ]);
        // A server that failed may speak of its context for other reasons.
        match status {
            500 => of_context && has(&["exceed", "longer", "too long"]),
            _ => of_context && too_much || by_itself,
        }
    }
}

/// What one level says.
fn message(value: &Value) -> Option<String> {
    let text = |key: &str| {
        let text = value.get(key)?.as_str()?;
        (!text.trim().is_empty()).then(|| text.to_owned())
    };
    let said = match value {
        Value::String(text) => Some(text.clone()),
        _ => text("message")
            .or_else(|| detail(value.get("detail")?))
            .or_else(|| text("msg")),
    }?;
    // A gateway's own words say little; it passes on the provider's.
    let raw = value
        .pointer("/metadata/raw")
        .and_then(Value::as_str)
        .map(|raw| format!("{said} ({raw})"));
    Some(raw.unwrap_or(said))
}

/// FastAPI's words: a text, or a list with a message and a place for each.
fn detail(value: &Value) -> Option<String> {
    let Value::Array(items) = value else {
        return message(value);
    };
    let said: Vec<String> = items
        .iter()
        .filter_map(|item| {
            let place: Vec<&str> = item
                .get("loc")
                .and_then(Value::as_array)
                .map(|parts| parts.iter().filter_map(Value::as_str).collect())
                .unwrap_or_default();
            let said = message(item)?;
            Some(match place.is_empty() {
                true => said,
                false => format!("{}: {said}", place.join(".")),
            })
        })
        .collect();
    (!said.is_empty()).then(|| said.join("; "))
}

fn kinds(value: &Value) -> impl Iterator<Item = String> {
    ["code", "type", "error_type"]
        .into_iter()
        .filter_map(|key| value.get(key)?.as_str())
        .filter(|kind| kind.parse::<u16>().is_err())
        .map(str::to_owned)
}

/// The status behind the name of an error.
fn status_of(kind: &str) -> Option<u16> {
    Some(match kind.to_lowercase().as_str() {
        "rate_limit_exceeded" | "rate_limit_error" | "ratelimiterror" | "too_many_requests" => 429,
        "insufficient_quota" | "billing_not_active" | "billing_hard_limit_reached" => 402,
        "authentication_error" | "authenticationerror" | "invalid_api_key" => 401,
        "permission_error" | "permission_denied_error" => 403,
        "not_found_error" | "notfounderror" | "model_not_found" => 404,
        "invalid_request_error" | "badrequesterror" | "context_length_exceeded" => 400,
        "unavailable_error" | "overloaded_error" => 503,
        _ => return None,
    })
}
