//! Rules that look at drafts and at the question, worked out on paper.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::script::{Bench, NOW, empty, live, problem, run, step, until};
use crate::model::endpoint::FailureKind;
use crate::problem::answer::RuleGrader;
use crate::router::{Choice, Router, Timing};
use crate::session::{Command, Engine, Phase, Session, Settings};
use crate::signal::observation::Observation;
use crate::trace::Tree;
use crate::trace::record::{
    DecisionRecord, Purpose, Record, Role, RouterFacts, ScoreRecord, StepRecord,
};

fn steps(bench: &Bench) -> Vec<&StepRecord> {
    let steps = bench.log.iter().filter_map(|record| match record {
        Record::Step(step) => Some(&**step),
        _ => None,
    });
    steps.collect()
}

fn decisions(bench: &Bench) -> Vec<&DecisionRecord> {
    let made = bench.log.iter().filter_map(|record| match record {
        Record::Decision(decision) => Some(&**decision),
        _ => None,
    });
    made.collect()
}

fn scores(bench: &Bench) -> Vec<&ScoreRecord> {
    let given = bench.log.iter().filter_map(|record| match record {
        Record::Score(score) => Some(score),
        _ => None,
    });
    given.collect()
}

/// δ = 0.7. Draft 1 scores 0.9 and stands; draft 2 scores 0.69 and is written
/// again; draft 3 scores 0.7 (not below δ) and stands, and answers.
#[test]
fn rsd_keeps_what_reaches_delta_and_has_the_rest_written_again() {
    let mut bench = Bench::new("rsd:delta=0.7", 12);
    bench.command(Command::Run);
    bench.reply(step("2 + 2 = 4", 0.9));
    bench.score(Some(0.9));
    bench.reply(step("4 + 3 = 8", 0.9));
    bench.score(Some(0.69));
    assert_eq!(bench.pending.as_ref().map(|call| call.model), Some(1));
    assert_eq!(
        bench.pending.as_ref().unwrap().request.prefix,
        "2 + 2 = 4\n\n"
    );
    bench.reply(step("4 + 3 = 7", 0.9));
    bench.reply(step("\\boxed{7}", 0.9));
    bench.score(Some(0.7));
    assert_eq!(
        bench.order,
        [
            "append problem",
            "generate 0",
            "ask prm",
            "append step+score+decision",
            "generate 0",
            "ask prm",
            "append step+score+decision",
            "generate 1",
            "append step",
            "generate 0",
            "ask prm",
            "append step+score+decision+outcome",
        ]
    );
    let all: Vec<(&str, Purpose, bool)> = steps(&bench)
        .iter()
        .map(|step| (step.text.as_str(), step.purpose, step.kept))
        .collect();
    assert_eq!(
        all,
        [
            ("2 + 2 = 4", Purpose::Draft, true),
            ("4 + 3 = 8", Purpose::Draft, false),
            ("4 + 3 = 7", Purpose::Regenerated, true),
            ("\\boxed{7}", Purpose::Draft, true),
        ]
    );
    let made = decisions(&bench);
    let actions: Vec<&str> = made.iter().map(|d| d.action.as_str()).collect();
    assert_eq!(actions, ["small", "large", "small"]);
    for (decision, draft) in made.iter().zip([0, 1, 3]) {
        assert_eq!(decision.draft.as_ref(), Some(&steps(&bench)[draft].id));
    }
    assert_eq!(made[1].observation["prm_score"], Some(0.69));
    // The rejected draft and its regeneration stand at the same place.
    assert_eq!(steps(&bench)[1].parent, steps(&bench)[2].parent);
    assert_eq!(made[1].after, steps(&bench)[0].id.clone().into());
    assert_eq!(steps(&bench)[2].decision.as_ref(), Some(&made[1].id));

    // Every call read 10 tokens and wrote 5; every score read 20, 10 of them
    // cached, and wrote 1 by a model of 100 parameters. Published: three kept
    // steps of the small model, of which two, and one of the large.
    let outcome = bench.session.outcome().unwrap();
    let published = 2.0 * (2.0 * 5.0 * 1.0 + 5.0 * 10.0);
    let calls = 2.0 * (3.0 * 15.0 * 1.0 + 15.0 * 10.0);
    let prm = 3.0 * 2.0 * 100.0 * 11.0;
    assert_eq!(outcome.cost.published, Some(published));
    assert_eq!(outcome.cost.full, Some(calls + prm));
    assert_eq!(bench.session.cost_of_all().full(), outcome.cost.full);
}

/// A judge's output tokens are in the published cost; no score is a rejection;
/// the first step is the large model's, unjudged.
#[test]
fn specreason_takes_no_score_for_a_rejection_and_leaves_first_steps_alone() {
    let mut bench = Bench::new("specreason:tau=7,first=1", 12);
    bench.command(Command::Run);
    assert_eq!(bench.pending.as_ref().map(|call| call.model), Some(1));
    bench.reply(step("2 + 2 = 4", 0.9));
    bench.reply(step("4 + 3 = 8", 0.9));
    bench.score(None);
    assert_eq!(bench.pending.as_ref().map(|call| call.model), Some(1));
    bench.reply(step("\\boxed{7}", 0.9));
    let made = decisions(&bench);
    assert_eq!(made.len(), 1);
    assert!(made[0].reason.contains("no score"), "{}", made[0].reason);
    let outcome = bench.session.outcome().unwrap();
    let large = 2.0 * 10.0 * (5.0 + 5.0);
    let judge = 2.0 * 100.0 * 1.0;
    assert_eq!(outcome.cost.published, Some(large + judge));
    assert!(outcome.cost.published < outcome.cost.full);
}

/// A rule that reads questions, as `query` does, without its trained file: the
/// large model from a score of one half on.
struct Halves;

impl Router for Halves {
    fn facts(&self) -> RouterFacts {
        RouterFacts {
            spec: "halves".into(),
            name: "query".into(),
            parameters: BTreeMap::new(),
            files: BTreeMap::new(),
        }
    }

    fn timing(&self) -> Timing {
        Timing::OnQuestion
    }

    fn choose(&self, score: Option<f64>, models: usize) -> Choice {
        let large = score.is_none_or(|score| score >= 0.5);
        Choice::kept(if large { models - 1 } else { 0 })
    }

    fn decide(&self, _: &Observation, _: f64) -> Choice {
        unreachable!("it decides once, on the question")
    }
}

fn on_question() -> Bench {
    let mut run = run("small", 12);
    run.router = Halves.facts();
    let engine = Engine {
        router: Arc::new(Halves),
        grader: Arc::new(RuleGrader),
        who: "ada".into(),
    };
    Bench::of(Session::new(Settings::live(run, engine), problem()))
}

/// The question's score decides for the whole answer; it is asked once, and
/// charged in the full ledger.
#[test]
fn a_question_is_read_once_and_its_model_writes_the_whole_answer() {
    let mut bench = on_question();
    bench.command(Command::Run);
    bench.score(Some(0.7));
    bench.reply(step("2 + 2 = 4", 0.9));
    bench.reply(step("\\boxed{7}", 0.9));
    assert_eq!(bench.path(), ["large: 2 + 2 = 4", "large: \\boxed{7}"]);
    assert_eq!(decisions(&bench).len(), 1);
    assert_eq!(decisions(&bench)[0].after, None);
    assert_eq!(scores(&bench)[0].step, None);
    let cost = &bench.session.outcome().unwrap().cost;
    assert_eq!(cost.published, Some(2.0 * 10.0 * 10.0));
    assert_eq!(cost.full, Some(2.0 * 10.0 * 30.0 + 2.0 * 100.0 * 11.0));
}

/// An empty first step has another model asked; the choice for the problem
/// stands.
#[test]
fn an_empty_step_does_not_change_who_writes_the_answer() {
    let mut bench = on_question();
    bench.command(Command::Run);
    bench.score(Some(0.2));
    bench.reply(empty());
    assert_eq!(bench.pending.as_ref().map(|call| call.model), Some(1));
    bench.reply(step("2 + 2 = 4", 0.9));
    assert_eq!(bench.pending.as_ref().map(|call| call.model), Some(0));
}

/// A person who chooses the first writer has not chosen for the whole answer:
/// the question is read before the next step.
#[test]
fn a_question_that_a_person_went_past_is_read_at_the_next_step() {
    let mut bench = on_question();
    bench.command(Command::Override { model: 0 });
    bench.reply(step("2 + 2 = 4", 0.9));
    assert!(bench.asked.is_none());
    bench.command(Command::Run);
    bench.score(Some(0.9));
    assert_eq!(bench.pending.as_ref().map(|call| call.model), Some(1));
    assert_eq!(
        bench.pending.as_ref().unwrap().request.prefix,
        "2 + 2 = 4\n\n"
    );
    bench.reply(step("\\boxed{7}", 0.9));
    assert_eq!(bench.path(), ["small: 2 + 2 = 4", "large: \\boxed{7}"]);
}

/// More than a scorer can read is no score: a rejection, not an end.
#[test]
fn what_a_scorer_cannot_read_is_a_rejection() {
    let mut bench = Bench::new("rsd:delta=0.7", 12);
    bench.command(Command::Run);
    bench.reply(step("2 + 2 = 4", 0.9));
    bench.fail_score(FailureKind::Context);
    assert_eq!(bench.pending.as_ref().map(|call| call.model), Some(1));
    assert!(
        scores(&bench)[0]
            .note
            .as_ref()
            .unwrap()
            .contains("it broke")
    );
    assert_eq!(scores(&bench)[0].value, None);
}

/// A step that was written again is where an escalation is.
#[test]
fn a_run_until_an_escalation_stops_at_what_was_written_again() {
    let mut bench = Bench::new("rsd:delta=0.7", 12);
    bench.command(Command::RunUntil(until("escalation")));
    bench.reply(step("2 + 2 = 4", 0.9));
    bench.score(Some(0.9));
    bench.reply(step("4 + 3 = 8", 0.9));
    bench.score(Some(0.1));
    bench.reply(step("4 + 3 = 7", 0.9));
    assert!(bench.pending.is_none() && bench.asked.is_none());
    assert_eq!(bench.path().len(), 2);
}

/// The rejected draft itself, run again, is a draft again.
#[test]
fn a_rejected_draft_is_drafted_and_looked_at_again() {
    let mut bench = Bench::new("rsd:delta=0.7", 12);
    bench.command(Command::Step);
    bench.reply(step("2 + 2 = 5", 0.9));
    bench.score(Some(0.1));
    bench.reply(step("2 + 2 = 4", 0.9));
    let draft = bench.session.tree().drafts(None)[0];
    bench.command(Command::Goto(Some(draft)));
    bench.command(Command::Rerun);
    let call = bench.pending.as_ref().unwrap();
    assert_eq!((call.model, call.request.role), (0, Role::Draft));
    bench.reply(step("so 4", 0.9));
    bench.score(Some(0.9));
    assert_eq!(bench.path(), ["small: so 4"]);
}

/// A person's text in place of a kept draft is no draft, and was not ruled on.
#[test]
fn an_edited_draft_is_a_persons_and_nothing_was_rejected_for_it() {
    let mut bench = Bench::new("rsd:delta=0.7", 12);
    bench.command(Command::Step);
    bench.reply(step("2 + 2 = 4", 0.9));
    bench.score(Some(0.9));
    bench.command(Command::Edit {
        text: "it is 4".into(),
    });
    let node = bench.session.cursor().unwrap();
    assert_eq!(bench.session.tree().node(node).step.decision, None);
    assert_eq!(bench.session.ruling_on(node), None);
    assert_eq!(bench.session.draft_of(node), None);
}

/// The coin of a ruling that was lost is thrown again as it fell.
#[test]
fn a_lost_ruling_by_a_coin_is_made_again_as_it_was() {
    for score in [0.2, 0.5, 0.8] {
        let mut whole = Bench::new("rsd:accept=clip", 12);
        whole.command(Command::Step);
        whole.reply(step("2 + 2 = 4", 0.9));
        whole.score(Some(score));
        let Some(ruling) = decisions(&whole).first().copied().cloned() else {
            panic!("ruled");
        };
        let draft = ruling.draft.clone().unwrap();
        if whole
            .log
            .iter()
            .any(|r| matches!(r, Record::Step(s) if s.id == draft && s.kept))
        {
            continue;
        }
        let cut = whole
            .log
            .iter()
            .position(|r| matches!(r, Record::Decision(_)))
            .unwrap();
        let tree = Tree::from_records("run", "p1", whole.log[..cut].to_vec());
        let session = Session::open(live("rsd:accept=clip", 12), problem(), tree);
        let mut again = Bench::of(session);
        again.command(Command::Step);
        assert_eq!(
            decisions(&again),
            [&ruling],
            "the very decision, score {score}"
        );
        return;
    }
    panic!("no draft was rejected");
}

#[test]
fn a_failed_scorer_keeps_the_draft_and_what_it_cost_and_can_be_tried_again() {
    let mut bench = Bench::new("rsd:delta=0.7", 12);
    bench.command(Command::Run);
    bench.reply(step("2 + 2 = 5", 0.9));
    bench.fail_score(FailureKind::Server);
    assert!(matches!(bench.session.phase(), Phase::Failed { .. }));
    let lost = steps(&bench)[0];
    assert_eq!((lost.kept, lost.text.as_str()), (false, "2 + 2 = 5"));
    assert_eq!(lost.attempts[0].role, Role::Draft);
    assert_eq!(lost.attempts[0].usage.output, 5);
    assert_eq!(scores(&bench)[0].value, None);
    assert!(decisions(&bench).is_empty());
    let seed = lost.seed;
    bench.command(Command::Retry);
    assert_eq!(bench.pending.as_ref().unwrap().request.seed, seed);
    bench.reply(step("2 + 2 = 4", 0.9));
    bench.score(Some(1.0));
    assert_eq!(bench.path(), ["small: 2 + 2 = 4"]);
    // Two drafts were paid for, one stands.
    let cost = bench.session.cost_of_all();
    assert_eq!(cost.published(), Some(2.0 * 5.0));
    assert_eq!(cost.full(), Some(2.0 * 30.0 + 2.0 * 100.0 * 11.0));
}

#[test]
fn a_score_can_be_cancelled_and_a_stale_one_changes_nothing() {
    let mut bench = Bench::new("rsd:delta=0.7", 12);
    bench.command(Command::Step);
    bench.reply(step("2 + 2 = 5", 0.9));
    assert!(bench.session.is_generating());
    assert_eq!(bench.session.in_flight().unwrap().scorer, Some("prm"));
    let stale = bench.asked.take().unwrap();
    bench.command(Command::Cancel);
    assert_eq!(bench.session.phase(), &Phase::Ready);
    assert!(!steps(&bench)[0].kept);
    let event = crate::session::Event::Scored {
        generation: stale.generation,
        score: Box::default(),
    };
    assert!(bench.session.event(event, NOW).is_empty());
}

/// A killed writer may lose any tail of the log: whatever is left is gone on
/// with to the same trajectory.
#[test]
fn a_log_that_is_cut_anywhere_ends_the_same() {
    let play = |bench: &mut Bench| {
        let mut rounds = 0;
        loop {
            rounds += 1;
            assert!(rounds < 40, "{:?}", bench.order);
            if let Some(call) = &bench.pending {
                let text = match (call.request.prefix.lines().count(), call.model) {
                    (0, _) => "2 + 2 = 4",
                    (_, 0) if !call.request.prefix.contains('8') => "4 + 3 = 8",
                    (2, _) => "4 + 3 = 7",
                    _ => "\\boxed{7}",
                };
                let text = if call.request.prefix.contains("= 7") {
                    "\\boxed{7}"
                } else {
                    text
                };
                bench.reply(step(text, 0.9));
            } else if let Some(ask) = &bench.asked {
                let crate::session::About::Draft { case, .. } = &ask.about else {
                    panic!("a draft");
                };
                let value = if case.step.contains('8') { 0.1 } else { 0.9 };
                bench.score(Some(value));
            } else {
                break;
            }
        }
    };
    let mut whole = Bench::new("rsd:delta=0.7", 12);
    whole.command(Command::Run);
    play(&mut whole);
    let wanted = whole.path();
    assert_eq!(wanted.len(), 3, "{wanted:?}");
    for cut in 0..whole.log.len() {
        let tree = Tree::from_records("run", "p1", whole.log[..cut].to_vec());
        let mut bench = Bench::of(Session::open(live("rsd:delta=0.7", 12), problem(), tree));
        if let Ok(outputs) = bench.session.command(Command::Run, NOW) {
            bench.take(outputs);
            play(&mut bench);
        }
        assert_eq!(bench.path(), wanted, "cut at {cut}");
        let verdict = bench.session.outcome().map(|outcome| outcome.verdict);
        assert_eq!(verdict, whole.session.outcome().map(|o| o.verdict));
    }
}

#[test]
fn a_kept_draft_is_drafted_again_and_a_regenerated_step_by_its_writer() {
    let mut bench = Bench::new("rsd:delta=0.7", 12);
    bench.command(Command::Step);
    bench.reply(step("2 + 2 = 4", 0.9));
    bench.score(Some(0.9));
    bench.command(Command::Rerun);
    bench.reply(step("so 4", 0.9));
    bench.score(Some(0.2));
    bench.reply(step("again 4", 0.9));
    assert_eq!(bench.path(), ["large: again 4"]);
    bench.command(Command::Rerun);
    assert_eq!(bench.pending.as_ref().map(|call| call.model), Some(1));
    bench.reply(step("once more 4", 0.9));
    assert!(bench.asked.is_none());
    let last = steps(&bench).last().copied().unwrap();
    assert_eq!((last.purpose, last.kept), (Purpose::Regenerated, true));
    // A person's choice is not looked at.
    bench.command(Command::Override { model: 0 });
    bench.reply(step("4 + 3 = 9", 0.9));
    assert!(bench.asked.is_none());
    assert_eq!(steps(&bench).last().unwrap().purpose, Purpose::Step);
}
