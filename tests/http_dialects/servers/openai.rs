//! OpenAI's routes: in the words of vLLM 0.32 where the server is one, and bare
//! elsewhere.

use serde_json::{Map, Value, json};

use super::{Going, Kind, Knobs, MODEL, Sim, listed, models, strings, values, whole};
use crate::common::fake::{Answer, Seen};
use crate::sim::{Ending, Hold, Keep, Order, Piece, Run, Values};
use crate::tokenizer::prompt_text;

pub fn answer(sim: &Sim, knobs: &Knobs, seen: &Seen) -> Option<Answer> {
    let vllm = sim.kind.is_vllm();
    let route = Route { sim, knobs, seen };
    match seen.path.as_str() {
        "/v1/models" if knobs.lists_models => {
            Some(models(knobs, if vllm { "vllm" } else { "somebody" }))
        }
        "/version" if vllm => Some(Answer::json(200, &json!({ "version": "0.32.0" }))),
        "/tokenize" if vllm => tokenize(knobs, &seen.body),
        path if path == sim.kind.path() => Some(route.complete()),
        _ => None,
    }
}

fn tokenize(knobs: &Knobs, body: &Value) -> Option<Answer> {
    let tokenizer = knobs.tokenizer?;
    let special = body["add_special_tokens"].as_bool().unwrap_or(true);
    let tokens = tokenizer.encode(body["prompt"].as_str()?, special);
    let told = json!({
        "count": tokens.len(), "max_model_len": knobs.context, "tokens": tokens,
        "token_strs": null,
    });
    Some(Answer::json(200, &told))
}

/// vLLM's error; its `code` is a number.
fn refusal(status: u16, kind: &str, message: &str, param: &str) -> Answer {
    let error = json!({ "message": message, "type": kind, "param": param, "code": status });
    Answer::json(status, &json!({ "error": error }))
}

/// A request for a completion.
struct Route<'a> {
    sim: &'a Sim,
    knobs: &'a Knobs,
    seen: &'a Seen,
}

impl Route<'_> {
    fn is_chat(&self) -> bool {
        !self.sim.kind.text
    }

    fn complete(&self) -> Answer {
        let body = &self.seen.body;
        if let Some(refused) = self.refused(body) {
            return refused;
        }
        let prompt = match self.is_chat() {
            true => match self.conversation(body) {
                Ok(prompt) => prompt,
                Err(refused) => return *refused,
            },
            false => prompt_text(&body["prompt"]),
        };
        let (prompt_tokens, cached) = self.sim.count(self.knobs, &prompt);
        if prompt_tokens >= self.knobs.context {
            let most = self.knobs.context;
            return refusal(
                400,
                "BadRequestError",
                &format!(
                    "This model's maximum context length is {most} tokens. However, your prompt \
                     contains at least {prompt_tokens} input tokens."
                ),
                "input_tokens",
            );
        }
        let keeps = self.sim.kind.is_vllm() && body["include_stop_str_in_output"] == true;
        let order = Order {
            stops: strings(&body["stop"]),
            keep: if keeps { Keep::Kept } else { Keep::Cut },
            hold: if keeps {
                Hold::Nothing
            } else {
                Hold::Characters
            },
            pieces: self.knobs.pieces,
            most: whole(&body["max_tokens"]).max(whole(&body["max_completion_tokens"])),
            flush: !self.sim.kind.is_vllm(),
        };
        let run = self.sim.run(&prompt, &order);
        let counts = Counts {
            prompt: prompt_tokens,
            cached: self.knobs.cached.then_some(cached),
        };
        match body["stream"] == true {
            true => self.stream(&run, counts),
            false => self.one_answer(&run, counts),
        }
    }

    fn refused(&self, body: &Value) -> Option<Answer> {
        let kind = "BadRequestError";
        if body["model"] != MODEL {
            let message = format!("The model `{}` does not exist.", body["model"]);
            return Some(refusal(404, "NotFoundError", &message, "model"));
        }
        for field in &self.knobs.unsupported {
            if !body[field].is_null() {
                let error = json!({
                    "message": format!("Unsupported parameter: '{field}' is not supported with \
                        this model."),
                    "type": "invalid_request_error", "param": field,
                    "code": "unsupported_parameter",
                });
                return Some(Answer::json(400, &json!({ "error": error })));
            }
        }
        let top = self.top();
        if top > self.knobs.most_top {
            let most = self.knobs.most_top;
            let message = format!(
                "Requested sample logprobs of {top}, which is greater than max allowed: {most}"
            );
            return Some(refusal(400, kind, &message, "logprobs"));
        }
        let hot = body["temperature"].as_f64().unwrap_or(1.0);
        if hot > self.knobs.hottest {
            let message = format!(
                "temperature must be in [0, {}], got {hot}",
                self.knobs.hottest
            );
            return Some(refusal(400, kind, &message, "temperature"));
        }
        None
    }

    /// Alternatives asked for.
    fn top(&self) -> u64 {
        let body = &self.seen.body;
        match self.is_chat() {
            true => body["top_logprobs"].as_u64().unwrap_or(0),
            false => body["logprobs"].as_u64().unwrap_or(0),
        }
    }

    /// What stands before the next token, in as far as the model reads it.
    fn conversation(&self, body: &Value) -> Result<String, Box<Answer>> {
        let messages = body["messages"].as_array().unwrap();
        let last = messages.last().unwrap();
        let text: Vec<&str> = messages
            .iter()
            .map(|message| message["content"].as_str().unwrap())
            .collect();
        let text = text.join("\n");
        if last["role"] != "assistant" {
            return Ok(format!("{text}\nassistant:"));
        }
        let flagged = body["continue_final_message"] == true;
        let bad = |message: &str| Box::new(refusal(400, "BadRequestError", message, "messages"));
        match self.knobs.going {
            Going::ByFlags if flagged && body["add_generation_prompt"] != false => Err(bad(
                "Cannot set both `continue_final_message` and `add_generation_prompt` to True.",
            )),
            Going::ByFlags if flagged => Ok(text),
            Going::ByItself => Ok(text),
            Going::Strictly if flagged => {
                Err(bad("Unrecognized request argument: continue_final_message"))
            }
            Going::Strictly => Ok(text),
            Going::Refused => Err(bad(
                "This model does not support assistant message prefill. The conversation must \
                 end with a user message.",
            )),
            Going::ByFlags | Going::Anew => Ok(format!("{text}\nassistant:")),
        }
    }

    fn one_answer(&self, run: &Run, counts: Counts) -> Answer {
        let pieces: Vec<Piece> = listed(run, self.knobs).into_iter().flatten().collect();
        let mut choice = json!({ "index": 0, "logprobs": self.logprobs(&pieces, 0) });
        match self.is_chat() {
            true => choice["message"] = self.message("content", &run.text),
            false => choice["text"] = run.text.as_str().into(),
        }
        self.end(&mut choice, Some(&run.ending));
        if self.seen.body["return_token_ids"] == true {
            choice["token_ids"] = ids(&run.pieces);
        }
        let mut answer = self.envelope(vec![choice]);
        answer["usage"] = counts.told(run.pieces.len(), true);
        Answer::json(200, &answer)
    }

    fn stream(&self, run: &Run, counts: Counts) -> Answer {
        let options = &self.seen.body["stream_options"];
        let mut events = Vec::new();
        if self.is_chat() {
            let delta = json!({ "role": "assistant", "content": "" });
            let first = json!({ "index": 0, "delta": delta, "finish_reason": null });
            events.push(self.envelope(vec![first]));
        }
        let mut offset = 0;
        let count = run.pieces.len();
        let entries = listed(run, self.knobs);
        for (nth, (piece, entry)) in run.pieces.iter().zip(entries).enumerate() {
            let entry: Vec<Piece> = entry.into_iter().collect();
            let mut choice = json!({ "index": 0, "logprobs": self.logprobs(&entry, offset) });
            offset += piece.shown.chars().count();
            match self.is_chat() {
                true => choice["delta"] = json!({ "content": piece.delta }),
                false => choice["text"] = piece.delta.as_str().into(),
            }
            self.end(&mut choice, (nth + 1 == count).then_some(&run.ending));
            if self.seen.body["return_token_ids"] == true {
                choice["token_ids"] = ids(std::slice::from_ref(piece));
            }
            let mut event = self.envelope(vec![choice]);
            if options["continuous_usage_stats"] == true {
                event["usage"] = counts.told(nth + 1, false);
            }
            events.push(event);
        }
        if options["include_usage"] == true {
            let mut last = self.envelope(Vec::new());
            last["usage"] = counts.told(count, true);
            events.push(last);
        }
        let mut text: String = events
            .iter()
            .map(|event| format!("data: {event}\n\n"))
            .collect();
        if self.sim.kind == Kind::OPENROUTER {
            text = format!(": OPENROUTER PROCESSING\n\n{text}");
        }
        Answer::stream(format!("{text}data: [DONE]\n\n"))
    }

    fn message(&self, field: &str, text: &str) -> Value {
        match self.knobs.refusal {
            Some(refusal) => json!({ "role": "assistant", "content": null, "refusal": refusal }),
            None => json!({ "role": "assistant", field: text, "refusal": null }),
        }
    }

    fn envelope(&self, choices: Vec<Value>) -> Value {
        json!({
            "id": "cmpl-9be92fe6b6fa9a69", "object": "text_completion",
            "created": 1_795_673_953, "model": MODEL, "choices": choices,
        })
    }

    /// Says why it ended, where it did.
    fn end(&self, choice: &mut Value, ending: Option<&Ending>) {
        let (finish, reason) = match ending {
            None => (Value::Null, Value::Null),
            Some(Ending::Stop(stop)) => ("stop".into(), stop.as_str().into()),
            Some(Ending::Eos) => ("stop".into(), Value::Null),
            Some(Ending::Length) => ("length".into(), Value::Null),
        };
        choice["finish_reason"] = match self.knobs.finish {
            Some(said) if ending.is_some() => said.into(),
            _ => finish,
        };
        if self.sim.kind.is_vllm() {
            choice["stop_reason"] = reason;
        }
    }

    fn logprobs(&self, pieces: &[Piece], offset: usize) -> Value {
        let top = usize::try_from(self.top()).unwrap();
        if top == 0 || self.knobs.values == Values::Nothing || pieces.is_empty() {
            return Value::Null;
        }
        match self.is_chat() {
            true => self.chat_logprobs(pieces, top),
            false => self.completion_logprobs(pieces, top, offset),
        }
    }

    fn temperature(&self) -> f64 {
        self.seen.body["temperature"].as_f64().unwrap_or(1.0)
    }

    /// Dictionaries by text: of two tokens with one text the later one wins.
    fn completion_logprobs(&self, pieces: &[Piece], top: usize, offset: usize) -> Value {
        let mut told = Legacy::default();
        let mut offset = offset;
        for piece in pieces {
            let (own, best) = values(piece, self.knobs, self.temperature(), top);
            let mut alternatives = Map::new();
            if !self.knobs.without_own {
                alternatives.insert(piece.shown.clone(), own.into());
            }
            alternatives.extend(best.into_iter().map(|(text, value)| (text, value.into())));
            told.offsets.push(offset);
            told.values.push(own);
            told.tokens.push(piece.shown.clone());
            told.tops.push(alternatives);
            offset += piece.shown.chars().count();
        }
        json!({
            "text_offset": told.offsets, "token_logprobs": told.values,
            "tokens": told.tokens, "top_logprobs": told.tops,
        })
    }

    fn chat_logprobs(&self, pieces: &[Piece], top: usize) -> Value {
        let entry = |text: &str, value: f32| json!({ "token": text, "logprob": value, "bytes": text.as_bytes() });
        let content: Vec<Value> = pieces
            .iter()
            .map(|piece| {
                let (own, mut best) = values(piece, self.knobs, self.temperature(), top);
                if self.sim.kind.is_vllm() {
                    // The sampled one first, then the best, cut to the number
                    // that was asked for.
                    best.retain(|(text, _)| *text != piece.shown);
                    if !self.knobs.without_own {
                        best.insert(0, (piece.shown.clone(), own));
                    }
                    best.truncate(top);
                }
                let alternatives = best.iter().map(|(text, value)| entry(text, *value));
                let mut told = entry(&piece.shown, own);
                told["top_logprobs"] = alternatives.collect();
                told
            })
            .collect();
        json!({ "content": content })
    }
}

#[derive(Default)]
struct Legacy {
    offsets: Vec<usize>,
    values: Vec<f32>,
    tokens: Vec<String>,
    tops: Vec<Map<String, Value>>,
}

fn ids(pieces: &[Piece]) -> Value {
    pieces.iter().map(|piece| piece.token.id()).collect()
}

#[derive(Clone, Copy)]
struct Counts {
    prompt: usize,
    cached: Option<usize>,
}

impl Counts {
    fn told(self, output: usize, details: bool) -> Value {
        let mut told = json!({
            "prompt_tokens": self.prompt, "completion_tokens": output,
            "total_tokens": self.prompt + output,
        });
        if details {
            let cached = self.cached.map(|cached| json!({ "cached_tokens": cached }));
            told["prompt_tokens_details"] = cached.unwrap_or_default();
        }
        told
    }
}
