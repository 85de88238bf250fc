//! Simulated servers: one model behind the routes of each dialect, as odd as a
//! test wants it.

pub mod ollama;
pub mod openai;
pub mod sglang;

use std::sync::{Arc, Mutex, MutexGuard};

use pointsman::model::pool::ServerKind;
use serde_json::{Value, json};

use crate::common::fake::{Answer, Fake, Seen};
use crate::sim::{Order, Piece, Pieces, Run, Tok, Values, run, say};
use crate::tokenizer::Tokenizer;

/// The name every simulated server has its model under.
pub const MODEL: &str = "tiny";

/// What stands in the list of tokens behind the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Everything that was sampled, the stop's tokens and end marks too.
    All,
    /// What stands before the cut.
    Cut,
    /// One less than that.
    Short,
}

/// What happens to an entry in the list of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Garble {
    Fine,
    Dropped,
    Blank,
    Other,
}

/// How a chat takes a last message of the assistant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Going {
    /// Goes on from it where the fields of vLLM say so.
    ByFlags,
    /// Goes on from it, and ignores fields it does not know.
    ByItself,
    /// Goes on from it, and refuses fields it does not know.
    Strictly,
    /// Begins anew.
    Anew,
    /// Answers 400.
    Refused,
}

/// What a server is like.
#[derive(Debug, Clone)]
pub struct Knobs {
    pub values: Values,
    /// More alternatives than that are refused.
    pub most_top: u64,
    /// A higher temperature is refused.
    pub hottest: f64,
    pub tail: Tail,
    pub pieces: Pieces,
    /// Whether the sampled token is left out of its alternatives.
    pub without_own: bool,
    /// Whether cached tokens are counted.
    pub cached: bool,
    /// Whether tokens are shown as their ids.
    pub as_ids: bool,
    pub context: usize,
    /// `None`: there is no such route.
    pub tokenizer: Option<Tokenizer>,
    /// Bytes of a chunk of a stream.
    pub chunk: usize,
    /// Befalls the entries of the list in turn.
    pub garble: Vec<Garble>,
    pub going: Going,
    /// Fields that are refused as a reasoning model does.
    pub unsupported: Vec<&'static str>,
    /// Says this of its end in place of the truth.
    pub finish: Option<&'static str>,
    pub refusal: Option<&'static str>,
    /// Whether there is a list of models.
    pub lists_models: bool,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            values: Values::Logprobs,
            most_top: 20,
            hottest: 2.0,
            tail: Tail::All,
            pieces: Pieces::Held,
            without_own: false,
            cached: true,
            as_ids: false,
            context: 8192,
            tokenizer: Some(Tokenizer::default()),
            chunk: usize::MAX,
            garble: Vec::new(),
            going: Going::ByFlags,
            unsupported: Vec::new(),
            finish: None,
            refusal: None,
            lists_models: true,
        }
    }
}

/// A kind of server, with or without a template for whole prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    pub server: ServerKind,
    pub text: bool,
}

const fn kind(server: ServerKind, text: bool) -> Kind {
    Kind { server, text }
}

impl Kind {
    pub const VLLM: Self = kind(ServerKind::Vllm, true);
    pub const COMPATIBLE: Self = kind(ServerKind::OpenaiCompatible, true);
    pub const SGLANG: Self = kind(ServerKind::Sglang, true);
    pub const OLLAMA: Self = kind(ServerKind::Ollama, true);
    /// vLLM's chat route under another name.
    pub const CHAT: Self = kind(ServerKind::OpenaiCompatible, false);
    pub const OPENAI: Self = kind(ServerKind::Openai, false);
    pub const OPENROUTER: Self = kind(ServerKind::Openrouter, false);
    pub const LITELLM: Self = kind(ServerKind::Litellm, false);
    pub const ALL: [Self; 8] = [
        Self::VLLM,
        Self::COMPATIBLE,
        Self::SGLANG,
        Self::OLLAMA,
        Self::CHAT,
        Self::OPENAI,
        Self::OPENROUTER,
        Self::LITELLM,
    ];

    /// The route that writes.
    pub fn path(self) -> &'static str {
        match (self.server, self.text) {
            (ServerKind::Sglang, _) => "/generate",
            (ServerKind::Ollama, _) => "/api/generate",
            (_, true) => "/v1/completions",
            (_, false) => "/v1/chat/completions",
        }
    }

    /// Whether the server speaks vLLM's dialect of OpenAI's routes.
    pub fn is_vllm(self) -> bool {
        matches!(self, Self::VLLM | Self::CHAT)
    }

    /// Whether it says what it stopped at.
    pub fn names_stop(self) -> bool {
        self.is_vllm() || self == Self::SGLANG
    }

    /// What such a server is usually like.
    pub fn knobs(self) -> Knobs {
        Knobs {
            pieces: match self {
                Self::SGLANG | Self::OLLAMA => Pieces::Alone,
                _ => Pieces::Held,
            },
            values: match self {
                Self::SGLANG => Values::ProcessedLogprobs,
                _ => Values::Logprobs,
            },
            going: match self {
                Self::OPENROUTER => Going::ByItself,
                Self::LITELLM => Going::Strictly,
                Self::OPENAI => Going::Anew,
                _ => Going::ByFlags,
            },
            ..Knobs::default()
        }
    }
}

/// A simulated server.
pub struct Sim {
    pub kind: Kind,
    knobs: Mutex<Knobs>,
    /// What the model says behind a prompt that ends so; the first that fits.
    plan: Mutex<Vec<(String, Vec<Tok>)>>,
    /// Prompts in the prefix cache.
    cache: Mutex<Vec<String>>,
}

impl Sim {
    pub async fn start(kind: Kind, knobs: Knobs) -> (Arc<Self>, Fake) {
        let plan = vec![
            // What the probe asks.
            ("4, 5, 6".to_owned(), say(&[",", " 7", ",", " 8", ","])),
            ("= 2.\n\n".to_owned(), say(&["Then", " 3", "."])),
        ];
        let sim = Arc::new(Self {
            kind,
            knobs: Mutex::new(knobs),
            plan: Mutex::new(plan),
            cache: Mutex::default(),
        });
        let server = Arc::clone(&sim);
        let fake = Fake::serving(Box::new(move |seen| server.answer(seen))).await;
        (sim, fake)
    }

    /// From now on the model says `tokens` behind a prompt that ends so.
    pub fn says(&self, ending: &str, tokens: Vec<Tok>) {
        let mut plan = self.plan.lock().unwrap();
        plan.retain(|(known, _)| known != ending);
        plan.push((ending.to_owned(), tokens));
        // The most special first.
        plan.sort_by_key(|(ending, _)| std::cmp::Reverse(ending.len()));
    }

    pub fn knobs(&self) -> MutexGuard<'_, Knobs> {
        self.knobs.lock().unwrap()
    }

    fn answer(&self, seen: &Seen) -> Option<Answer> {
        let knobs = self.knobs().clone();
        let answer = match self.kind.server {
            ServerKind::Sglang => sglang::answer(self, &knobs, seen),
            ServerKind::Ollama => ollama::answer(self, &knobs, seen),
            _ => openai::answer(self, &knobs, seen),
        };
        answer.map(|answer| answer.chunked(knobs.chunk))
    }

    fn run(&self, prompt: &str, order: &Order) -> Run {
        let plan = self.plan.lock().unwrap();
        let planned = plan
            .iter()
            .find(|(ending, _)| prompt.ends_with(ending.as_str()));
        let tokens = planned.map(|(_, tokens)| tokens.clone());
        run(&tokens.unwrap_or_else(|| say(&["?"])), order)
    }

    /// Tokens of the prompt, and those of them that were in the cache.
    fn count(&self, knobs: &Knobs, prompt: &str) -> (usize, usize) {
        const BLOCK: usize = 16;
        let tokenizer = knobs.tokenizer.unwrap_or_default();
        let own = tokenizer.encode(prompt, true);
        let mut cache = self.cache.lock().unwrap();
        let common = cache.iter().map(|other| {
            let other = tokenizer.encode(other, true);
            own.iter().zip(&other).take_while(|(a, b)| a == b).count()
        });
        // The last token is always computed.
        let most = common.max().unwrap_or(0).min(own.len().saturating_sub(1));
        cache.push(prompt.to_owned());
        (own.len(), most / BLOCK * BLOCK)
    }
}

/// The pieces in the list of tokens, each with what befalls it.
fn listed(run: &Run, knobs: &Knobs) -> Vec<Option<Piece>> {
    let inside = run.pieces.iter().filter(|piece| piece.inside).count();
    let shown = match knobs.tail {
        Tail::All => run.pieces.len(),
        Tail::Cut => inside,
        Tail::Short => inside.saturating_sub(1),
    };
    let garble = |at: usize| match knobs.garble.len() {
        0 => Garble::Fine,
        length => knobs.garble[at % length],
    };
    run.pieces
        .iter()
        .enumerate()
        .map(|(at, piece)| {
            let mut piece = piece.clone();
            match garble(at) {
                _ if at >= shown => return None,
                Garble::Fine => {}
                Garble::Dropped => return None,
                Garble::Blank => piece.shown = String::new(),
                Garble::Other => piece.shown = "€x".to_owned(),
            }
            if knobs.as_ids {
                piece.shown = format!("token_id:{}", piece.token.id());
            }
            Some(piece)
        })
        .collect()
}

/// The token's value, and its best `most` alternatives.
fn values(
    piece: &Piece,
    knobs: &Knobs,
    temperature: f64,
    most: usize,
) -> (f32, Vec<(String, f32)>) {
    let (own, all) = knobs.values.of(&piece.token, temperature);
    let all = all
        .into_iter()
        .filter(|(bytes, _)| !(knobs.without_own && *bytes == piece.token.bytes));
    let named = all.take(most).map(|(bytes, value)| {
        let text = if bytes == piece.token.bytes {
            piece.shown.clone()
        } else {
            String::from_utf8(bytes).unwrap()
        };
        (text, value)
    });
    (own, named.collect())
}

/// The list of models in OpenAI's form.
fn models(knobs: &Knobs, owner: &str) -> Answer {
    let model = |id: &str| {
        json!({
            "id": id, "object": "model", "created": 1_795_673_953, "owned_by": owner,
            "root": id, "parent": null, "max_model_len": knobs.context,
        })
    };
    let data = [model("other"), model(MODEL)];
    Answer::json(200, &json!({ "object": "list", "data": data }))
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn whole(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap_or_default()).unwrap()
}
