//! Models that judge what others wrote: the answer [`grader`] and the step
//! [`verifier`]. Both are endpoints like any other and are asked through
//! [`Endpoint::step`]; of what they say only [`reply::Reading`] is believed.
//!
//! What is judged was written by a model and may hold anything, a verdict of
//! its own included: prompts keep it apart, and only the reply is read.

pub mod grader;
mod mode;
mod quote;
pub mod reply;
pub mod step;
pub mod verifier;

pub use mode::GradeMode;

use super::endpoint::{DELIMITER, Endpoint, EndpointError, NoProgress, StepRequest};
use crate::trace::record::{Attempt, Role, StepEnd, Usage};
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

/// Asks until the reply says `correct` or `incorrect` or ends, greedily: the
/// same question gets the same reply.
///
/// # Errors
/// Those of the endpoint, with everything paid for until then.
pub async fn ask(endpoint: &dyn Endpoint, ask: &Ask<'_>) -> Result<Opinion, EndpointError> {
    let mut opinion = Opinion {
        correct: None,
        reply: String::new(),
        usage: Usage {
            cached: Some(0),
            ..Usage::default()
        },
        attempts: Vec::new(),
        seconds: 0.0,
    };
    for _ in 0..MOST_CALLS {
        let most = if reply::thinks(&opinion.reply) {
            MOST_TOKENS_THINKING
        } else {
            MOST_TOKENS
        };
        let spent = u32::try_from(opinion.usage.output).unwrap_or(u32::MAX);
        let Some(left) = most.checked_sub(spent).filter(|left| *left > 0) else {
            break;
        };
        let request = StepRequest {
            question: ask.prompt.clone(),
            prefix: opinion.reply.clone(),
            temperature: 0.0,
            top_p: 1.0,
            max_tokens: left,
            seed: 0,
            role: ask.role,
            affinity: ask.affinity.to_owned(),
        };
        let reply = match endpoint.step(request, &NoProgress).await {
            Ok(reply) => reply,
            Err(error) => return Err(paid(error, opinion, ask.role)),
        };
        opinion.usage = opinion.usage.plus(reply.usage);
        opinion.attempts.extend(reply.attempts);
        opinion.seconds += reply.seconds;
        opinion.reply.push_str(&reply.text);
        let reading = Reading::of(&opinion.reply);
        match reply.end {
            // What follows is explanation, which nobody asked for.
            _ if reading.leads => {
                opinion.correct = reading.label;
                return Ok(opinion);
            }
            StepEnd::Eos | StepEnd::Empty | StepEnd::Error => {
                opinion.correct = reading.label;
                return Ok(opinion);
            }
            StepEnd::Delimiter => opinion.reply.push_str(DELIMITER),
            StepEnd::Length => {}
        }
    }
    // Cut off: a word within a sentence that goes on is no verdict.
    Ok(opinion)
}

/// `error` with what the calls before it cost.
fn paid(mut error: EndpointError, before: Opinion, role: Role) -> EndpointError {
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
