//! Whether a pool gives what a router needs: the one place that knows. It is
//! asked before a run, by the inspector and by `doctor`, which all say the same.

use crate::model::advice;
use crate::model::endpoint::Capabilities;
use crate::model::pool::ServerKind;
use crate::signal::confidence::Source;
use crate::trace::record::{Continuation, JUDGE, ModelFacts, PRM, QUERY, RunRecord, ValueKind};

use super::{EXPLORE, threshold};

/// What is known of a model of the pool, or of a scorer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Found<'a> {
    /// Nobody has asked it yet.
    Unknown,
    /// It answers; of a scorer that is no endpoint no more is known.
    Ready(Option<&'a Capabilities>),
    /// It could not be made or does not answer: why.
    Down(&'a str),
}

/// A model of the pool.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    pub facts: &'a ModelFacts,
    pub found: Found<'a>,
}

/// Who scores for the router.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    /// The pool names nobody.
    Missing,
    Model {
        name: &'a str,
        found: Found<'a>,
    },
}

/// A router, by what it needs.
#[derive(Debug, Clone, Copy)]
pub struct Rule<'a> {
    /// As it is written.
    pub spec: &'a str,
    /// The name before the colon.
    pub name: &'a str,
    /// The confidence it reads, where it reads one.
    pub signal: &'a str,
    /// At which steps are sampled.
    pub temperature: f64,
}

/// What a pool lacks for a router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    pub about: Aspect,
    /// Who lacks what; of a scorer, what the router needs.
    pub why: String,
    /// What to do, without a capital and a full stop.
    pub way_out: String,
}

/// What a lack is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aspect {
    /// A model of the pool does not answer, or cannot even be made.
    Answer,
    /// A model cannot go on from a partial answer.
    Continuation,
    /// The confidence that the router reads.
    Confidence,
    /// The scorer that it asks.
    Scorer,
}

/// How a pool fits a router.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fit {
    /// Why the router cannot route over it, gravest first; empty where it can.
    pub lacks: Vec<Lack>,
    /// What is odd and no reason to stop, as sentences.
    pub warnings: Vec<String>,
}

impl<'a> Rule<'a> {
    /// The router of a run.
    pub fn of(run: &'a RunRecord) -> Self {
        Self {
            spec: &run.router.spec,
            name: &run.router.name,
            signal: &run.signal,
            temperature: run.sampling.temperature,
        }
    }

    /// Whether it decides by a confidence. The models alone look at nothing;
    /// rules on drafts and on questions ask others.
    pub fn reads_confidence(&self) -> bool {
        // An exploration is made to be learnt from.
        const READERS: [&str; 5] = ["threshold", "percentile", "steer", "policy", EXPLORE];
        READERS.contains(&self.name)
    }

    /// The scorer it asks, as the log names it.
    pub fn asks(&self) -> Option<&'static str> {
        match self.name {
            "rsd" => Some(PRM),
            "specreason" => Some(JUDGE),
            "query" => Some(QUERY),
            _ => None,
        }
    }

    /// The sentence that refuses the router for a lack.
    pub fn refusal(&self, lack: &Lack) -> String {
        match lack.about {
            Aspect::Answer | Aspect::Continuation => lack.why.clone(),
            Aspect::Confidence => format!(
                "router `{}` reads the confidence `{}`, but {}",
                self.spec, self.signal, lack.why
            ),
            Aspect::Scorer => format!("router `{}` {}", self.spec, lack.why),
        }
    }
}

/// Looks at what a router needs of `pool` and of the scorer it asks; what is
/// unknown lacks nothing.
pub fn fit(rule: &Rule<'_>, pool: &[Member<'_>], asked: Asked<'_>) -> Fit {
    let mut fit = Fit::default();
    fit.lacks.extend(silent(pool));
    fit.lacks.extend(discontinuous(pool));
    fit.warnings.extend(threshold::beyond(rule.spec));
    if rule.reads_confidence() {
        fit.lacks.extend(unread(rule, pool));
        fit.lacks.extend(mixed(rule, pool));
        fit.warnings.extend(after_temperature(rule, pool));
    }
    if let Some(role) = rule.asks() {
        fit.lacks.extend(unasked(role, asked));
        fit.warnings.extend(unsure(role, asked));
    }
    fit
}

/// What is odd about a pool whatever the router, as sentences.
pub fn remarks(pool: &[Member<'_>]) -> Vec<String> {
    let mut remarks = Vec::new();
    let emulated = group(pool, |member, can| {
        can.continuation == Continuation::Emulated && accepts_emulation(member)
    });
    if !emulated.is_empty() {
        remarks.push(format!(
            "{} {} on by emulation: a chat route is talked into it, so that steps come from \
             another distribution and the whole prefix is sent and paid for again at every step; {}",
            emulated.names(),
            emulated.verb("goes", "go"),
            advice::exact_continuation()
        ));
    }
    remarks.extend(uncounted(pool));
    remarks.extend(unnamed(pool));
    remarks
}

/// Models whose servers do not say whether a step or the whole answer ended.
fn unnamed(pool: &[Member<'_>]) -> Option<String> {
    let silent = group(pool, |_, can| {
        !can.which_stop && can.continuation == Continuation::Exact
    });
    (!silent.is_empty()).then(|| {
        format!(
            "{} {} not say why a step ended: an end of the whole answer may be taken for a blank \
             line, and the trajectory runs on; {}",
            silent.names(),
            silent.verb("does", "do"),
            advice::named_stop(silent.server())
        )
    })
}

/// The lack of a scorer that the pool does not name.
pub fn missing(role: &str) -> Lack {
    let way_out = match role {
        PRM => {
            "serve one with vLLM (`vllm serve Qwen/Qwen2.5-Math-PRM-7B --runner pooling --port \
             8002`) and add a table `[prm]` to the pool file, with the lines `server = \"vllm\"`, \
             `base_url = \"http://127.0.0.1:8002\"`, `model = \"Qwen/Qwen2.5-Math-PRM-7B\"` and \
             `params = 7.62e9`"
        }
        JUDGE => "add a table `[judge]` to the pool file",
        _ => {
            "add that encoder as `[embeddings]` to the pool file, or train another by `pointsman \
             calibrate query`"
        }
    };
    Lack {
        about: Aspect::Scorer,
        why: format!("needs {}, and the pool names none", scorer(role)),
        way_out: way_out.to_owned(),
    }
}

/// What a scorer is, by its role.
fn scorer(role: &str) -> &'static str {
    match role {
        PRM => "a process-reward model",
        JUDGE => "a judge",
        _ => "an encoder of questions",
    }
}

fn silent<'a>(pool: &'a [Member<'_>]) -> impl Iterator<Item = Lack> + 'a {
    pool.iter().filter_map(|member| match member.found {
        Found::Down(why) => Some(Lack {
            about: Aspect::Answer,
            why: format!("{} cannot be used ({why})", member.facts.name),
            way_out:
                "every model of the pool must answer before a run begins: mend it, or take it \
                      out of the pool file"
                    .to_owned(),
        }),
        Found::Unknown | Found::Ready(_) => None,
    })
}

fn accepts_emulation(member: &Member<'_>) -> bool {
    // OpenAI has no other way, which whoever names it knows.
    member.facts.continuation == Some(Continuation::Emulated)
        || member.facts.server == ServerKind::Openai.name()
}

fn discontinuous(pool: &[Member<'_>]) -> Option<Lack> {
    let unable = group(pool, |member, can| {
        can.continuation == Continuation::Emulated && !accepts_emulation(member)
    });
    (!unable.is_empty()).then(|| Lack {
        about: Aspect::Continuation,
        why: format!(
            "{} cannot go on from a partial answer: by emulation the steps would come from another \
             distribution, and the whole prefix would be sent again at every step",
            unable.names()
        ),
        way_out: format!(
            "accept that by `continuation = \"emulated\"` in the model's table of the pool file, \
             or {}",
            advice::exact_continuation()
        ),
    })
}

fn needs_logits(signal: &str) -> bool {
    signal.parse().is_ok_and(Source::is_logit)
}

/// Models that do not give the values a confidence is measured from.
fn unread(rule: &Rule<'_>, pool: &[Member<'_>]) -> Vec<Lack> {
    let logits = needs_logits(rule.signal);
    let nothing = group(pool, |_, can| can.values == ValueKind::None);
    let no_logits = group(pool, |_, can| {
        logits && !matches!(can.values, ValueKind::None | ValueKind::RawLogit)
    });
    let only_logits = group(pool, |_, can| {
        !logits && can.values == ValueKind::RawLogit && !can.probabilities
    });
    let disagreement = disagreeing(pool);
    let agree = disagreement.is_none();
    let about = Aspect::Confidence;
    let mut lacks = Vec::new();
    if !nothing.is_empty() {
        let bring = match logits {
            true => advice::raw_logits(nothing.server()),
            false => advice::probabilities(nothing.server()),
        };
        lacks.push(Lack {
            about,
            why: format!(
                "{} {} no probabilities of {} tokens",
                nothing.names(),
                nothing.verb("gives", "give"),
                nothing.verb("its", "their")
            ),
            way_out: format!(
                "{bring}, or a router that reads none: rsd or specreason, which ask another model, \
                 small, large, random:p=0.3"
            ),
        });
    }
    lacks.extend(disagreement);
    if agree && !no_logits.is_empty() {
        lacks.push(Lack {
            about,
            why: format!(
                "{} {} log-probabilities, not raw logits",
                no_logits.names(),
                no_logits.verb("gives", "give")
            ),
            way_out: format!(
                "{}; for raw logits {}",
                other_confidence(rule, Source::Prob),
                advice::raw_logits(no_logits.server())
            ),
        });
    }
    if agree && !only_logits.is_empty() {
        lacks.push(Lack {
            about,
            why: format!(
                "{} {} raw logits in place of probabilities",
                only_logits.names(),
                only_logits.verb("gives", "give")
            ),
            way_out: format!(
                "{}; for probabilities {}",
                other_confidence(rule, Source::Logit),
                advice::instead_of_logits(only_logits.server())
            ),
        });
    }
    lacks
}

/// Models of which one gives nothing but raw logits and another nothing but
/// log-probabilities: no confidence can be read of both.
fn disagreeing(pool: &[Member<'_>]) -> Option<Lack> {
    let logits = group(pool, |_, can| {
        can.values == ValueKind::RawLogit && !can.probabilities
    });
    let probabilities = group(pool, |_, can| {
        !matches!(can.values, ValueKind::None | ValueKind::RawLogit)
    });
    if logits.is_empty() || probabilities.is_empty() {
        return None;
    }
    Some(Lack {
        about: Aspect::Confidence,
        why: format!(
            "{} {} raw logits and {} log-probabilities, and no confidence can be read of both",
            logits.names(),
            logits.verb("gives", "give"),
            probabilities.names(),
        ),
        way_out: format!(
            "start both alike: of {} {}, or of {} {}; or take a router that reads none",
            logits.names(),
            advice::instead_of_logits(logits.server()),
            probabilities.names(),
            advice::raw_logits(probabilities.server())
        ),
    })
}

/// How a router is made to read another confidence.
fn other_confidence(rule: &Rule<'_>, other: Source) -> String {
    match rule.name {
        "policy" => {
            format!("take a policy trained on another confidence (`train --signal {other}`)")
        }
        "steer" => format!("fit a file to another confidence (`calibrate steer --signal {other}`)"),
        // Only of probabilities is there a threshold to start from.
        "threshold" if other.is_logit() => format!(
            "use `threshold:t=T,signal={other}`, where T is your model's own (of steps recorded by \
             `solve --router small`, `calibrate percentile --signal {other}` shows the scale)"
        ),
        _ => format!("use `signal={other}`"),
    }
}

/// At temperature 1 the values before and after temperature are the same.
fn scales_differ(temperature: f64) -> bool {
    (temperature - 1.0).abs() >= f64::EPSILON
}

fn is_after(can: &Capabilities) -> bool {
    can.values == ValueKind::LogprobPostTemperature
}

/// Probabilities before and after temperature are different scales: one
/// threshold must not be held against both.
fn mixed(rule: &Rule<'_>, pool: &[Member<'_>]) -> Option<Lack> {
    let after = group(pool, |_, can| is_after(can));
    let before = group(pool, |_, can| {
        can.values == ValueKind::LogprobPreTemperature
    });
    let local = group(pool, |_, can| {
        can.values == ValueKind::RawLogit && can.probabilities
    });
    if after.is_empty() || before.is_empty() && local.is_empty() || !scales_differ(rule.temperature)
    {
        return None;
    }
    let mend = advice::before_temperature(after.server());
    Some(Lack {
        about: Aspect::Confidence,
        why: format!(
            "{} {} log-probabilities after temperature, the others before it",
            after.names(),
            after.verb("gives", "give")
        ),
        way_out: match mend {
            Some(mend) => format!("{mend}, use servers of one kind, or `--temperature 1`"),
            None => "use servers of one kind, or `--temperature 1`".to_owned(),
        },
    })
}

fn after_temperature(rule: &Rule<'_>, pool: &[Member<'_>]) -> Option<String> {
    let after = group(pool, |_, can| is_after(can));
    if after.is_empty() || !scales_differ(rule.temperature) {
        return None;
    }
    let mend = advice::before_temperature(after.server());
    Some(format!(
        "{} {} log-probabilities after temperature: a threshold on them holds at temperature {} \
         only{}",
        after.names(),
        after.verb("gives", "give"),
        rule.temperature,
        mend.map_or_else(String::new, |mend| format!("; {mend}"))
    ))
}

fn unasked(role: &str, asked: Asked<'_>) -> Option<Lack> {
    match asked {
        Asked::Missing => Some(missing(role)),
        Asked::Model {
            name,
            found: Found::Down(why),
        } => Some(Lack {
            about: Aspect::Scorer,
            why: format!("needs {}, and {name} cannot be used ({why})", scorer(role)),
            way_out: "mend it: who scores must answer before a run begins".to_owned(),
        }),
        Asked::Model { .. } => None,
    }
}

/// A judge whose alternatives nobody tells gives whole digits.
fn unsure(role: &str, asked: Asked<'_>) -> Option<String> {
    match asked {
        Asked::Model {
            name,
            found: Found::Ready(Some(can)),
        } if role == JUDGE && matches!(can.values, ValueKind::None) => Some(format!(
            "{name} gives no probabilities: its score is the digit it writes, not the expected one"
        )),
        _ => None,
    }
}

/// Models that do not say how much of a prompt was cached: one sentence a kind
/// of server, for what helps differs.
fn uncounted(pool: &[Member<'_>]) -> Vec<String> {
    let mut servers: Vec<&str> = Vec::new();
    for member in pool {
        if !servers.contains(&member.facts.server.as_str()) {
            servers.push(&member.facts.server);
        }
    }
    let sentence = |server: &&str| {
        let silent = group(pool, |member, can| {
            member.facts.server == **server && !can.cached_count
        });
        (!silent.is_empty()).then(|| {
            format!(
                "{} {} not report cached tokens: costs are an upper bound{}",
                silent.names(),
                silent.verb("does", "do"),
                advice::cached_counts(server).map_or_else(String::new, |flag| format!("; {flag}"))
            )
        })
    };
    servers.iter().filter_map(sentence).collect()
}

/// Models that have something in common.
struct Group<'a>(Vec<&'a ModelFacts>);

/// The models that answer and of which `is_one` holds.
fn group<'a>(
    pool: &[Member<'a>],
    is_one: impl Fn(&Member<'a>, &Capabilities) -> bool,
) -> Group<'a> {
    let of = pool.iter().filter(|member| match member.found {
        Found::Ready(Some(can)) => is_one(member, can),
        _ => false,
    });
    Group(of.map(|member| member.facts).collect())
}

impl Group<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `a (vllm), b (vllm) and c (ollama)`.
    fn names(&self) -> String {
        let named = |facts: &&ModelFacts| format!("{} ({})", facts.name, facts.server);
        let mut names: Vec<String> = self.0.iter().map(named).collect();
        let last = names.pop().unwrap_or_default();
        match names.is_empty() {
            true => last,
            false => format!("{} and {last}", names.join(", ")),
        }
    }

    fn verb<'w>(&self, one: &'w str, several: &'w str) -> &'w str {
        match self.0.len() {
            1 => one,
            _ => several,
        }
    }

    /// The kind of the first one's server: what helps there is told.
    fn server(&self) -> &str {
        self.0.first().map_or("", |facts| &facts.server)
    }
}

#[cfg(test)]
mod tests;
