//! What the decisions of the trajectory on screen were worth: the state of the
//! screen of values, of the lines in the decision card, and of the column of
//! the table.

use crate::eval::regret::{Choice, Grove, Line, Made, Regrets, Worth};
use crate::survey::{Survey, step_key};
use crate::trace::NodeIndex;

use super::action::Action;
use super::amount;
use super::effect::Effect;
use super::line_edit::LineEdit;
use super::model::{Layer, Model, Purpose, Screen};
use super::work::Work;

/// What the log knows beside the trajectory on screen.
#[derive(Default)]
pub struct Values {
    grove: Option<Grove>,
    /// The entry and the evidence of the survey that it was made of.
    made_of: Option<(usize, usize)>,
    /// The router of a run, by its place, as it was made or could not be.
    made: Option<(u32, Made)>,
    /// The run whose router was asked for.
    asked: Option<u32>,
    /// What a right answer is worth.
    pub worth: Worth,
    /// The evidence of the survey whose regrets were asked for: labels change
    /// none of them.
    regrets_of: Option<usize>,
    /// Those whose regrets have come.
    worked_out: Option<usize>,
    /// Of the whole log, once they are there.
    pub regrets: Option<crate::eval::regret::Control>,
}

impl Values {
    /// Whether the regrets of the log were worked out when it had so much
    /// evidence.
    pub(super) fn are_of(&self, evidence: usize) -> bool {
        self.worked_out == Some(evidence)
    }

    /// The router of the run of a trajectory, once it is there.
    fn made_for(&self, survey: &Survey, entry: usize) -> Option<&Made> {
        let run = survey.trajectories().get(entry)?.run;
        let (of, made) = self.made.as_ref()?;
        (*of == run).then_some(made)
    }

    /// Whether regrets were asked for and have not come.
    pub(super) fn are_awaited(&self) -> bool {
        self.regrets_of.is_some() && self.regrets_of != self.worked_out
    }

    /// What the log knows of the question on screen; `None` where only one
    /// model ever wrote there.
    pub fn grove(&self) -> Option<&Grove> {
        self.grove.as_ref()
    }
}

impl Model {
    /// The path on screen, as far as the log holds it, with what is beside it.
    pub fn valued_line(&self) -> Option<(&Grove, Line)> {
        let (grove, session) = (self.values.grove()?, self.session()?);
        let tree = session.tree();
        let path = session.followed_path();
        let node = |&at: &NodeIndex| grove.node_of(step_key(&tree.node(at).step.id));
        let nodes: Vec<u32> = path.iter().map_while(node).collect();
        let leaf = path.last().filter(|_| nodes.len() == path.len());
        let outcome = leaf.and_then(|&leaf| tree.node(leaf).outcome());
        let line = grove.line_of(nodes, outcome.map(|outcome| outcome.verdict));
        Some((grove, line))
    }

    /// The decision after the step at the cursor, and the number of that step.
    pub fn valued_choice(&self) -> Option<(Choice, usize)> {
        let (grove, line) = self.valued_line()?;
        let session = self.session()?;
        let cursor = session.cursor();
        let path = session.followed_path();
        let after = match cursor {
            None => 0,
            Some(cursor) => path.iter().position(|&node| node == cursor)? + 1,
        };
        (after <= line.path.len()).then(|| (grove.choice(&line, after), after))
    }
}

/// Makes anew what belongs to the trajectory on screen, and asks for the
/// regrets of the whole log where the table shows them or the queue of labels
/// goes by them.
pub(super) fn refresh(model: &mut Model) -> Option<Effect> {
    let evidence = model.survey.evidence();
    let of_one = matches!(
        model.view.screen,
        Screen::Inspector | Screen::Tree | Screen::Values
    );
    let (entry, made_of) = (model.current, model.values.made_of);
    let is_new = made_of.is_none_or(|(known, _)| known != entry);
    // While a log is read it changes all the time.
    let is_stale = made_of != Some((entry, evidence)) && model.reading.is_none();
    if of_one && (is_new || is_stale) && model.session().is_some() {
        let known = entry < model.survey.trajectories().len();
        let made = model.values.made_for(&model.survey, entry);
        let grove = known
            .then(|| Grove::of(&model.survey, entry, made))
            .flatten();
        model.values.grove = grove.filter(Grove::has_alternatives);
        model.values.made_of = Some((entry, evidence));
    }
    let shown = matches!(model.view.screen, Screen::Problems | Screen::Analysis);
    let settled = model.reading.is_none() && !model.is_generating();
    let wanted = shown || model.queues_by_worth();
    if wanted && settled && model.values.regrets_of != Some(evidence) {
        model.values.regrets_of = Some(evidence);
        return Some(Effect::Work(Work::Regrets));
    }
    None
}

/// Asks for the router of the run on screen, once a run: what other runs came
/// to is seen with its eyes.
pub(super) fn ask_for_router(model: &mut Model) -> Option<Effect> {
    let run = model.survey.trajectories().get(model.current)?.run;
    // With one run there is nobody else.
    if model.survey.runs().len() < 2 || model.values.asked == Some(run) {
        return None;
    }
    let head = model.survey.runs().get(run as usize)?.head.as_deref()?;
    let (spec, pool) = (head.router.spec.clone(), head.pool.clone());
    model.values.asked = Some(run);
    Some(Effect::Rule { run, spec, pool })
}

/// Takes the router of a run.
pub(super) fn ruled(model: &mut Model, run: u32, spec: &str, made: &Made) {
    let head = model.survey.runs().get(run as usize);
    let own = head.and_then(|run| run.head.as_deref());
    if model.values.asked == Some(run) && own.is_some_and(|head| head.router.spec == spec) {
        model.values.made = Some((run, made.clone()));
        model.values.made_of = None;
    }
}

/// Takes the regrets of the log as it was when it had so much evidence.
pub(super) fn regretted(model: &mut Model, evidence: usize, regrets: Regrets) {
    if evidence != model.survey.evidence() {
        // More has come: they were or will be asked for again.
        return;
    }
    model.values.worked_out = Some(evidence);
    let known = regrets.control.decisions > 0;
    model.values.regrets = known.then_some(regrets.control);
    std::sync::Arc::make_mut(&mut model.survey).set_regrets(regrets.of, regrets.failures);
    model.table.regretted();
}

/// Shows the screen for the trajectory on screen, or that again.
pub(super) fn show(model: &mut Model) -> Vec<Effect> {
    if model.view.screen == Screen::Values {
        model.view.screen = Screen::Inspector;
        return Vec::new();
    }
    let effects = super::navigate::switch(model, Screen::Inspector);
    model.view.screen = Screen::Values;
    effects
}

/// Does an action of the screen; `None` for one that is of no such screen.
pub(super) fn act(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    match action {
        Action::Worth => {
            let offer = model.values.worth.map(|worth| format!("{worth:e}"));
            model.layers.push(Layer::Expression {
                purpose: Purpose::Worth,
                input: LineEdit::offering(offer.unwrap_or_default()),
                error: None,
            });
        }
        Action::Accept => model.view.screen = Screen::Inspector,
        _ => return None,
    }
    Some(Vec::new())
}

/// Takes what a right answer is worth.
pub(super) fn set_worth(model: &mut Model, text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        model.values.worth = None;
        return Ok(());
    }
    let worth = amount::read(text).filter(|worth| *worth > 0.0);
    let worth = worth.ok_or_else(|| {
        format!(
            "`{text}` is no amount above 0: write one such as 120, 4.5M or 1.2e8, or nothing for \
             more than any cost"
        )
    })?;
    model.values.worth = Some(worth);
    Ok(())
}
