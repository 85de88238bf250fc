//! SGLang's own route.

use serde_json::{Value, json};

use super::{Knobs, MODEL, Sim, listed, models, strings, values, whole};
use crate::common::fake::{Answer, Seen};
use crate::sim::{Ending, Hold, Keep, Order, Piece, Run, Values};
use crate::tokenizer::prompt_text;

pub fn answer(sim: &Sim, knobs: &Knobs, seen: &Seen) -> Option<Answer> {
    let body = &seen.body;
    match seen.path.as_str() {
        "/v1/models" if knobs.lists_models => Some(models(knobs, "sglang")),
        "/get_server_info" => {
            let info = json!({ "version": "0.5.21", "model_path": MODEL });
            Some(Answer::json(200, &info))
        }
        "/tokenize" => {
            let tokens = knobs.tokenizer?.encode(body["prompt"].as_str()?, true);
            let told = json!({ "tokens": tokens, "count": tokens.len() });
            Some(Answer::json(200, &told))
        }
        "/generate" => Some(generate(sim, knobs, body)),
        _ => None,
    }
}

fn flat(status: u16, message: &str) -> Answer {
    let error = json!({
        "object": "error", "message": message, "type": "BadRequestError", "code": status,
    });
    Answer::json(status, &error)
}

fn generate(sim: &Sim, knobs: &Knobs, body: &Value) -> Answer {
    let sampling = &body["sampling_params"];
    if body["top_logprobs_num"].as_u64().unwrap_or(0) > knobs.most_top {
        return flat(400, "top_logprobs_num is above the maximum");
    }
    let prompt = match body["text"].is_string() {
        true => prompt_text(&body["text"]),
        false => prompt_text(&body["input_ids"]),
    };
    let (prompt_tokens, cached) = sim.count(knobs, &prompt);
    if prompt_tokens >= knobs.context {
        let context = knobs.context;
        return flat(
            400,
            &format!(
                "The input ({prompt_tokens} tokens) is longer than the model's context length \
                 ({context} tokens)."
            ),
        );
    }
    let keeps = sampling["no_stop_trim"] == true;
    let order = Order {
        stops: strings(&sampling["stop"]),
        keep: if keeps { Keep::Untrimmed } else { Keep::Cut },
        hold: Hold::Nothing,
        pieces: knobs.pieces,
        most: whole(&sampling["max_new_tokens"]),
        flush: true,
    };
    let run = sim.run(&prompt, &order);
    let teller = Teller {
        knobs,
        body,
        run: &run,
        prompt: prompt_tokens,
        cached,
    };
    if body["stream"] != true {
        return Answer::json(200, &teller.told(run.pieces.len()));
    }
    // Each event holds all that came before it.
    let events = (1..=run.pieces.len()).map(|count| teller.told(count));
    let text: String = events.map(|event| format!("data: {event}\n\n")).collect();
    Answer::stream(format!("{text}data: [DONE]\n\n"))
}

struct Teller<'a> {
    knobs: &'a Knobs,
    body: &'a Value,
    run: &'a Run,
    prompt: usize,
    cached: usize,
}

impl Teller<'_> {
    /// The answer after `count` tokens.
    fn told(&self, count: usize) -> Value {
        let pieces = &self.run.pieces[..count];
        let text: String = pieces.iter().map(|piece| piece.delta.as_str()).collect();
        let done = count == self.run.pieces.len();
        let mut meta = json!({
            "id": "3f5a", "finish_reason": done.then(|| self.finish()),
            "prompt_tokens": self.prompt, "completion_tokens": count,
        });
        if self.knobs.cached {
            meta["cached_tokens"] = self.cached.into();
        }
        if self.body["return_logprob"] == true && self.knobs.values != Values::Nothing {
            let entries = listed(self.run, self.knobs);
            let entries: Vec<Piece> = entries.into_iter().take(count).flatten().collect();
            meta["output_token_logprobs"] = entries.iter().map(|piece| self.own(piece)).collect();
            meta["output_top_logprobs"] = entries.iter().map(|piece| self.top(piece)).collect();
        }
        let ids: Vec<u32> = pieces.iter().map(|piece| piece.token.id()).collect();
        json!({ "text": text, "output_ids": ids, "meta_info": meta })
    }

    fn finish(&self) -> Value {
        if let Some(said) = self.knobs.finish {
            return json!({
                "type": said, "message": "The request was aborted.", "status_code": 503,
            });
        }
        match &self.run.ending {
            Ending::Stop(stop) => json!({ "type": "stop", "matched": stop }),
            Ending::Eos => json!({ "type": "stop", "matched": 151_645 }),
            Ending::Length => json!({ "type": "length", "length": self.run.pieces.len() }),
        }
    }

    fn temperature(&self) -> f64 {
        self.body["sampling_params"]["temperature"]
            .as_f64()
            .unwrap()
    }

    fn own(&self, piece: &Piece) -> Value {
        let (own, _) = values(piece, self.knobs, self.temperature(), 1);
        json!([own, piece.token.id(), piece.shown])
    }

    fn top(&self, piece: &Piece) -> Value {
        let most = whole(&self.body["top_logprobs_num"]);
        let (_, best) = values(piece, self.knobs, self.temperature(), most);
        best.iter()
            .map(|(text, value)| json!([value, 7, text]))
            .collect()
    }
}
