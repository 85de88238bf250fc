//! Models that judge what others wrote: the answer [`grader`], the step
//! [`verifier`] and the step [`judge`]. They are endpoints like any other and
//! are asked through [`Endpoint::step`]; of what they say only a verdict
//! ([`reply::Reading`]) or a digit ([`digit`]) is believed.
//!
//! What is judged was written by a model and may hold anything, a verdict of
//! its own included: prompts keep it apart, and only the reply is read.

pub mod digit;
pub mod grader;
pub mod judge;
mod mode;
pub mod ngrams;
pub(crate) mod quote;
pub mod reply;
pub mod step;
pub mod verifier;

pub use mode::GradeMode;

use super::endpoint::{DELIMITER, Endpoint, EndpointError, NoProgress, StepRequest};
use crate::trace::record::{Attempt, Role, StepEnd, Token, Usage};
use reply::Reading;

/// Most tokens of a reply that does not think first: a label and a few words.
const MOST_TOKENS: u32 = 64;
/// Most tokens of a reply that does.
const MOST_TOKENS_THINKING: u32 = 4096;
/// Most calls for one reply: an endpoint ends each at a blank line.
const MOST_CALLS: usize = 64;

/// What a scorer said.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinion {
    /// Whether what was asked about is correct; `None` where the reply does
    /// not say.
    pub correct: Option<bool>,
    /// The reply as it came: untrusted text.
    pub reply: String,
    /// Of all calls that gave the reply.
    pub usage: Usage,
    /// Calls that gave nothing.
    pub attempts: Vec<Attempt>,
    pub seconds: f64,
}

/// What is asked of a scorer.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask<'a> {
    pub prompt: String,
    pub role: Role,
    /// Calls with the same key share a prefix cache: the problem's id.
    pub affinity: &'a str,
}

/// What a model said in one or more calls that continue each other.
#[derive(Debug, Clone, PartialEq)]
struct Said {
    /// As it came: untrusted text.
    text: String,
    /// Aligned with `text` as far as the endpoint aligned them.
    tokens: Vec<Token>,
    /// Whether it is all the model has to say, or all that was wanted; false
    /// where it was cut off.
    whole: bool,
    /// Of all calls that gave the text.
    usage: Usage,
    /// Calls that gave nothing.
    attempts: Vec<Attempt>,
    seconds: f64,
}

/// How a model is asked to talk.
struct Talk<'a> {
    /// The question, to which the endpoint applies its template.
    question: &'a str,
    /// What the reply goes on from.
    begun: &'a str,
    role: Role,
    affinity: &'a str,
}

/// Asks until the reply is `enough`, ends, or has as many tokens as `most`
/// allows it; greedily: the same question gets the same reply. An endpoint
/// ends a call at a blank line, so one reply may take several.
///
/// # Errors
/// Those of the endpoint, with everything paid for until then.
async fn talk(
    endpoint: &dyn Endpoint,
    about: &Talk<'_>,
    most: impl Fn(&str) -> u32 + Send,
    enough: impl Fn(&str) -> bool + Send,
) -> Result<Said, EndpointError> {
    let mut said = Said {
        text: String::new(),
        tokens: Vec::new(),
        whole: false,
        usage: Usage {
            cached: Some(0),
            ..Usage::default()
        },
        attempts: Vec::new(),
        seconds: 0.0,
    };
    for _ in 0..MOST_CALLS {
        let spent = u32::try_from(said.usage.output).unwrap_or(u32::MAX);
        let left = most(&said.text).checked_sub(spent);
        let Some(left) = left.filter(|left| *left > 0) else {
            break;
        };
        let request = StepRequest {
            question: about.question.to_owned(),
            prefix: format!("{}{}", about.begun, said.text),
            temperature: 0.0,
            top_p: 1.0,
            max_tokens: left,
            seed: 0,
            role: about.role,
            affinity: about.affinity.to_owned(),
        };
        let reply = match endpoint.step(request, &NoProgress).await {
            Ok(reply) => reply,
            Err(error) => return Err(paid(error, said, about.role)),
        };
        said.usage = said.usage.plus(reply.usage);
        said.attempts.extend(reply.attempts);
        said.seconds += reply.seconds;
        said.text.push_str(&reply.text);
        said.tokens.extend(reply.tokens);
        let ended = matches!(reply.end, StepEnd::Eos | StepEnd::Empty | StepEnd::Error);
        if ended || enough(&said.text) {
            said.whole = true;
            break;
        }
        if reply.end == StepEnd::Delimiter {
            said.text.push_str(DELIMITER);
            said.tokens.push(Token {
                text: DELIMITER.into(),
                logprob: None,
                max_logit: None,
                top_logits: Vec::new(),
                top: Vec::new(),
                math: false,
            });
        }
    }
    Ok(said)
}

/// Asks until the reply says `correct` or `incorrect` or ends.
///
/// # Errors
/// Those of the endpoint, with everything paid for until then.
pub async fn ask(endpoint: &dyn Endpoint, ask: &Ask<'_>) -> Result<Opinion, EndpointError> {
    let about = Talk {
        question: &ask.prompt,
        begun: "",
        role: ask.role,
        affinity: ask.affinity,
    };
    let most = |reply: &str| {
        if reply::thinks(reply) {
            MOST_TOKENS_THINKING
        } else {
            MOST_TOKENS
        }
    };
    // What follows a label is explanation, which nobody asked for.
    let said = talk(endpoint, &about, most, |reply| Reading::of(reply).leads).await?;
    Ok(Opinion {
        // Cut off: a word within a sentence that goes on is no verdict.
        correct: Reading::of(&said.text).label.filter(|_| said.whole),
        reply: said.text,
        usage: said.usage,
        attempts: said.attempts,
        seconds: said.seconds,
    })
}

/// `error` with what the calls before it cost.
fn paid(mut error: EndpointError, before: Said, role: Role) -> EndpointError {
    let mut attempts = before.attempts;
    if before.usage.output > 0 {
        attempts.push(Attempt {
            role,
            usage: before.usage,
            failure: "the reply was not finished".to_owned(),
            estimated: false,
        });
    }
    attempts.append(&mut error.attempts);
    error.attempts = attempts;
    error
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::endpoint::{FailureKind, StepReply};
    use crate::model::recorded::{Cue, Scripted, scripted_reply};

    fn says(text: &str, end: StepEnd) -> Cue {
        Cue {
            delay: Duration::ZERO,
            answer: Ok(StepReply {
                end,
                ..scripted_reply(text, 0.9)
            }),
        }
    }

    async fn asked(cues: Vec<Cue>) -> (Scripted, Result<Opinion, EndpointError>) {
        let endpoint = Scripted::new("g");
        cues.into_iter().for_each(|cue| endpoint.push(cue));
        let question = Ask {
            prompt: "Is it?".to_owned(),
            role: Role::Grader,
            affinity: "p",
        };
        let opinion = ask(&endpoint, &question).await;
        (endpoint, opinion)
    }

    #[tokio::test]
    async fn one_word_is_one_greedy_call() {
        let (endpoint, opinion) = asked(vec![says("[Correct]", StepEnd::Delimiter)]).await;
        let opinion = opinion.unwrap();
        assert_eq!(opinion.correct, Some(true));
        assert_eq!((opinion.usage.prompt, opinion.usage.output), (10, 1));
        let [request] = &endpoint.requests()[..] else {
            panic!("one call")
        };
        assert_eq!((request.temperature, request.prefix.as_str()), (0.0, ""));
        assert_eq!(
            (request.role, request.max_tokens),
            (Role::Grader, MOST_TOKENS)
        );
        assert_eq!(request.affinity, "p");
    }

    #[tokio::test]
    async fn thinking_goes_on_over_blank_lines_and_is_paid_for() {
        let (endpoint, opinion) = asked(vec![
            says("<think>It looks correct.", StepEnd::Delimiter),
            says("But no, 2 is", StepEnd::Length),
            says(" not 3.</think>", StepEnd::Delimiter),
            says("Incorrect", StepEnd::Eos),
        ])
        .await;
        let opinion = opinion.unwrap();
        assert_eq!(opinion.correct, Some(false));
        let requests = endpoint.requests();
        assert_eq!(requests.len(), 4);
        assert_eq!(
            requests[3].prefix,
            "<think>It looks correct.\n\nBut no, 2 is not 3.</think>\n\n"
        );
        assert!(requests[1].max_tokens > MOST_TOKENS);
        assert_eq!((opinion.usage.prompt, opinion.usage.output), (40, 11));
    }

    #[tokio::test]
    async fn a_reply_that_is_cut_off_gives_no_verdict() {
        let long = "word ".repeat(70) + "correct";
        let (_, opinion) = asked(vec![says(&long, StepEnd::Length)]).await;
        assert_eq!(opinion.unwrap().correct, None);
        let (_, opinion) = asked(vec![says("I cannot tell.", StepEnd::Eos)]).await;
        let opinion = opinion.unwrap();
        assert_eq!(
            (opinion.correct, opinion.reply.as_str()),
            (None, "I cannot tell.")
        );
    }

    #[tokio::test]
    async fn a_failure_keeps_what_was_paid() {
        let failure = Cue {
            delay: Duration::ZERO,
            answer: Err(EndpointError {
                endpoint: "g".into(),
                kind: FailureKind::Server,
                message: "500".into(),
                attempts: Vec::new(),
            }),
        };
        let (_, opinion) = asked(vec![says("<think>Well", StepEnd::Delimiter), failure]).await;
        let error = opinion.unwrap_err();
        assert_eq!(error.attempts.len(), 1);
        assert_eq!(error.attempts[0].usage.prompt, 10);
    }
}
