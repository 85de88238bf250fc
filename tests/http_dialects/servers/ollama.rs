//! Ollama's own route: lines of JSON, without the entries of tokens that had
//! nothing to show.

use serde_json::{Value, json};

use super::{Knobs, MODEL, Sim, listed, strings, values, whole};
use crate::common::fake::{Answer, Seen};
use crate::sim::{Ending, Hold, Keep, Order, Values};

pub fn answer(sim: &Sim, knobs: &Knobs, seen: &Seen) -> Option<Answer> {
    let body = &seen.body;
    match seen.path.as_str() {
        "/api/version" => Some(Answer::json(200, &json!({ "version": "0.13.1" }))),
        "/api/tags" => {
            let tags = json!({ "models": [{ "name": MODEL }, { "name": "other" }] });
            Some(Answer::json(200, &tags))
        }
        "/api/show" if body["model"] == MODEL => {
            let info = json!({ "qwen2.context_length": knobs.context, "qwen2.block_count": 24 });
            Some(Answer::json(200, &json!({ "model_info": info })))
        }
        "/api/show" => Some(error(404, "model not found")),
        "/api/generate" => Some(generate(sim, knobs, body)),
        _ => None,
    }
}

fn error(status: u16, message: &str) -> Answer {
    Answer::json(status, &json!({ "error": message }))
}

fn generate(sim: &Sim, knobs: &Knobs, body: &Value) -> Answer {
    let options = &body["options"];
    let top = whole(&body["top_logprobs"]);
    if top as u64 > knobs.most_top {
        return error(400, "top_logprobs must be between 0 and 20");
    }
    let prompt = body["prompt"].as_str().unwrap();
    let (prompt_tokens, _) = sim.count(knobs, prompt);
    if prompt_tokens >= whole(&options["num_ctx"]) && body["truncate"] == false {
        return error(400, "the input length exceeds the context length");
    }
    let order = Order {
        stops: strings(&options["stop"]),
        keep: Keep::Cut,
        hold: Hold::Possible,
        pieces: knobs.pieces,
        most: whole(&options["num_predict"]),
        flush: true,
    };
    let run = sim.run(prompt, &order);
    let temperature = options["temperature"].as_f64().unwrap();
    let line = |text: &str, done: bool| {
        json!({
            "model": MODEL, "created_at": "2026-11-26T06:19:12Z", "response": text, "done": done,
        })
    };
    let mut lines: Vec<Value> = Vec::new();
    for (piece, entry) in run.pieces.iter().zip(listed(&run, knobs)) {
        if piece.delta.is_empty() {
            continue;
        }
        let mut told = line(&piece.delta, false);
        if let Some(entry) = entry
            && body["logprobs"] == true
            && knobs.values != Values::Nothing
        {
            let (own, best) = values(&entry, knobs, temperature, top);
            let best: Vec<Value> = best
                .iter()
                .map(|(text, value)| json!({ "token": text, "logprob": value }))
                .collect();
            told["logprobs"] = json!([{
                "token": entry.shown, "logprob": own, "bytes": entry.shown.as_bytes(),
                "top_logprobs": best,
            }]);
        }
        lines.push(told);
    }
    let mut last = line("", true);
    last["done_reason"] = match (knobs.finish, &run.ending) {
        (Some(said), _) => said.into(),
        (None, Ending::Length) => "length".into(),
        (None, _) => "stop".into(),
    };
    last["prompt_eval_count"] = prompt_tokens.into();
    last["eval_count"] = run.pieces.len().into();
    lines.push(last);
    Answer::lines(&lines)
}
