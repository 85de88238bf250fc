//! Rollouts: at the step under the cursor every model of the pool writes the
//! next one several times, and each is run on to its end by the router. What
//! comes of them is what the screen of values is made of.
//!
//! They are asked for with a price, run one after the other, and leave the
//! cursor where it is.

use std::collections::VecDeque;

use crate::problem::answer::Verdict;
use crate::session::{Command, Phase, Session};
use crate::trace::record::StepRecord;
use crate::trace::{NodeIndex, Tree};

use super::effect::Effect;
use super::follow;
use super::model::{Layer, Model, NoticeLevel, Screen, Slot};
use super::probes;

/// Rollouts by each model where no count is typed.
const EACH: u32 = 3;
/// The most at a time: each is a trajectory.
const MOST: u32 = 100;
/// Trajectories of the log that are asked how long they get, where none of
/// this problem has come to its end.
const ASKED: usize = 200;

/// The rollouts that are being written.
#[derive(Debug, Default)]
pub struct Rollouts {
    running: Option<Batch>,
}

#[derive(Debug)]
struct Batch {
    entry: usize,
    /// The step they begin after.
    after: Option<NodeIndex>,
    /// The models that are to begin one, in this order.
    waiting: VecDeque<usize>,
    total: usize,
    /// Decisions that were made there before.
    before: usize,
}

impl Rollouts {
    /// The number of the one being written, and of how many.
    pub fn progress(&self) -> Option<(usize, usize)> {
        let batch = self.running.as_ref()?;
        Some((batch.total - batch.waiting.len(), batch.total))
    }
}

/// What rollouts would take: a rough guess.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quote {
    /// By each model.
    pub each: u32,
    /// Models of the pool.
    pub models: u32,
    /// Number of the step they begin after; 0 is the question.
    pub step: u32,
    /// Calls to models that write.
    pub calls: u32,
    /// On the full ledger; `None` where nobody knows.
    pub cost: Option<f64>,
}

impl Quote {
    fn of(model: &Model, session: &Session, each: u32) -> Self {
        let left = steps_left(model, session);
        let models = u32::try_from(session.settings().models()).unwrap_or(u32::MAX);
        let rollouts = f64::from(each) * f64::from(models);
        let cursor = session.cursor();
        Self {
            each,
            models,
            step: cursor.map_or(0, |node| session.tree().node(node).step.index),
            calls: (rollouts * left).ceil() as u32,
            cost: cost_of_each(model, session, left).map(|cost| f64::from(each) * cost),
        }
    }
}

/// Steps to the end from the cursor: as many as trajectories of this problem
/// went on behind it, else of this log, else as many as there may be.
fn steps_left(model: &Model, session: &Session) -> f64 {
    let tree = session.tree();
    let mean = |lengths: Vec<f64>| {
        (!lengths.is_empty()).then(|| lengths.iter().sum::<f64>() / lengths.len() as f64)
    };
    let ended = tree.nodes().filter(|(_, node)| node.outcome().is_some());
    let known = mean(ended.map(|(_, node)| f64::from(node.step.index)).collect());
    let of_log = || {
        let places = 0..model.survey.trajectories().len().min(ASKED);
        let views = places.map(|place| model.survey.view(place));
        let ended = views.filter(|view| view.outcome().is_some());
        mean(ended.map(|view| view.kept() as f64).collect())
    };
    let most = || f64::from(session.settings().run.sampling.max_steps);
    let index = session
        .cursor()
        .map_or(0, |node| tree.node(node).step.index);
    let length = known.or_else(of_log).unwrap_or_else(most);
    (length - f64::from(index)).max(1.0)
}

/// Full cost of one rollout by each model, summed. What the log knows of what
/// is still to come there is of the published ledger, and is raised by what
/// the full one adds; else a step by the model and the rest by anybody.
fn cost_of_each(model: &Model, session: &Session, left: f64) -> Option<f64> {
    let settings = session.settings();
    let ledger = &settings.ledger;
    let nodes = session.tree().nodes().map(|(_, node)| &*node.step);
    let is_called = |step: &&StepRecord| step.kept && settings.place(&step.model).is_some();
    let steps: Vec<&StepRecord> = nodes.filter(is_called).collect();
    let total = ledger.total(steps.iter().copied());
    let hidden = match (total.full(), total.published()) {
        (Some(full), Some(published)) if published > 0.0 => (full / published).max(1.0),
        _ => 1.0,
    };
    let mean = |by: Option<&str>| {
        let of_them = steps
            .iter()
            .filter(|step| by.is_none_or(|by| step.model == by));
        let costs: Option<Vec<f64>> = of_them.map(|step| ledger.step(step).full()).collect();
        let costs = costs.filter(|costs| !costs.is_empty())?;
        Some(costs.iter().sum::<f64>() / costs.len() as f64)
    };
    let tokens: u64 = steps.iter().map(|step| step.usage.output).sum();
    let tokens = tokens.checked_div(steps.len() as u64);
    let known = model.valued_choice().map(|(choice, _)| choice);
    let by_model = |place: usize| {
        let action = known.as_ref().and_then(|choice| choice.actions.get(place));
        let action = action.and_then(Option::as_ref);
        if let Some(cost) = action.and_then(|action| action.cost) {
            return Some(cost * hidden);
        }
        let name = settings.model_name(place);
        let never = || Some(hidden * ledger.output(&name, tokens?)?);
        Some(mean(Some(&name)).or_else(never)? + mean(None)? * (left - 1.0))
    };
    (0..settings.models()).map(by_model).sum()
}

/// Asks for rollouts from the cursor, `count` by each model.
pub(super) fn ask(model: &mut Model, count: Option<u32>) -> Vec<Effect> {
    if let Some((level, text)) = withheld(model, count) {
        model.say(level, text);
        return Vec::new();
    }
    let quote = model
        .session()
        .map(|session| Quote::of(model, session, count.unwrap_or(EACH)));
    if let Some(quote) = quote {
        model.layers.push(Layer::ConfirmRollouts(quote));
    }
    Vec::new()
}

/// Why there can be none from the cursor now.
fn withheld(model: &mut Model, count: Option<u32>) -> Option<(NoticeLevel, String)> {
    let warn = |text: String| Some((NoticeLevel::Warning, text));
    let Some(session) = model.session() else {
        return warn("no problem is open: choose one with ctrl-p".to_owned());
    };
    if count.is_some_and(|count| count == 0 || count > MOST) {
        return warn(format!("1 to {MOST} rollouts by each model at a time"));
    }
    if let Err(refusal) = session.may_roll_out() {
        return warn(refusal.to_string());
    }
    if model.rollouts.running.is_some() {
        return warn("rollouts of another problem are being written".to_owned());
    }
    if probes::is_open(model) {
        return warn("the models have not said yet what they can do: a moment".to_owned());
    }
    let wanted = Command::Rollout {
        after: None,
        model: 0,
    };
    follow::withheld(model, model.current, &wanted)
}

/// Begins those that were asked for.
pub(super) fn begin(model: &mut Model, quote: Quote, now: &str) -> Vec<Effect> {
    // Much may have happened while the question was open.
    if let Some((level, text)) = withheld(model, Some(quote.each)) {
        model.say(level, text);
        return Vec::new();
    }
    let Some(session) = model.session() else {
        return Vec::new();
    };
    let after = session.cursor();
    // In turns: whoever stops half-way has as many of each.
    let models = 0..session.settings().models();
    let waiting: VecDeque<usize> = (0..quote.each).flat_map(|_| models.clone()).collect();
    let batch = Batch {
        entry: model.current,
        after,
        total: waiting.len(),
        waiting,
        before: session.tree().decisions(after).len(),
    };
    model.rollouts.running = Some(batch);
    next(model, now)
}

/// Begins the next one where one has come to its end; says what came of them
/// after the last.
pub(super) fn go_on(model: &mut Model, now: &str) -> Vec<Effect> {
    let Some(batch) = &model.rollouts.running else {
        return Vec::new();
    };
    let Some(Slot::Open(session)) = model.slots.get(batch.entry) else {
        model.rollouts.running = None;
        return Vec::new();
    };
    if session.is_generating() {
        return Vec::new();
    }
    // What stands in the way has been said.
    let failed = matches!(session.phase(), Phase::Failed { .. });
    if failed || model.log_broken.is_some() || model.view.talk {
        model.rollouts.running = None;
        return Vec::new();
    }
    next(model, now)
}

fn next(model: &mut Model, now: &str) -> Vec<Effect> {
    let Some(batch) = &mut model.rollouts.running else {
        return Vec::new();
    };
    let Some(by) = batch.waiting.pop_front() else {
        finish(model);
        return Vec::new();
    };
    let (entry, after) = (batch.entry, batch.after);
    let command = Command::Rollout { after, model: by };
    let effects = follow::command_at(model, entry, command, now);
    let is_on = matches!(
        model.slots.get(entry),
        Some(Slot::Open(session)) if session.is_generating()
    );
    if !is_on {
        // It was refused, with the reason.
        model.rollouts.running = None;
    }
    effects
}

fn finish(model: &mut Model) {
    let Some(batch) = model.rollouts.running.take() else {
        return;
    };
    let Some(Slot::Open(session)) = model.slots.get(batch.entry) else {
        return;
    };
    let mut text = format!("rollouts: {}", told(session, &batch));
    if model.view.screen != Screen::Values {
        text.push_str("; V shows what that is worth");
    }
    model.say(NoticeLevel::Info, text);
}

/// Gives up those of the problem on screen that have not begun; what came of
/// the others, where some were on.
pub(super) fn stop(model: &mut Model) -> Option<String> {
    let current = model.current;
    let batch = model
        .rollouts
        .running
        .take_if(|batch| batch.entry == current)?;
    let session = model.session()?;
    let begun = batch.total - batch.waiting.len();
    let told = told(session, &batch);
    Some(format!(
        "stopped at rollout {begun} of {}: {told}",
        batch.total
    ))
}

/// How those of one model came out.
#[derive(Default)]
struct Tally {
    right: usize,
    graded: usize,
    ungraded: usize,
    unfinished: usize,
}

/// How the rollouts of a batch came out, by model.
fn told(session: &Session, batch: &Batch) -> String {
    let tree = session.tree();
    let made = tree.decisions(batch.after).iter().skip(batch.before);
    let made: Vec<&str> = made
        .filter(|made| made.rollout)
        .map(|made| made.id.as_str())
        .collect();
    let mut tallies: Vec<Tally> = Vec::new();
    tallies.resize_with(session.settings().models(), Tally::default);
    for &child in tree.children(batch.after) {
        let step = &tree.node(child).step;
        let is_new = step
            .decision
            .as_deref()
            .is_some_and(|id| made.contains(&id));
        let writer = session.settings().place(&step.model);
        let Some(tally) = writer.filter(|_| is_new).and_then(|at| tallies.get_mut(at)) else {
            continue;
        };
        match end_of(tree, child) {
            Some(Verdict::Ungraded) => tally.ungraded += 1,
            Some(verdict) => {
                tally.graded += 1;
                tally.right += usize::from(verdict == Verdict::Correct);
            }
            None => tally.unfinished += 1,
        }
    }
    let mut words = Vec::new();
    for (model, tally) in tallies.iter().enumerate() {
        let mut parts = Vec::new();
        if tally.graded > 0 {
            parts.push(format!("{} of {} right", tally.right, tally.graded));
        }
        for (count, what) in [
            (tally.ungraded, "ungraded"),
            (tally.unfinished, "unfinished"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        if parts.is_empty() {
            parts.push("nothing".to_owned());
        }
        let name = session.settings().model_name(model);
        words.push(format!("{name} {}", parts.join(" and ")));
    }
    words.join(", ")
}

/// How what goes on from a step came out: a rollout is one path.
fn end_of(tree: &Tree, first: NodeIndex) -> Option<Verdict> {
    let next = |&at: &NodeIndex| tree.children(Some(at)).first().copied();
    let last = std::iter::successors(Some(first), next).last()?;
    tree.node(last).outcome().map(|outcome| outcome.verdict)
}
