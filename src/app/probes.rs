//! What the endpoints said they can do: kept for the log, and looked at before
//! anything is paid for.

use std::collections::BTreeMap;

use crate::model::endpoint::Capabilities;
use crate::model::probed::{Probed, ProbedScorer};
use crate::model::scorer::step::Ready;
use crate::router::fit::{Asked, Aspect, Found, Member, Rule, fit, remarks};
use crate::session::Command;

use super::effect::Effect;
use super::follow;
use super::model::{EndpointState, Mode, Model, NoticeLevel, ScorersState};

/// A command that waits for the probes.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    entry: usize,
    command: Command,
}

/// An endpoint answered, or did not.
pub(super) fn probed(
    model: &mut Model,
    place: usize,
    result: Result<Box<Capabilities>, String>,
    now: &str,
) -> Vec<Effect> {
    if let Some(state) = model.endpoints.get_mut(place) {
        *state = match result {
            Ok(capabilities) => EndpointState::Ready(capabilities),
            Err(message) => EndpointState::Down(message),
        };
    }
    settled(model, now)
}

/// Whoever scores for the router answered, each by its role, or did not.
pub(super) fn scorers_probed(
    model: &mut Model,
    result: Result<Vec<(&'static str, Ready)>, String>,
    now: &str,
) -> Vec<Effect> {
    let run = model.session().map(|session| &session.settings().run);
    model.scorers = match result {
        Ok(found) => {
            let named = found.into_iter().filter_map(|(role, ready)| {
                let facts = run?.scorers.get(role)?;
                Some((role.to_owned(), ProbedScorer::new(facts, ready)))
            });
            ScorersState::Ready(named.collect())
        }
        Err(message) => {
            model.say(NoticeLevel::Error, message.clone());
            ScorersState::Down(message)
        }
    };
    settled(model, now)
}

/// Whether somebody has been asked and has not answered.
pub(super) fn is_open(model: &Model) -> bool {
    let endpoint = |state: &EndpointState| *state == EndpointState::Probing;
    model.endpoints.iter().any(endpoint) || model.scorers == ScorersState::Probing
}

/// Once the last one has answered: what they said goes to the log, what is
/// lacking or odd to the screen, and what waited is done.
fn settled(model: &mut Model, now: &str) -> Vec<Effect> {
    if is_open(model) {
        return Vec::new();
    }
    let mut effects: Vec<Effect> = note(model, now).into_iter().collect();
    let told = match model.refusal() {
        Some(refusal) => Some((NoticeLevel::Error, refusal)),
        None => first_remark(model).map(|text| (NoticeLevel::Warning, text)),
    };
    // A failure that is on screen says more.
    let is_free = |notice: &super::Notice| notice.level != NoticeLevel::Error;
    if let Some((level, text)) = told
        && model.notice.as_ref().is_none_or(is_free)
    {
        model.say(level, text);
    }
    if let Some(Waiting { entry, command }) = model.waiting.take() {
        if model
            .notice
            .as_ref()
            .is_some_and(|n| n.level == NoticeLevel::Info)
        {
            model.notice = None;
        }
        effects.extend(follow::command_at(model, entry, command, now));
    }
    effects
}

/// The note of what everybody said.
fn note(model: &Model, now: &str) -> Option<Effect> {
    let run = &model.session()?.settings().run;
    let named = run.pool.iter().zip(&model.endpoints);
    let probed = Probed {
        models: named
            .filter_map(|(facts, state)| match state {
                EndpointState::Ready(can) => Some((facts.name.clone(), (**can).clone())),
                _ => None,
            })
            .collect(),
        scorers: match &model.scorers {
            ScorersState::Ready(found) => found.clone(),
            _ => BTreeMap::new(),
        },
    };
    let nobody = probed.models.is_empty() && probed.scorers.is_empty();
    // It holds names, numbers and sentences: all of them are JSON.
    let note = probed.note(&run.run, now.to_owned()).ok()?;
    (!nobody).then(|| Effect::Remark(vec![note]))
}

impl Model {
    /// Why the router cannot be followed on what the models said they can do.
    pub fn refusal(&self) -> Option<String> {
        refused(self).map(|refused| refused.text)
    }
}

/// Why the router cannot be followed.
struct Refused {
    text: String,
    /// Whether no model may write, whoever chooses it.
    any: bool,
}

/// The first lack, as `solve` would say it.
fn refused(model: &Model) -> Option<Refused> {
    if model.mode != Mode::Live {
        return None;
    }
    let run = &model.session()?.settings().run;
    let rule = Rule::of(run);
    let fit = fit(&rule, &members(model), asked(model, &rule));
    let lack = fit.lacks.first()?;
    Some(Refused {
        text: format!("{}: {}", rule.refusal(lack), lack.way_out),
        any: lack.about == Aspect::Continuation,
    })
}

fn first_remark(model: &Model) -> Option<String> {
    let rule = Rule::of(&model.session()?.settings().run);
    let pool = members(model);
    let warnings = fit(&rule, &pool, asked(model, &rule)).warnings;
    remarks(&pool).into_iter().chain(warnings).next()
}

fn members(model: &Model) -> Vec<Member<'_>> {
    let pool = model.session().map(|session| &session.settings().run.pool);
    let named = pool.into_iter().flatten().zip(&model.endpoints);
    named
        .map(|(facts, state)| Member {
            facts,
            found: match state {
                EndpointState::Ready(can) => Found::Ready(Some(can)),
                // One that is down says so itself when it is called: by then it
                // may be back.
                EndpointState::Unknown | EndpointState::Probing | EndpointState::Down(_) => {
                    Found::Unknown
                }
            },
        })
        .collect()
}

/// The scorer that the router asks; what was not put together with the run
/// would have been refused before the screen was opened.
fn asked<'a>(model: &'a Model, rule: &Rule<'_>) -> Asked<'a> {
    let unknown = Asked::Model {
        name: "",
        found: Found::Unknown,
    };
    let Some(role) = rule.asks() else {
        return unknown;
    };
    if let ScorersState::Ready(found) = &model.scorers
        && let Some(scorer) = found.get(role)
    {
        return Asked::Model {
            name: &scorer.name,
            found: Found::Ready(scorer.ready.capabilities.as_ref()),
        };
    }
    let Some(facts) = model
        .session()
        .and_then(|session| session.settings().run.scorers.get(role))
    else {
        return unknown;
    };
    // A model of the pool that is lent.
    let of_pool = members(model)
        .into_iter()
        .find(|member| member.facts.name == facts.name);
    Asked::Model {
        name: &facts.name,
        found: of_pool.map_or(Found::Unknown, |member| member.found),
    }
}

/// What becomes of a command that would have a model called.
pub(super) enum Gate {
    Open,
    /// In words for the person.
    Closed(String),
    /// It is done once everybody has answered.
    Later,
}

/// Whether a command may be followed: nothing is paid for before it is known
/// that the router can decide on what comes back.
pub(super) fn gate(model: &mut Model, entry: usize, wanted: &Command) -> Gate {
    let by_router = matches!(
        wanted,
        Command::Step
            | Command::Run
            | Command::RunUntil(_)
            | Command::Retry
            | Command::Rollout { .. }
    );
    let by_person = matches!(wanted, Command::Override { .. } | Command::Rerun);
    if model.mode != Mode::Live || !(by_router || by_person) {
        return Gate::Open;
    }
    if is_open(model) && *wanted != Command::Retry {
        model.waiting = Some(Waiting {
            entry,
            command: wanted.clone(),
        });
        return Gate::Later;
    }
    match refused(model) {
        Some(refusal) if by_router || refusal.any => Gate::Closed(refusal.text),
        _ => Gate::Open,
    }
}

/// Forgets the command that waits; whether there was one.
pub(super) fn forget(model: &mut Model) -> bool {
    model.waiting.take().is_some()
}
