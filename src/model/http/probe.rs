//! The start-up probe: what a server can do is tried out, not taken from its
//! version. One look at what it says of itself and four small completions.

use super::align::align;
use super::dialect::{Ask, Base, Described, Dialect, Prompt};
use super::generated::{Generated, Stop};
use crate::model::endpoint::{Capabilities, DELIMITER, FailureKind, StepRequest};
use crate::model::retry::Failure;
use crate::trace::record::{Continuation, Role, Usage, ValueKind};

/// Long enough for the prefix caches, which work in blocks of 16 tokens.
const QUESTION: &str = "Write the natural numbers from one up to twenty in digits, in increasing \
    order, separated by commas, each number once, without leaving any of them out and without \
    writing anything else before, between or after the numbers that were asked for here.";
/// The partial answer: a model that goes on from it writes ", 7" next.
const COUNTING: &str = "The numbers are 1, 2, 3, 4, 5, 6";
/// A whole step: behind it a model must begin another one.
const WHOLE_STEP: &str = "1 + 1 = 2.\n\n";
/// Alternatives asked for: the most that the OpenAI routes allow.
const MOST_TOP: u32 = 20;
/// Tried in turn where a server refuses what came before.
const TOPS: [u32; 5] = [MOST_TOP, 5, 2, 1, 0];
/// Halves every distance between values that are measured after it.
const HOT: f64 = 2.0;
/// Most tokens of the step in the probe.
const STEP_TOKENS: u32 = 48;
/// Share of the text below which tokens say nothing about it.
const LEAST_COVERAGE: f64 = 0.8;

/// Tries out what a server can do.
///
/// # Errors
/// The server is not there, has not the model, or refuses steps as such.
pub(super) async fn examine(dialect: &dyn Dialect, base: &Base) -> Result<Capabilities, Failure> {
    let described = dialect.describe(base).await?;
    let probe = Probe { dialect, base };
    let counting = request(QUESTION, COUNTING, 8);
    let (first, top, refused) = probe.with_most_alternatives(&counting).await?;
    let mut seen = Seen::first(first);
    if dialect.traits().values.is_none() {
        seen.again = Some(probe.complete(&counting, top).await?);
        seen.scaled = Some(probe.scaled(&counting, top.min(5)).await?);
        let step = request("What is 1 + 1 + 1?", WHOLE_STEP, STEP_TOKENS);
        seen.step = Some(probe.complete(&step, top.min(2)).await?);
    }
    let mut found = probe.conclude(described, &seen)?;
    found.top = found.top.min(top);
    if let Some(refused) = refused.filter(|_| top == 0) {
        found.remarks.push(refused.message);
    }
    Ok(found)
}

/// What the server wrote. Of a dialect whose values are known all that matters
/// is in its first answer.
struct Seen {
    counting: Generated,
    /// To the same request once more.
    again: Option<Generated>,
    /// The first token at another temperature.
    scaled: Option<Generated>,
    /// Behind a whole step.
    step: Option<Generated>,
}

impl Seen {
    fn first(counting: Generated) -> Self {
        Self {
            counting,
            again: None,
            scaled: None,
            step: None,
        }
    }

    fn all(&self) -> impl Iterator<Item = &Generated> {
        let others = [&self.again, &self.scaled, &self.step];
        std::iter::once(&self.counting).chain(others.into_iter().flatten())
    }
}

/// The same request at a temperature that shows in probabilities measured
/// after it.
fn hot(request: &StepRequest) -> StepRequest {
    StepRequest {
        temperature: HOT,
        max_tokens: 1,
        ..request.clone()
    }
}

/// How temperature scales the values: by their first distances at
/// temperatures 0 (which no server applies) and [`HOT`]. `None` where that
/// cannot be told.
fn after_temperature(cold: &Generated, hot: &Generated) -> Option<bool> {
    /// Distances below this drown in rounding.
    const LEAST: f32 = 0.05;
    let distance = |generated: &Generated| {
        let top = &generated.tokens.first()?.top;
        Some(top.first()?.1 - top.get(1)?.1)
    };
    let cold = distance(cold).filter(|distance| *distance > LEAST)?;
    let ratio = distance(hot)? / cold;
    // 1 where temperature plays no part, else 1 / HOT.
    Some(ratio < 0.75)
}

struct Probe<'a> {
    dialect: &'a dyn Dialect,
    base: &'a Base,
}

fn request(question: &str, prefix: &str, max_tokens: u32) -> StepRequest {
    StepRequest {
        question: question.to_owned(),
        prefix: prefix.to_owned(),
        temperature: 0.0,
        top_p: 1.0,
        max_tokens,
        seed: 0,
        role: Role::Probe,
        affinity: "probe".to_owned(),
    }
}

impl Probe<'_> {
    async fn complete(&self, request: &StepRequest, top: u32) -> Result<Generated, Failure> {
        let prompt = Prompt {
            head: self.dialect.head(self.base, &request.question).await?,
            question: request.question.clone(),
            prefix: request.prefix.clone(),
        };
        let prepared = self.dialect.prepare(self.base, &prompt).await?;
        let ask = Ask {
            prompt: &prepared,
            request,
            most: request.max_tokens,
            stop: true,
            top,
            stream: self.dialect.traits().streams_only,
        };
        let mut generated = Generated::default();
        self.dialect
            .generate(self.base, ask, &mut generated, &mut |_| false)
            .await?;
        generated.whole(self.base.client.site())?;
        Ok(generated)
    }

    /// The completion at a temperature that shows; nothing where the server
    /// takes none so high.
    async fn scaled(&self, request: &StepRequest, top: u32) -> Result<Generated, Failure> {
        match self.complete(&hot(request), top).await {
            Err(failure) if failure.kind == FailureKind::Refused => Ok(Generated {
                usage: nothing(),
                ..Generated::default()
            }),
            other => other,
        }
    }

    /// The completion with as many alternatives as the server allows: how many
    /// that are, and what it said where it refused more.
    async fn with_most_alternatives(
        &self,
        request: &StepRequest,
    ) -> Result<(Generated, u32, Option<Failure>), Failure> {
        let mut refused = None;
        for top in TOPS {
            match self.complete(request, top).await {
                Err(failure) if failure.kind == FailureKind::Refused => {
                    refused.get_or_insert(failure);
                }
                other => return other.map(|generated| (generated, top, refused)),
            }
        }
        // Refused even without probabilities: they are not the reason.
        Err(refused.unwrap_or_else(|| Failure::new(FailureKind::Refused, "refused")))
    }

    /// # Errors
    /// Values that no threshold can be held against.
    fn conclude(&self, described: Described, seen: &Seen) -> Result<Capabilities, Failure> {
        let first = &seen.counting;
        let traits = self.dialect.traits();
        let looks_like = first.looks_like();
        let scaled = seen
            .scaled
            .as_ref()
            .and_then(|scaled| after_temperature(first, scaled));
        let values = match (looks_like, traits.values) {
            (None, _) => ValueKind::None,
            (Some(_), Some(known)) => known,
            (Some(ValueKind::RawLogit), None) if scaled == Some(true) => {
                return Err(self.processed_logits());
            }
            (Some(ValueKind::LogprobPreTemperature), None) if scaled == Some(true) => {
                ValueKind::LogprobPostTemperature
            }
            (Some(found), None) => found,
        };
        let mut remarks = described.remarks;
        if values == ValueKind::LogprobPreTemperature && traits.values.is_none() && scaled.is_none()
        {
            remarks.push(
                "whether the probabilities are those before or after temperature could not be \
                 told; they are taken for those before"
                    .to_owned(),
            );
        }
        remarks.extend(odd_values(first, values));
        remarks.extend(odd_continuation(seen, traits.continuation));
        if let Some(again) = &seen.again
            && again.usage.cached == Some(0)
            && again.usage.prompt > 64
        {
            remarks.push(format!(
                "the same prompt of {} tokens twice was not served from the prefix cache: it is \
                 off (vLLM: --enable-prefix-caching), or works in blocks longer than that",
                again.usage.prompt
            ));
        }
        Ok(Capabilities {
            // Without the whole vocabulary logits have no normaliser.
            probabilities: !matches!(values, ValueKind::None | ValueKind::RawLogit),
            top: u32::try_from(first.top).unwrap_or(u32::MAX),
            which_stop: seen.all().any(|one| one.which_stop),
            cached_count: seen.all().any(|one| one.usage.cached.is_some()),
            context: self.context(described.context, &mut remarks),
            token_ids: first.ids,
            version: described.version,
            remarks,
            usage: seen
                .all()
                .map(|one| one.usage)
                .chain(described.spent)
                .fold(nothing(), Usage::plus),
            ..Capabilities::bare(traits.continuation, values)
        })
    }

    /// The context of a sequence: what the pool says, unless the server says
    /// less.
    fn context(&self, server: Option<u32>, remarks: &mut Vec<String>) -> Option<u32> {
        let (Some(pool), Some(server)) = (self.base.context, server) else {
            return self.base.context.or(server);
        };
        if pool > server {
            remarks.push(format!(
                "the pool says `context = {pool}`, the server {server}: the server's holds"
            ));
        }
        Some(pool.min(server))
    }

    fn processed_logits(&self) -> Failure {
        Failure::new(
            FailureKind::Configuration,
            format!(
                "{} gives logits after temperature, which change with the sampling: start vLLM \
                 with `--logprobs-mode raw_logits`",
                self.base.client.site().url
            ),
        )
    }
}

/// No tokens, all of them known.
fn nothing() -> Usage {
    Usage {
        cached: Some(0),
        ..Usage::default()
    }
}

/// What is odd about the values.
fn odd_values(first: &Generated, values: ValueKind) -> Option<String> {
    if values == ValueKind::None {
        return None;
    }
    let text = first.text.as_str();
    let aligned = align(text, &mut first.tokens.clone(), values);
    if (aligned.covered as f64) < LEAST_COVERAGE * text.len() as f64 {
        return Some(
            "the tokens do not spell the text (as ids, or with entries lost): confidence will be \
             unavailable; vLLM must run without --return-tokens-as-token-ids"
                .to_owned(),
        );
    }
    let lists: Vec<_> = first.tokens.iter().map(|token| &token.top).collect();
    let repeated = lists.windows(2).all(|pair| pair[0] == pair[1]);
    (lists.len() > 2 && repeated && !lists[0].is_empty()).then(|| {
        "every token came with the same alternatives: this server's probabilities cannot be \
         trusted; update it"
            .to_owned()
    })
}

/// What is odd about how the model went on.
fn odd_continuation(seen: &Seen, continuation: Continuation) -> Vec<String> {
    let counting = &seen.counting;
    let mut remarks = Vec::new();
    if continuation == Continuation::Exact && !goes_on(&counting.text) {
        let began: String = counting.text.chars().take(24).collect();
        remarks.push(format!(
            "after “{COUNTING}” the model wrote “{}”, not “, 7”: either it is a weak model, or the \
             server puts something around the prompt",
            began.escape_debug()
        ));
    }
    let is_empty = |step: &Generated| {
        let written = step.text.split(DELIMITER).next().unwrap_or_default();
        written.trim().is_empty() && step.stop != Some(Stop::Eos)
    };
    if seen.step.as_ref().is_some_and(is_empty) {
        remarks.push(
            "behind a whole step the model wrote an empty one: steps may be written twice; the \
             template or the server may trim the blank line at the end of the prompt"
                .to_owned(),
        );
    }
    remarks
}

/// Whether a text goes on counting.
pub(super) fn goes_on(text: &str) -> bool {
    text.trim_start_matches([',', ' ', '.', '…'])
        .starts_with('7')
}

/// The question and the partial answer by which a dialect can find out whether
/// it goes on from partial answers; [`goes_on`] tells.
pub(super) fn counting() -> StepRequest {
    request(QUESTION, COUNTING, 8)
}
