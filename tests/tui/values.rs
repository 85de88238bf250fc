//! The screen of values and the regrets of the table: keys in, pictures out.

use pointsman::app::Screen;

use crate::screens::{draw_dark, text};
use crate::stage::{ANSWER, Stage, live, problems, run, say};
use crate::tables::two_runs;

#[test]
fn what_each_model_led_to_is_shown_step_by_step() {
    let (mut stage, _folder) = two_runs();
    stage.keys("V");
    assert_eq!(stage.model.view.screen, Screen::Values);
    for size in [(80, 24), (120, 40), (200, 60)] {
        let name = format!("values-{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, text(&draw_dark(&mut stage, size)));
    }
    // What a right answer is worth turns the gain around.
    let (choice, after) = stage.model.valued_choice().unwrap();
    assert_eq!(after, 0, "before the first step");
    assert!(choice.regret(None).is_none(), "both runs began alike");
    stage.keys("2 j");
    let (choice, after) = stage.model.valued_choice().unwrap();
    assert_eq!(after, 2);
    let known: Vec<bool> = choice.actions.iter().map(Option::is_some).collect();
    assert_eq!(known, [true, true], "one from each run");
    stage.keys("$");
    stage.type_text("cheap");
    stage.keys("enter");
    let picture = text(&draw_dark(&mut stage, (80, 24)));
    assert!(picture.contains("is no amount above 0"), "{picture}");
    stage.keys("ctrl-u");
    stage.type_text("5M");
    stage.keys("enter");
    assert_eq!(stage.model.values.worth, Some(5e6));
    stage.keys("enter");
    assert_eq!(stage.model.view.screen, Screen::Inspector);
    assert_eq!(stage.at(), 2, "the step under the cursor");
    let picture = text(&draw_dark(&mut stage, (120, 40)));
    assert!(picture.contains("What each model led to"), "{picture}");
    stage.keys("V esc");
    assert_eq!(stage.model.view.screen, Screen::Inspector);
}

#[test]
fn the_table_shows_and_sorts_by_regret() {
    let (mut stage, _folder) = two_runs();
    stage.keys("P z");
    let control = stage.model.values.regrets.unwrap();
    assert!(control.decisions > 0);
    let picture = text(&draw_dark(&mut stage, (120, 40)));
    assert!(picture.contains("regret"), "{picture}");
    stage.keys("o ctrl-u");
    stage.type_text("-max(regret)");
    stage.keys("enter");
    let table = &stage.model.table;
    let regrets: Vec<f64> = table
        .order
        .iter()
        .map(|&place| stage.model.survey.view(place as usize).regret())
        .map(|regret| regret.unwrap_or(-1.0))
        .collect();
    assert_eq!(regrets.len(), 6);
    assert!(regrets.is_sorted_by(|a, b| a >= b), "{regrets:?}");
    assert!(regrets[0] >= 0.0, "of some of them something is known");
}

#[test]
fn where_one_model_wrote_the_screen_says_what_would_help() {
    let cues = [say("2 + 2 = 4", 0.9), say(ANSWER, 0.9)];
    let mut stage = Stage::on(live(run("small", 4)), problems(), cues);
    stage.keys("c");
    stage.settle();
    stage.keys("V");
    let picture = text(&draw_dark(&mut stage, (80, 24)));
    assert!(picture.contains("what one model wrote here"), "{picture}");
    assert!(picture.contains("explore"), "{picture}");
}
