//! What helps where a server does not give what is wanted: the flags and
//! settings of each kind of server, in one place.
//!
//! Every function takes the kind as the log names it, for a log may hold kinds
//! that this version does not know.

use super::pool::ServerKind;

/// What brings token probabilities from a server that gave none.
pub fn probabilities(server: &str) -> &'static str {
    match ServerKind::from_name(server) {
        Some(ServerKind::Openai) => {
            "OpenAI gives none for its reasoning models unless their effort is none: set `extra = { \
             reasoning_effort = \"none\" }`, choose another model"
        }
        Some(ServerKind::Openrouter) => {
            "take a provider that returns them: `extra = { provider = { require_parameters = true \
             } }`, use a server of your own"
        }
        Some(ServerKind::Litellm) => {
            "LiteLLM drops what the service behind it does not take (`drop_params`): put one behind \
             it that has them, use a server of your own"
        }
        _ => "use a server that returns log-probabilities (vllm, sglang, llama-cpp, a local model)",
    }
}

/// What brings raw logits from a server that gave log-probabilities or nothing.
pub fn raw_logits(server: &str) -> &'static str {
    match ServerKind::from_name(server) {
        Some(ServerKind::Vllm) => "restart vLLM with `--logprobs-mode raw_logits`",
        _ => "use vLLM started with `--logprobs-mode raw_logits`, or a local model",
    }
}

/// What brings probabilities from a server that gives raw logits in their place.
pub fn instead_of_logits(server: &str) -> &'static str {
    match ServerKind::from_name(server) {
        Some(ServerKind::Vllm) => "restart vLLM without `--logprobs-mode raw_logits`",
        _ => "have the server return log-probabilities",
    }
}

/// What brings log-probabilities before temperature from a server that gave
/// them after it.
pub fn before_temperature(server: &str) -> Option<&'static str> {
    match ServerKind::from_name(server) {
        Some(ServerKind::Sglang) => Some("start SGLang with `SGLANG_RETURN_ORIGINAL_LOGPROB=1`"),
        Some(ServerKind::Vllm) => Some("start vLLM with `--logprobs-mode raw_logprobs`"),
        _ => None,
    }
}

/// What makes a server report cached prompt tokens; `None` where nothing does.
pub fn cached_counts(server: &str) -> Option<&'static str> {
    match ServerKind::from_name(server) {
        Some(ServerKind::Vllm) => Some("start vLLM with `--enable-prompt-tokens-details`"),
        Some(ServerKind::Sglang) => Some("start SGLang with `--enable-cache-report`"),
        _ => None,
    }
}

/// What makes a server say why it ended a step.
pub fn named_stop(server: &str) -> &'static str {
    match ServerKind::from_name(server) {
        Some(ServerKind::OpenaiCompatible | ServerKind::Litellm) => {
            "name the server itself where it is one of vllm, sglang and llama-cpp, or have the \
             delimiter kept in the text where that is possible (`extra = { \
             include_stop_str_in_output = true }`)"
        }
        _ => "vllm, sglang and llama-cpp servers do",
    }
}

/// What goes on exactly where a chat route has to be talked into it.
pub fn exact_continuation() -> &'static str {
    "use a server with a completion route (vllm, sglang, llama-cpp)"
}
