//! A simulated model: it samples a scripted list of tokens, and what of them a
//! server shows depends on what was asked and on how that server is.

/// A token as the model samples it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tok {
    pub bytes: Vec<u8>,
    pub logit: f32,
    /// The other tokens with their logits, best first.
    pub others: Vec<(String, f32)>,
    /// Ends the sequence, and is not in the text.
    pub eos: bool,
}

/// How many other tokens the model knows.
const OTHERS: usize = 30;
/// Logit of the best of them.
const BEST_OTHER: f32 = 9.0;

impl Tok {
    /// The sampled token is the best one.
    pub fn new(bytes: &[u8]) -> Self {
        // Differs from token to token, as it does in a model.
        let hash = bytes.iter().fold(7_u32, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(u32::from(*byte))
        });
        let jitter = f32::from(u8::try_from(hash % 100).unwrap()) / 100.0;
        let others = (0..OTHERS)
            .map(|rank| {
                let below = f32::from(u8::try_from(rank).unwrap()) * 0.25;
                (format!("other{rank}"), BEST_OTHER - below - jitter)
            })
            .collect();
        Self {
            bytes: bytes.to_vec(),
            logit: 12.0 + jitter,
            others,
            eos: false,
        }
    }

    /// Sampled although `rank` others are better.
    pub fn behind(mut self, rank: usize) -> Self {
        self.logit = self.others[rank].1 + 0.01;
        self
    }

    pub fn eos() -> Self {
        Self {
            eos: true,
            ..Self::new(b"<|im_end|>")
        }
    }

    /// Its id in the model's vocabulary.
    pub fn id(&self) -> u32 {
        let hash = self.bytes.iter().fold(5_u32, |hash, byte| {
            hash.wrapping_mul(33).wrapping_add(u32::from(*byte))
        });
        hash % 50_000
    }
}

/// Tokens of these texts.
pub fn say(texts: &[&str]) -> Vec<Tok> {
    texts.iter().map(|text| Tok::new(text.as_bytes())).collect()
}

/// Tokens of these texts, and the end of the sequence.
pub fn finish(texts: &[&str]) -> Vec<Tok> {
    let mut tokens = say(texts);
    tokens.push(Tok::eos());
    tokens
}

/// What a server reports as a token's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    RawLogits,
    /// After temperature.
    ProcessedLogits,
    Logprobs,
    /// After temperature.
    ProcessedLogprobs,
    /// None, although they were asked for.
    Nothing,
}

impl Values {
    /// The token's own value and every alternative's, best first, itself among
    /// them.
    pub fn of(self, token: &Tok, temperature: f64) -> (f32, Vec<(Vec<u8>, f32)>) {
        // At temperature 0 no server divides by it.
        let scale = match self {
            Self::ProcessedLogits | Self::ProcessedLogprobs if temperature > 0.0 => {
                temperature as f32
            }
            _ => 1.0,
        };
        let own = (token.bytes.clone(), token.logit / scale);
        let others = token.others.iter();
        let others = others.map(|(text, logit)| (text.clone().into_bytes(), logit / scale));
        let mut all: Vec<(Vec<u8>, f32)> = others.chain([own]).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        let shift = match self {
            Self::Logprobs | Self::ProcessedLogprobs => {
                let best = f64::from(all[0].1);
                let shares = all
                    .iter()
                    .map(|(_, logit)| (f64::from(*logit) - best).exp());
                // Something is left for the rest of the vocabulary.
                (best + (shares.sum::<f64>() + 1e-3).ln()) as f32
            }
            _ => 0.0,
        };
        let all = all.into_iter().map(|(text, logit)| (text, logit - shift));
        (token.logit / scale - shift, all.collect())
    }
}

/// What becomes of the stop in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    Cut,
    /// Up to the end of the stop.
    Kept,
    /// And with what its last token wrote behind it.
    Untrimmed,
}

/// What is held back of a stream that may turn out to be a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    Nothing,
    /// As many characters as may be the beginning of a stop.
    Characters,
    /// What is the beginning of a stop.
    Possible,
}

/// How a token is shown that is no whole character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pieces {
    /// As nothing, until the one that completes it shows the whole.
    Held,
    /// Each as what can be read of it alone: U+FFFD.
    Alone,
}

/// What a server was asked to generate.
#[derive(Debug, Clone)]
pub struct Order {
    pub stops: Vec<String>,
    pub keep: Keep,
    pub hold: Hold,
    pub pieces: Pieces,
    pub most: usize,
    /// Whether half a character at the end of the text is shown.
    pub flush: bool,
}

/// Why it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    Stop(String),
    Eos,
    Length,
}

/// A token with what a server shows of it.
#[derive(Debug, Clone)]
pub struct Piece {
    pub token: Tok,
    /// Its text in the list of tokens.
    pub shown: String,
    /// What a stream adds when it was sampled.
    pub delta: String,
    /// Whether any of it stands before the cut.
    pub inside: bool,
}

/// What came of an order.
#[derive(Debug, Clone)]
pub struct Run {
    pub pieces: Vec<Piece>,
    pub text: String,
    pub ending: Ending,
}

/// Samples `tokens`, behind which the sequence ends.
pub fn run(tokens: &[Tok], order: &Order) -> Run {
    let mut writer = Writer {
        order,
        text: String::new(),
        pending: Vec::new(),
        sent: 0,
        pieces: Vec::new(),
    };
    let mut ending = Ending::Length;
    let end = Tok::eos();
    for token in tokens.iter().chain([&end]) {
        if let Some(found) = writer.take(token) {
            ending = found;
            break;
        }
        if writer.pieces.len() >= order.most {
            break;
        }
    }
    writer.finish();
    Run {
        pieces: writer.pieces,
        text: writer.text,
        ending,
    }
}

struct Writer<'o> {
    order: &'o Order,
    text: String,
    /// Bytes that are no character yet.
    pending: Vec<u8>,
    /// How much of the text a stream has sent.
    sent: usize,
    pieces: Vec<Piece>,
}

impl Writer<'_> {
    fn take(&mut self, token: &Tok) -> Option<Ending> {
        let before = self.text.len();
        let alone = String::from_utf8_lossy(&token.bytes).into_owned();
        if token.eos {
            self.push(token, alone, false);
            return Some(Ending::Eos);
        }
        self.pending.extend_from_slice(&token.bytes);
        let whole = std::str::from_utf8(&self.pending).ok().map(str::to_owned);
        let shown = match (self.order.pieces, std::str::from_utf8(&token.bytes)) {
            (Pieces::Alone, _) | (_, Ok(_)) => alone,
            (Pieces::Held, Err(_)) => whole.clone().unwrap_or_default(),
        };
        let lossy = String::from_utf8_lossy(&self.pending).into_owned();
        if whole.is_some() || !lossy.ends_with('\u{fffd}') {
            self.pending.clear();
            self.text.push_str(&whole.unwrap_or(lossy));
        }
        let found = self.order.stops.iter().find_map(|stop| {
            let at = self.text.find(stop.as_str())?;
            Some((at, stop.clone()))
        });
        let Some((at, stop)) = found else {
            self.push(token, shown, true);
            return None;
        };
        match self.order.keep {
            Keep::Cut => self.text.truncate(at),
            Keep::Kept => self.text.truncate(at + stop.len()),
            Keep::Untrimmed => {}
        }
        self.push(token, shown, at > before);
        Some(Ending::Stop(stop))
    }

    fn push(&mut self, token: &Tok, shown: String, inside: bool) {
        let ready = self.text.len() - self.held();
        let delta = self.text.get(self.sent..ready).unwrap_or_default();
        self.pieces.push(Piece {
            token: token.clone(),
            shown,
            delta: delta.to_owned(),
            inside,
        });
        self.sent = self.sent.max(ready);
    }

    /// Bytes at the end of the text that a stream does not show yet.
    fn held(&self) -> usize {
        let possible = |stop: &String| {
            let parts = (1..stop.len()).rev();
            let mut parts = parts.filter(|&length| stop.is_char_boundary(length));
            parts.find(|&length| self.text.ends_with(&stop[..length]))
        };
        let longest = self.order.stops.iter().map(|stop| stop.chars().count());
        match self.order.hold {
            Hold::Nothing => 0,
            Hold::Possible => self
                .order
                .stops
                .iter()
                .filter_map(possible)
                .max()
                .unwrap_or(0),
            Hold::Characters => {
                let count = longest.max().unwrap_or(1) - 1;
                let held = self.text.chars().rev().take(count);
                held.map(char::len_utf8).sum()
            }
        }
    }

    /// Shows what was held back.
    fn finish(&mut self) {
        if self.order.flush && !self.pending.is_empty() {
            self.text.push_str(&String::from_utf8_lossy(&self.pending));
        }
        if let Some(last) = self.pieces.last_mut() {
            let rest = self.text.get(self.sent..).unwrap_or_default();
            last.delta.push_str(rest);
        }
    }
}
