//! The what-if screen: a slider over the parameter of a run's router.

use std::sync::Arc;

use crate::eval::regret::Build;
use crate::eval::what_if::{Band, Changed, Decider, Outlook, Rule, WhatIf};
use crate::router::RouterSpec;
use crate::survey::Survey;
use crate::trace::record::RunRecord;
use crate::train::params::CostLedger;

use super::action::Action;
use super::amount;
use super::effect::Effect;
use super::follow;
use super::line_edit::LineEdit;
use super::model::{Layer, Model, NoticeLevel, Purpose, Screen};
use super::work::Work;

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

/// What is wanted: a run under a router.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// The run, by its place in the survey.
    run: u32,
    /// The rule that decides, as its spec is written.
    spec: String,
    ledger: CostLedger,
}

/// A run that can be decided again.
#[derive(Debug)]
pub struct Made {
    what_if: WhatIf,
    by: Decider,
    /// Whether the run's own router decides.
    own: bool,
    logged: Outlook,
    frontier: Vec<(f64, Outlook)>,
    /// Facts of the survey that it was made of.
    made_of: usize,
}

impl Wanted {
    /// The rule that decides, as its spec is written.
    pub fn spec(&self) -> &str {
        &self.spec
    }

    /// Decides the run again; `build` makes routers.
    ///
    /// # Errors
    /// In words for the person.
    pub fn made(&self, survey: &Survey, build: Build<'_>) -> Result<Made, String> {
        let head = survey.runs().get(self.run as usize);
        let head = head.and_then(|run| run.head.as_deref()).ok_or(HEADLESS)?;
        let built = build(&self.spec, head);
        let own = head.router.spec == self.spec;
        let (rule, by) = Rule::for_run(head, own, &built)?;
        let what_if = WhatIf::new(survey, self.run, &rule, self.ledger)
            .map_err(|refusal| refusal.to_string())?;
        Ok(Made {
            by,
            own,
            logged: what_if.as_logged(),
            frontier: what_if.frontier(points(what_if.decisions())),
            made_of: survey.facts(),
            what_if,
        })
    }
}

const HEADLESS: &str = "the head of the run is lost: its router and pool are not known";

/// A log that is decided again.
#[derive(Default)]
pub struct Slid {
    wanted: Wanted,
    /// Why there is nothing to slide, or what is being waited for.
    pub said: String,
    what_if: Option<Arc<WhatIf>>,
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
    progress: Progress,
    /// The cost of a problem for which a value is being looked for.
    sought: Option<f64>,
}

/// How far what is wanted has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Progress {
    /// It is there, or cannot be, or nobody wants it.
    #[default]
    Settled,
    /// Nobody has begun.
    Due,
    /// It is being worked out.
    Begun,
}

impl Slid {
    /// What is decided again; `None` where there is nothing.
    pub fn what_if(&self) -> Option<&WhatIf> {
        self.what_if.as_deref()
    }

    /// The run, by its place in the survey.
    pub fn run(&self) -> u32 {
        self.wanted.run
    }

    /// The rule that decides, as its spec is written.
    pub fn spec(&self) -> &str {
        &self.wanted.spec
    }

    /// The ledger that costs are in.
    pub fn ledger(&self) -> CostLedger {
        self.wanted.ledger
    }

    /// Whether something is still being worked out.
    pub(super) fn is_awaited(&self) -> bool {
        self.progress != Progress::Settled || self.sought.is_some()
    }

    /// What is decided again.
    ///
    /// # Errors
    /// Why there is nothing.
    fn slidable(&self) -> Result<&Arc<WhatIf>, String> {
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
        // Who slides wants to be here, not at a cost.
        self.sought = None;
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
    let is_same = known.wanted.run == run;
    let is_fresh = known.made_of == model.survey.facts() && known.what_if.is_some();
    if is_same && (is_fresh || known.is_awaited()) {
        return Vec::new();
    }
    // More of the log has come: the same is asked of all of it.
    let kept = is_same && known.what_if.is_some();
    let ledger = known.wanted.ledger;
    let own = || head(model, run).map(|head| head.router.spec.clone());
    let spec = match kept {
        true => known.wanted.spec.clone(),
        false => own().unwrap_or_default(),
    };
    want(model, Wanted { run, spec, ledger }, kept);
    Vec::new()
}

/// Shows the screen as it was left.
pub(super) fn back_to(model: &mut Model) -> Vec<Effect> {
    model.view.screen = Screen::WhatIf;
    Vec::new()
}

fn head(model: &Model, run: u32) -> Option<&RunRecord> {
    model.survey.runs().get(run as usize)?.head.as_deref()
}

/// Wants something else; `kept` where the value and the band are to stay.
fn want(model: &mut Model, wanted: Wanted, kept: bool) {
    let known = &model.what_if;
    let (value, band) = match kept {
        true => {
            let there = known.what_if.is_some().then_some(known.value);
            (there.or(known.kept), known.band)
        }
        false => (None, None),
    };
    let is_there = head(model, wanted.run).is_some();
    let said = match (is_there, model.reading.is_some()) {
        (false, false) => HEADLESS,
        (_, true) => "the log is being read …",
        (true, false) => "the log is being decided again …",
    };
    model.what_if = Slid {
        wanted,
        said: said.to_owned(),
        kept: value,
        band,
        progress: match said == HEADLESS {
            true => Progress::Settled,
            false => Progress::Due,
        },
        ..Slid::default()
    };
}

/// Asks for what is wanted, once the log is read: what works it out holds on to
/// the survey, which then had to be copied to grow.
pub(super) fn refresh(model: &mut Model) -> Option<Effect> {
    if model.what_if.progress != Progress::Due || model.reading.is_some() {
        return None;
    }
    let run = model.what_if.wanted.run;
    if model.what_if.wanted.spec.is_empty() {
        // The head of the run had not been read.
        let own = head(model, run).map(|head| head.router.spec.clone());
        let Some(own) = own else {
            model.what_if.progress = Progress::Settled;
            HEADLESS.clone_into(&mut model.what_if.said);
            return None;
        };
        model.what_if.wanted.spec = own;
    }
    model.what_if.progress = Progress::Begun;
    let wanted = Box::new(model.what_if.wanted.clone());
    Some(Effect::Work(Work::WhatIf(wanted)))
}

/// Takes what was wanted, unless something else is by now.
pub(super) fn made(model: &mut Model, wanted: &Wanted, made: Result<Box<Made>, String>) {
    let slid = &mut model.what_if;
    if slid.progress != Progress::Begun || slid.wanted != *wanted {
        return;
    }
    slid.progress = Progress::Settled;
    let made = match made {
        Ok(made) => *made,
        Err(error) => {
            slid.said = error;
            return;
        }
    };
    let value = made.what_if.slider().value;
    slid.logged = made.logged;
    slid.own = made.own;
    slid.frontier = made.frontier;
    slid.made_of = made.made_of;
    slid.what_if = Some(Arc::new(made.what_if));
    slid.said.clear();
    let kept = slid.kept.take();
    slid.slide_to(kept.unwrap_or(value));
    if made.by != Decider::Rule {
        let said = format!("decided by {}", made.by.describe());
        model.say(NoticeLevel::Warning, said);
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
        Action::OtherLedger => turn_ledger(model),
        Action::NextPane => turn(model, 1),
        Action::PreviousPane => turn(model, Band::ALL.len() - 1),
        Action::First => model.what_if.cursor = 0,
        Action::Last => vertical(model, i64::from(i32::MAX)),
        Action::ForCost | Action::OtherRule => {
            let (purpose, offer) = match action {
                Action::ForCost => (Purpose::Cost, String::new()),
                _ => (Purpose::Rule, model.what_if.wanted.spec.clone()),
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

/// Looks for the value at which a problem costs so much.
pub(super) fn for_cost(model: &mut Model, text: &str) -> Result<Vec<Effect>, String> {
    let cost = amount::read(text).ok_or_else(|| {
        format!("`{text}` is no amount: write a number such as 120, 4.5M or 1.2e8")
    })?;
    let slid = &mut model.what_if;
    let what_if = Arc::clone(slid.slidable()?);
    slid.sought = Some(cost);
    model.say(NoticeLevel::Info, "the value is being looked for …");
    Ok(vec![Effect::Work(Work::ForCost { what_if, cost })])
}

/// Slides to the value that was found for a cost, unless somebody slid since.
pub(super) fn found(model: &mut Model, of: &Arc<WhatIf>, cost: f64, value: Option<f64>) {
    let slid = &mut model.what_if;
    let is_now = slid
        .what_if
        .as_ref()
        .is_some_and(|now| Arc::ptr_eq(now, of));
    if !is_now || slid.sought != Some(cost) {
        return;
    }
    slid.sought = None;
    model.notice = None;
    let Some(value) = value else {
        model.say(NoticeLevel::Warning, "no value has an estimate of its cost");
        return;
    };
    slid.slide_to(value);
    if slid.now.estimate.cost.is_some_and(|reached| reached > cost) {
        let text = "no value with an estimate is as cheap as that: this is the cheapest";
        model.say(NoticeLevel::Warning, text);
    }
}

/// Counts costs in the other ledger.
fn turn_ledger(model: &mut Model) {
    let mut wanted = model.what_if.wanted.clone();
    wanted.ledger = match wanted.ledger {
        CostLedger::Published => CostLedger::Full,
        CostLedger::Full => CostLedger::Published,
    };
    let kept = model.what_if.what_if.is_some() || model.what_if.kept.is_some();
    want(model, wanted, kept);
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
        let value = value.ok_or("no value has an estimate of its cost")?;
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
        let mut effects = other_rule(self, spec)?;
        effects.extend(refresh(self));
        Ok(effects)
    }
}

/// Lets another router decide.
pub(super) fn other_rule(model: &mut Model, text: &str) -> Result<Vec<Effect>, String> {
    let Wanted { run, ledger, .. } = model.what_if.wanted;
    let spec = match text.trim().is_empty() {
        // Back to the router of the run.
        true => head(model, run).map_or_else(String::new, |head| head.router.spec.clone()),
        false => other_spec(model, text)?,
    };
    want(model, Wanted { run, spec, ledger }, false);
    Ok(Vec::new())
}

/// The spec of a router that can decide in place of a run's own.
fn other_spec(model: &Model, text: &str) -> Result<String, String> {
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
    Ok(spec.to_string())
}
