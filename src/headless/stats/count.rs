//! The counts of a survey.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::problem::answer::Verdict;
use crate::survey::{Decision, Name, Step, Survey, Trajectory};
use crate::trace::record::{PERSON, Purpose, StepEnd};

use super::{
    Chosen, Cost, Damaged, Decisions, Drafts, Labels, Run, Scored, Stats, Steps, Tokens,
    Trajectories, Verdicts, Writer,
};

/// Counts everything that a survey holds; what only its log says is left out.
pub(super) fn of(survey: &Survey) -> Stats {
    let mut counts = Counts {
        survey,
        writers: HashMap::new(),
        chosen: HashMap::new(),
        stats: Stats {
            files: Vec::new(),
            records: 0,
            time: None,
            runs: runs(survey),
            problems: 0,
            trajectories: Trajectories::default(),
            verdicts: Verdicts::default(),
            steps: Steps::default(),
            drafts: Drafts::default(),
            tokens: Tokens::default(),
            decisions: Decisions::default(),
            scored: Scored::default(),
            costs: Vec::new(),
            labels: Labels::default(),
            damaged: Damaged::default(),
            unknown_kinds: BTreeMap::new(),
        },
    };
    let mut problems = HashSet::new();
    for (place, trajectory) in survey.trajectories().iter().enumerate() {
        problems.insert(trajectory.problem);
        counts.add(place, trajectory);
    }
    counts.stats.problems = problems.len();
    counts.finish()
}

/// The steps of one model for one purpose.
struct Written {
    steps: usize,
    kept: usize,
    tokens: Tokens,
    seconds: f64,
}

struct Counts<'a> {
    survey: &'a Survey,
    writers: HashMap<(Name, Purpose), Written>,
    chosen: HashMap<Name, usize>,
    stats: Stats,
}

impl Counts<'_> {
    fn add(&mut self, place: usize, trajectory: &Trajectory) {
        for step in trajectory.steps() {
            self.add_step(step);
        }
        for decision in trajectory.decisions() {
            self.add_decision(decision);
        }
        self.add_end(place, trajectory);
        self.add_labels(trajectory);
        if let Some(run) = self.stats.runs.get_mut(trajectory.run as usize) {
            run.trajectories += 1;
            run.steps += trajectory.steps().len();
        }
    }

    fn add_step(&mut self, step: &Step) {
        let stats = &mut self.stats;
        stats.steps.all += 1;
        stats.steps.kept += usize::from(step.kept);
        stats.steps.cut_off += usize::from(step.end == StepEnd::Length);
        // A ruling that a draft stands leaves its purpose as it was.
        let draft = step.purpose == Purpose::Draft;
        stats.drafts.all += usize::from(draft);
        stats.drafts.rejected += usize::from(draft && !step.kept);
        let scored = &mut stats.scored;
        scored.prm += usize::from(step.prm().is_some());
        scored.judge += usize::from(step.judge().is_some());
        scored.verified += usize::from(step.is_refuted().is_some());
        scored.refuted += usize::from(step.is_refuted() == Some(true));
        // A person's step took no call, and one that failed gave no tokens.
        let is_call = self.survey.name(step.model) != PERSON && step.end != StepEnd::Error;
        let tokens = tokens(step, is_call);
        stats.tokens.add(tokens);
        let of_writer = self
            .writers
            .entry((step.model, step.purpose))
            .or_insert(Written {
                steps: 0,
                kept: 0,
                tokens: Tokens::default(),
                seconds: 0.0,
            });
        of_writer.steps += 1;
        of_writer.kept += usize::from(step.kept);
        of_writer.tokens.add(tokens);
        if step.seconds.is_finite() {
            of_writer.seconds += step.seconds;
        }
    }

    fn add_decision(&mut self, decision: &Decision) {
        let decisions = &mut self.stats.decisions;
        if decision.rollout {
            decisions.rollouts += 1;
            return;
        }
        decisions.all += 1;
        decisions.overridden += usize::from(decision.overridden);
        decisions.on_drafts += usize::from(decision.is_ruling());
        *self.chosen.entry(decision.action).or_default() += 1;
    }

    /// How the main line came out, and what it cost.
    fn add_end(&mut self, place: usize, trajectory: &Trajectory) {
        let view = self.survey.view(place);
        let stats = &mut self.stats;
        stats.trajectories.all += 1;
        stats.trajectories.branched += usize::from(!trajectory.is_linear());
        stats.steps.main_line += view.kept();
        let Some(outcome) = view.outcome() else {
            stats.trajectories.unfinished += 1;
            return;
        };
        stats.trajectories.ended += 1;
        *stats
            .trajectories
            .by_end
            .entry(outcome.end.name())
            .or_default() += 1;
        match outcome.verdict {
            Verdict::Correct => stats.verdicts.correct += 1,
            Verdict::Wrong => stats.verdicts.wrong += 1,
            Verdict::Ungraded => stats.verdicts.ungraded += 1,
        }
        let unit = self.survey.unit_of(trajectory.run);
        let unit = unit.as_ref().map(ToString::to_string);
        let known = stats.costs.iter().position(|cost| cost.unit == unit);
        let place = known.unwrap_or_else(|| {
            stats.costs.push(Cost {
                unit,
                ended: 0,
                published: None,
                published_known: 0,
                full: None,
                full_known: 0,
                upper_bound: false,
            });
            stats.costs.len() - 1
        });
        let cost = &mut stats.costs[place];
        cost.ended += 1;
        cost.upper_bound |= outcome.upper_bound;
        sum(
            &mut cost.published,
            &mut cost.published_known,
            outcome.published,
        );
        sum(&mut cost.full, &mut cost.full_known, outcome.full);
    }

    fn add_labels(&mut self, trajectory: &Trajectory) {
        let mut steps = HashSet::new();
        for (step, who, label) in trajectory.labels() {
            steps.insert(step);
            let who = self.survey.name(who).to_owned();
            let by = self.stats.labels.by.entry(who).or_default();
            *by.entry(label.name()).or_default() += 1;
        }
        self.stats.labels.steps += steps.len();
    }

    fn finish(mut self) -> Stats {
        let survey = self.survey;
        let mut writers: Vec<_> = self.writers.into_iter().collect();
        // Names are in the order in which the log has them: that of the pool.
        writers.sort_unstable_by_key(|((model, purpose), _)| (*model, *purpose));
        let writers = writers
            .into_iter()
            .map(|((model, purpose), written)| Writer {
                model: survey.name(model).to_owned(),
                purpose: purpose.name(),
                steps: written.steps,
                kept: written.kept,
                tokens: written.tokens,
                seconds: written.seconds,
            });
        self.stats.steps.by = writers.collect();
        let mut chosen: Vec<(Name, usize)> = self.chosen.into_iter().collect();
        chosen.sort_unstable();
        let chosen = chosen.into_iter().map(|(model, decisions)| Chosen {
            model: survey.name(model).to_owned(),
            decisions,
        });
        self.stats.decisions.by_model = chosen.collect();
        let labels = &mut self.stats.labels;
        labels.all = survey.facts() - survey.evidence();
        let placed: usize = labels.by.values().flat_map(BTreeMap::values).sum();
        labels.of_nothing = labels.all - placed;
        self.stats
    }
}

impl Tokens {
    fn add(&mut self, other: Self) {
        self.prompt += other.prompt;
        self.cached += other.cached;
        self.cached_unknown += other.cached_unknown;
        self.output += other.output;
        self.uncounted += other.uncounted;
        self.prompt_uncounted += other.prompt_uncounted;
    }
}

fn tokens(step: &Step, is_call: bool) -> Tokens {
    let prompt = u64::from(step.prompt);
    Tokens {
        prompt,
        cached: step.cached().map_or(0, u64::from),
        cached_unknown: step.cached().map_or(prompt, |_| 0),
        output: u64::from(step.tokens),
        uncounted: usize::from(is_call && step.told_tokens().is_none()),
        prompt_uncounted: usize::from(is_call && step.told_prompt().is_none()),
    }
}

/// Adds what is known.
fn sum(to: &mut Option<f64>, known: &mut usize, cost: Option<f64>) {
    if let Some(cost) = cost {
        *to = Some(to.unwrap_or(0.0) + cost);
        *known += 1;
    }
}

fn runs(survey: &Survey) -> Vec<Run> {
    let runs = survey.runs().iter().map(|run| {
        let head = run.head.as_deref();
        Run {
            run: survey.name(run.id).to_owned(),
            command: head.map(|head| head.command.clone()),
            router: head.map(|head| head.router.spec.clone()),
            seed: head.map(|head| head.seed),
            shard: head.and_then(|head| Some(head.shard?.to_string())),
            started: head.map(|head| head.started.clone()),
            pool: run
                .pool
                .iter()
                .map(|model| survey.name(*model).to_owned())
                .collect(),
            trajectories: 0,
            steps: 0,
        }
    });
    runs.collect()
}
