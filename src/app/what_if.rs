//! The what-if screen: a slider over the parameter of a run's router.

use std::sync::Arc;

use crate::eval::what_if::{Band, Changed, Decider, Outlook, Rule, WhatIf};
use crate::router::{Router, RouterSpec};
use crate::trace::record::RunRecord;

use super::action::Action;
use super::amount;
use super::effect::Effect;
use super::follow;
use super::line_edit::LineEdit;
use super::model::{Layer, Model, NoticeLevel, Purpose, Screen};

/// Strides over the range of the parameter.
const STRIDES: f64 = 200.0;
/// Strides of a large one.
const LARGE: f64 = 10.0;
/// Values of the frontier: as many as are decided while nobody notices.
fn points(decisions: usize) -> usize {
    match decisions {
        0..200_000 => 61,
        200_000..2_000_000 => 21,
        _ => 11,
    }
}

/// Trajectories that are listed of a band: nobody reads more.
const LISTED: usize = 1000;

/// A log that is decided again.
#[derive(Default)]
pub struct Slid {
    /// The run, by its place in the survey.
    pub run: u32,
    /// The rule that decides, as its spec is written.
    pub spec: String,
    /// Why there is nothing to slide, or what is being waited for.
    pub said: String,
    what_if: Option<WhatIf>,
    pub value: f64,
    pub now: Outlook,
    pub logged: Outlook,
    /// Whether the run's own router decides.
    pub own: bool,
    /// The value to slide to once the rule is there.
    kept: Option<f64>,
    pub frontier: Vec<(f64, Outlook)>,
    /// The band whose trajectories are listed.
    pub band: Option<Band>,
    pub list: Vec<Changed>,
    pub cursor: usize,
    /// Facts of the survey that it was made of.
    made_of: usize,
    /// Whether the rule has been asked for and has not come.
    awaited: bool,
}

impl Slid {
    /// What is decided again; `None` where there is nothing.
    pub fn what_if(&self) -> Option<&WhatIf> {
        self.what_if.as_ref()
    }

    /// Whether the rule is still being made.
    pub(super) fn is_awaited(&self) -> bool {
        self.awaited
    }

    /// What is decided again.
    ///
    /// # Errors
    /// Why there is nothing.
    fn slidable(&self) -> Result<&WhatIf, String> {
        self.what_if.as_ref().ok_or_else(|| match &self.said {
            said if said.is_empty() => "there is nothing to slide".to_owned(),
            said => said.clone(),
        })
    }

    fn slide_to(&mut self, value: f64) {
        let Some(what_if) = &self.what_if else {
            return;
        };
        let (low, high) = what_if.range();
        self.value = value.clamp(low, high);
        self.now = what_if.at(self.value);
        self.relist();
    }

    /// Lists the trajectories of the band; without one those of the least sure
    /// band that has any.
    fn relist(&mut self) {
        let Some(what_if) = &self.what_if else {
            return;
        };
        let band = self.listed();
        self.list = what_if.changed(self.value, band, LISTED);
        self.cursor = self.cursor.min(self.list.len().saturating_sub(1));
    }

    /// The band whose trajectories are listed.
    pub fn listed(&self) -> Band {
        let holds = |band: &Band| self.now.count(*band) > 0;
        let least_sure = Band::ALL.into_iter().rev().find(holds);
        self.band.or(least_sure).unwrap_or(Band::Unchanged)
    }
}

/// Shows the screen for the run of the trajectory on screen, or of the row in
/// the table of runs; or the trajectory again.
pub(super) fn show(model: &mut Model) -> Vec<Effect> {
    if model.view.screen == Screen::WhatIf {
        model.view.screen = Screen::Inspector;
        return follow::show(model, model.current);
    }
    model.view.opened_from = None;
    let of_row = match model.view.screen {
        Screen::Runs => model.runs.rows.get(model.runs.cursor).map(|row| row.run),
        Screen::Problems => {
            let selected = model.table.selected();
            selected.map(|place| model.survey.trajectories()[place].run)
        }
        _ => None,
    };
    let current = model.survey.trajectories().get(model.current);
    let Some(run) = of_row.or(current.map(|found| found.run)) else {
        model.say(NoticeLevel::Info, "there is no run to decide again");
        return Vec::new();
    };
    model.view.screen = Screen::WhatIf;
    let known = &model.what_if;
    let fresh = known.made_of == model.survey.facts() && known.run == run;
    if fresh && known.what_if.is_some() {
        return Vec::new();
    }
    // More of the log has come: the same is asked of all of it.
    let kept = (known.run == run && known.what_if.is_some())
        .then(|| (known.spec.clone(), known.value, known.band));
    let own = head(model, run).map(|head| head.router.spec.clone());
    let spec = kept.as_ref().map(|(spec, ..)| spec.clone()).or(own);
    let effects = ask_for(model, run, spec);
    if let Some((_, value, band)) = kept {
        model.what_if.kept = Some(value);
        model.what_if.band = band;
    }
    effects
}

/// Shows the screen as it was left.
pub(super) fn back_to(model: &mut Model) -> Vec<Effect> {
    model.view.screen = Screen::WhatIf;
    Vec::new()
}

fn head(model: &Model, run: u32) -> Option<&RunRecord> {
    model.survey.runs().get(run as usize)?.head.as_deref()
}

/// Asks for the rule of a spec.
fn ask_for(model: &mut Model, run: u32, spec: Option<String>) -> Vec<Effect> {
    let pool = head(model, run).map(|head| head.pool.clone());
    let Some((spec, pool)) = spec.zip(pool) else {
        model.what_if = Slid {
            run,
            said: "the head of the run is lost: its router and pool are not known".to_owned(),
            ..Slid::default()
        };
        return Vec::new();
    };
    model.what_if = Slid {
        run,
        said: "the router is being read …".to_owned(),
        spec: spec.clone(),
        awaited: true,
        ..Slid::default()
    };
    vec![Effect::Rule { run, spec, pool }]
}

/// Takes the rule that was asked for.
pub(super) fn ruled(
    model: &mut Model,
    run: u32,
    spec: String,
    rule: Result<Arc<dyn Router>, String>,
) {
    if (model.what_if.run, model.what_if.spec.as_str()) != (run, spec.as_str()) {
        // Another one is waited for by now.
        return;
    }
    if !std::mem::take(&mut model.what_if.awaited) {
        // Asked for twice: it has come, and may have been slid since.
        return;
    }
    let Some(head) = head(model, run).cloned() else {
        return;
    };
    let own = head.router.spec == spec;
    let made = match Rule::for_run(&head, own, &rule) {
        Ok((rule, by)) => {
            if by != Decider::Rule {
                let said = format!("decided by {}", by.describe());
                model.say(NoticeLevel::Warning, said);
            }
            WhatIf::new(&model.survey, run, &rule)
        }
        Err(error) => {
            model.what_if.said = error;
            return;
        }
    };
    match made {
        Ok(what_if) => {
            let value = what_if.slider().value;
            let slid = &mut model.what_if;
            slid.logged = what_if.as_logged();
            slid.own = own;
            slid.frontier = what_if.frontier(points(what_if.decisions()));
            slid.what_if = Some(what_if);
            slid.made_of = model.survey.facts();
            slid.said.clear();
            let kept = slid.kept.take();
            slid.slide_to(kept.unwrap_or(value));
        }
        Err(refusal) => model.what_if.said = refusal.to_string(),
    }
}

/// Does an action of the screen; `None` for one that is of no such screen.
pub(super) fn act(model: &mut Model, action: Action, count: Option<u32>) -> Option<Vec<Effect>> {
    let times = f64::from(count.unwrap_or(1));
    match action {
        Action::Left => stride(model, -times),
        Action::Right => stride(model, times),
        Action::LargerStride => stride(model, LARGE * times),
        Action::LargerStrideBack => stride(model, -LARGE * times),
        Action::LoggedValue => {
            let value = model.what_if.what_if().map(|found| found.slider().value);
            model.what_if.slide_to(value.unwrap_or_default());
        }
        Action::NextPane => turn(model, 1),
        Action::PreviousPane => turn(model, Band::ALL.len() - 1),
        Action::First => model.what_if.cursor = 0,
        Action::Last => vertical(model, i64::from(i32::MAX)),
        Action::ForCost | Action::OtherRule => {
            let (purpose, offer) = match action {
                Action::ForCost => (Purpose::Cost, String::new()),
                _ => (Purpose::Rule, model.what_if.spec.clone()),
            };
            model.layers.push(Layer::Expression {
                purpose,
                input: LineEdit::offering(offer),
                error: None,
            });
        }
        Action::Accept => return Some(open(model)),
        _ => return None,
    }
    Some(Vec::new())
}

fn stride(model: &mut Model, strides: f64) {
    let Some(what_if) = model.what_if.what_if() else {
        return;
    };
    let (low, high) = what_if.range();
    let value = model.what_if.value + strides * (high - low) / STRIDES;
    model.what_if.slide_to(value);
}

/// To the next band.
fn turn(model: &mut Model, by: usize) {
    let slid = &mut model.what_if;
    let listed = slid.listed();
    let at = Band::ALL.iter().position(|band| *band == listed);
    let next = (at.unwrap_or(0) + by) % Band::ALL.len();
    slid.band = Some(Band::ALL[next]);
    slid.cursor = 0;
    slid.relist();
}

/// Moves over the list.
pub(super) fn vertical(model: &mut Model, by: i64) {
    let slid = &mut model.what_if;
    let by = isize::try_from(by).unwrap_or(isize::MAX);
    let last = slid.list.len().saturating_sub(1);
    slid.cursor = slid.cursor.saturating_add_signed(by).min(last);
}

/// Opens the trajectory under the cursor, at its change once it is there.
fn open(model: &mut Model) -> Vec<Effect> {
    let Some(changed) = model.what_if.list.get(model.what_if.cursor) else {
        return Vec::new();
    };
    let (place, step) = (changed.place, changed.step);
    model.view.screen = Screen::Inspector;
    model.view.opened_from = Some(Screen::WhatIf);
    let effects = follow::show(model, place);
    // The step before the change: there it is decided.
    model.view.go_to = step.map(|step| step.saturating_sub(1));
    follow::go_to_wanted(model);
    effects
}

/// Slides to the value at which a problem costs so much.
pub(super) fn for_cost(model: &mut Model, text: &str) -> Result<(), String> {
    let wanted = amount::read(text).ok_or_else(|| {
        format!("`{text}` is no amount: write a number such as 120, 4.5M or 1.2e8")
    })?;
    if !model.slide_for_cost(wanted)? {
        let text = "no value is as cheap as that: this is the cheapest one";
        model.say(NoticeLevel::Warning, text);
    }
    Ok(())
}

impl Model {
    /// Slides to a value of the parameter.
    ///
    /// # Errors
    /// There is nothing to slide, or the parameter has no such value.
    pub fn slide(&mut self, value: f64) -> Result<(), String> {
        let what_if = self.what_if.slidable()?;
        let (low, high) = what_if.range();
        if !(low..=high).contains(&value) {
            let symbol = what_if.slider().symbol;
            return Err(format!("{symbol} goes from {low} to {high}"));
        }
        self.what_if.slide_to(value);
        Ok(())
    }

    /// Slides to the value at which a problem costs at most `wanted`; whether
    /// there is one: else it is the cheapest.
    ///
    /// # Errors
    /// There is nothing to slide, or costs are not known.
    pub fn slide_for_cost(&mut self, wanted: f64) -> Result<bool, String> {
        let value = self.what_if.slidable()?.for_cost(wanted);
        let value = value.ok_or("the costs of this run are not known")?;
        self.what_if.slide_to(value);
        let reached = self.what_if.now.estimate.cost;
        Ok(reached.is_none_or(|cost| cost <= wanted))
    }

    /// Lets another router decide the run of the what-if screen; the effects
    /// fetch it.
    ///
    /// # Errors
    /// It is no spec of a router, or of one that has nothing to slide.
    pub fn decide_by(&mut self, spec: &str) -> Result<Vec<Effect>, String> {
        other_rule(self, spec)
    }
}

/// Lets another router decide.
pub(super) fn other_rule(model: &mut Model, text: &str) -> Result<Vec<Effect>, String> {
    let run = model.what_if.run;
    if text.trim().is_empty() {
        // Back to the router of the run.
        let own = head(model, run).map(|head| head.router.spec.clone());
        return Ok(ask_for(model, run, own));
    }
    let spec: RouterSpec = text
        .parse()
        .map_err(|error: crate::router::RouterError| error.to_string())?;
    if matches!(
        spec,
        RouterSpec::Small | RouterSpec::Large | RouterSpec::Random { .. } | RouterSpec::Query(_)
    ) {
        return Err(crate::eval::what_if::Refusal::NoSlider.to_string());
    }
    if model.talk.is_touring() && spec.file().is_some() {
        return Err("a tour opens no file; name a router without one".to_owned());
    }
    Ok(ask_for(model, run, Some(spec.to_string())))
}
