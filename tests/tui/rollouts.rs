//! Rollouts in the live inspector: keys in, calls and pictures out.

use pointsman::app::{Layer, Screen};
use pointsman::model::endpoint::FailureKind;
use pointsman::problem::answer::Verdict;
use pointsman::survey::{Fact, Survey};
use pointsman::trace::record::Record;

use crate::screens::{draw_dark, text};
use crate::stage::{ANSWER, Cue, Stage, live, priced, problems, run, say};

const WRONG: &str = r"The answer is $\boxed{8}$.";

/// A trajectory of three steps by the small model that ends wrong, the cursor
/// on its first.
fn wrong() -> Stage {
    let cues = [
        say("2 + 2 = 4", 0.9),
        say("4 + 4 = 8", 0.9),
        say(WRONG, 0.9),
    ];
    let mut stage = Stage::on(live(run("threshold:t=0.6", 6)), problems(), cues);
    stage.keys("c");
    stage.settle();
    stage.keys("g g j");
    assert_eq!(stage.at(), 1);
    stage
}

/// One right rollout by the large model, one wrong one by the small one, twice.
fn cues() -> Vec<Cue> {
    let one = [
        say("4 + 4 = 8 again", 0.9),
        say(WRONG, 0.9),
        say("4 + 3 = 7", 0.9),
        say(ANSWER, 0.9),
    ];
    let mut two = one.to_vec();
    two.extend(one);
    two
}

#[test]
fn rollouts_are_asked_for_with_a_price_and_say_what_each_model_led_to() {
    let mut stage = wrong();
    let (path, calls) = (stage.followed(), stage.calls.len());
    stage.keys("2 Q");
    assert!(matches!(
        stage.model.layers.last(),
        Some(Layer::ConfirmRollouts(_))
    ));
    insta::assert_snapshot!(
        "rollouts-asked-80x24",
        text(&draw_dark(&mut stage, (80, 24)))
    );
    assert_eq!(stage.calls.len(), calls, "nothing before the answer");
    stage.keys("n");
    assert!(stage.model.layers.is_empty());
    assert_eq!(stage.calls.len(), calls);

    stage.cue(cues());
    stage.keys("2 Q y");
    stage.settle();
    let made = stage.calls[calls..].iter().map(|(_, call)| call.model);
    // In turns, and after the large model's step the router goes on.
    assert_eq!(made.collect::<Vec<_>>(), [0, 0, 1, 0, 0, 0, 1, 0]);
    assert_eq!(
        stage.notice(),
        "rollouts: tiny-small 0 of 2 right, tiny-large 2 of 2 right; V shows what that is worth"
    );
    assert_eq!((stage.at(), stage.followed()), (1, path));
    let (choice, _) = stage.model.valued_choice().unwrap();
    let [small, large] = choice.actions[..] else {
        panic!("{choice:?}");
    };
    let (small, large) = (small.unwrap(), large.unwrap());
    // The trajectory itself is a draw of the small model too.
    assert_eq!((small.right, small.draws), (0.0, 3));
    assert_eq!((large.right, large.draws), (1.0, 2));
    assert_eq!(choice.taken, Some(0));
    stage.keys("V");
    assert_eq!(stage.model.view.screen, Screen::Values);
    insta::assert_snapshot!(
        "rollouts-values-80x24",
        text(&draw_dark(&mut stage, (80, 24)))
    );
    // From there as well; what is known by now makes the price.
    stage.keys("Q");
    let Some(Layer::ConfirmRollouts(quote)) = stage.model.layers.last() else {
        panic!("{:?}", stage.notice());
    };
    assert_eq!((quote.each, quote.models, quote.step), (3, 2, 1));
    assert!(quote.cost.unwrap() > 0.0);
}

/// What a survey says of the first problem, without its rollouts' own steps.
fn figures(records: &[Record]) -> (Option<Verdict>, usize, usize, Option<f64>) {
    let mut survey = Survey::default();
    for fact in records.iter().filter_map(Fact::of) {
        survey.add(fact);
    }
    let view = survey.view(0);
    let cost = view.outcome().and_then(|outcome| outcome.full);
    (view.verdict(), view.kept(), view.overrides(), cost)
}

#[test]
fn a_log_with_rollouts_says_the_same_of_its_trajectory() {
    let mut stage = wrong();
    let (before, line) = (figures(&stage.log), stage.logged(0).main_line());
    stage.cue(cues());
    stage.keys("2 Q y");
    stage.settle();
    assert_eq!(figures(&stage.log), before);
    assert_eq!(stage.logged(0).main_line(), line);
    assert_eq!(&stage.logged(0), stage.session().tree());
    assert_eq!(stage.model.verdict(0), Some(Verdict::Wrong));
    assert!(stage.logged(0).faults().is_empty());
}

#[test]
fn rollouts_are_stopped_and_say_how_far_they_got() {
    let mut stage = wrong();
    stage.cue([
        say("4 + 4 = 8 again", 0.9),
        say(WRONG, 0.9),
        Cue::Hang(vec!["4 +"]),
    ]);
    stage.keys("2 Q y");
    let picture = text(&draw_dark(&mut stage, (80, 24)));
    assert!(picture.contains("rollout 2 of 4"), "{picture}");
    stage.keys("Q");
    assert!(
        stage.notice().contains("cancel it first"),
        "{}",
        stage.notice()
    );
    stage.keys("esc");
    assert_eq!(
        stage.notice(),
        "stopped at rollout 2 of 4: tiny-small 0 of 1 right, tiny-large nothing"
    );
    assert!(stage.open_calls.is_empty());
    assert!(!stage.model.is_generating());
    assert_eq!(stage.model.rollouts.progress(), None);
    assert_eq!(stage.at(), 1);
}

#[test]
fn a_call_that_fails_stops_the_rest() {
    let mut stage = wrong();
    stage.cue([Cue::Fail(FailureKind::Configuration, "no such model")]);
    stage.keys("Q y");
    assert!(
        stage.notice().contains("no such model"),
        "{}",
        stage.notice()
    );
    assert_eq!(stage.model.rollouts.progress(), None);
    assert!(!stage.model.is_generating());
}

#[test]
fn rollouts_are_refused_where_they_make_no_sense() {
    let mut stage = wrong();
    stage.keys("2 0 0 Q");
    assert!(stage.notice().contains("1 to 100"), "{}", stage.notice());
    stage.keys("G Q");
    assert!(stage.notice().contains("ends here"), "{}", stage.notice());
    stage.keys("g g f5 Q");
    assert!(stage.model.layers.is_empty());
    assert!(!stage.notice().is_empty());
}

#[test]
fn money_is_asked_for_too() {
    let mut head = priced(run("threshold:t=0.6", 6));
    head.cost_unit = Some("USD".into());
    let cues = [say("2 + 2 = 4", 0.9)];
    let mut stage = Stage::on(live(head), problems(), cues);
    stage.keys("s");
    stage.settle();
    stage.keys("1 Q");
    let picture = text(&draw_dark(&mut stage, (80, 24)));
    assert!(picture.contains("USD"), "{picture}");
    assert!(picture.contains("a rough guess"), "{picture}");
}
