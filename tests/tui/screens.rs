//! Pictures of every state, at sizes people have.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use pointsman::model::endpoint::FailureKind;
use pointsman::problem::Problem;
use pointsman::tui::screens::{self, ViewCache};
use pointsman::tui::text::width;
use pointsman::tui::theme::{ColorDepth, Theme, Themes};

use crate::scenes::SCENES;
use crate::stage::{Cue, Heard, Stage, live, run, say};

const SIZES: [(u16, u16); 6] = [(80, 24), (100, 30), (120, 40), (200, 60), (60, 20), (25, 6)];
/// Scenes that are pictured at every size; the others at two.
const EVERY_SIZE: [&str; 4] = ["steps", "latex", "tree", "help"];

pub fn theme(name: &str, depth: ColorDepth) -> Theme {
    Themes::new(None).load(name, depth).theme
}

/// Draws as the screen's loop does, scroll positions included.
pub fn draw(stage: &mut Stage, (width, height): (u16, u16), theme: &Theme) -> Buffer {
    stage.hear(Heard::Resize(width, height));
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    let drawn = screens::draw(
        area,
        &mut buffer,
        &stage.model,
        theme,
        &stage.keymap,
        &stage.pending,
        &mut ViewCache::default(),
    );
    stage.model.view.text_top = drawn.text.top;
    stage.model.view.text_last = drawn.text.last;
    stage.model.view.decision_last = drawn.decision_last;
    stage.model.view.layer_last = drawn.layer_last;
    buffer
}

/// Draws in the default theme.
pub fn draw_dark(stage: &mut Stage, size: (u16, u16)) -> Buffer {
    draw(stage, size, &theme("dark", ColorDepth::TrueColor))
}

fn rows(buffer: &Buffer) -> impl Iterator<Item = &[Cell]> {
    buffer.content.chunks(usize::from(buffer.area.width).max(1))
}

/// What can be read, row by row. The cell after a wide character is not.
pub fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for row in rows(buffer) {
        let mut line = String::new();
        let mut skip = 0;
        for cell in row {
            if skip == 0 {
                line.push_str(cell.symbol());
                skip = width::of(cell.symbol()).saturating_sub(1);
            } else {
                skip -= 1;
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The styles of a picture: for each row its runs of one style.
fn styles(buffer: &Buffer) -> String {
    let mut out = String::new();
    for (number, row) in rows(buffer).enumerate() {
        let mut runs: Vec<(String, usize)> = Vec::new();
        for cell in row {
            let style = told(cell);
            match runs.last_mut() {
                Some((last, count)) if *last == style => *count += 1,
                _ => runs.push((style, 1)),
            }
        }
        let runs: Vec<String> = runs
            .iter()
            .map(|(style, count)| format!("{count}×{style}"))
            .collect();
        out.push_str(&format!("{number:>2} {}\n", runs.join(" ")));
    }
    out
}

fn told(cell: &Cell) -> String {
    let color = |color: Color| match color {
        Color::Reset => "-".to_owned(),
        Color::Rgb(r, g, b) => format!("{r:02x}{g:02x}{b:02x}"),
        other => format!("{other:?}"),
    };
    let mut style = format!("{}/{}", color(cell.fg), color(cell.bg));
    for (name, _) in cell.modifier.iter_names() {
        style.push('+');
        style.push_str(&name.to_lowercase());
    }
    style
}

pub fn assert_picture(name: &str, picture: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, picture));
}

#[test]
fn every_state_looks_as_it_should() {
    let dark = theme("dark", ColorDepth::TrueColor);
    for (name, scene) in SCENES {
        for size in SIZES {
            let everywhere = EVERY_SIZE.contains(name);
            if everywhere || size == (80, 24) || size == (120, 40) {
                let picture = text(&draw(&mut scene(), size, &dark));
                assert_picture(&format!("{name}-{}x{}", size.0, size.1), &picture);
            }
        }
    }
}

#[test]
fn colours_say_what_they_should() {
    for (name, scene) in SCENES {
        if ["steps", "search"].contains(name) {
            let dark = theme("dark", ColorDepth::TrueColor);
            let picture = styles(&draw(&mut scene(), (80, 24), &dark));
            assert_picture(&format!("{name}-80x24-dark-styles"), &picture);
            let mono = theme("dark", ColorDepth::None);
            let picture = styles(&draw(&mut scene(), (80, 24), &mono));
            assert_picture(&format!("{name}-80x24-mono-styles"), &picture);
        }
    }
}

#[test]
fn without_colour_attributes_carry_the_meaning() {
    // What `NO_COLOR` gives, whatever theme is asked for.
    let mono = theme("dark", ColorDepth::None);
    for (name, scene) in SCENES {
        for size in SIZES {
            let mut stage = scene();
            let buffer = draw(&mut stage, size, &mono);
            for cell in &buffer.content {
                assert_eq!(
                    (cell.fg, cell.bg),
                    (Color::Reset, Color::Reset),
                    "{name} {size:?}"
                );
            }
            let is_list = stage.model.session().is_some_and(|s| s.cursor().is_some());
            if is_list && size.0 >= 80 && stage.model.layers.is_empty() {
                let selected = buffer.content.iter().filter(|cell| {
                    cell.modifier
                        .intersects(Modifier::REVERSED | Modifier::UNDERLINED)
                });
                assert!(
                    selected.count() > 10,
                    "the selection of {name} at {size:?} is not seen"
                );
            }
        }
    }
}

#[test]
fn no_size_makes_the_screen_panic() {
    let dark = theme("dark", ColorDepth::TrueColor);
    let widths = [
        1, 2, 3, 5, 8, 13, 20, 29, 30, 31, 33, 40, 59, 60, 79, 80, 81, 99, 100, 119, 120, 121, 160,
        200,
    ];
    let heights = [1, 2, 3, 5, 7, 8, 9, 10, 12, 15, 16, 17, 20, 24, 30, 40, 60];
    for (number, (_, scene)) in SCENES.iter().enumerate() {
        let mut stage = scene();
        for (column, width) in widths.into_iter().enumerate() {
            for (row, height) in heights.into_iter().enumerate() {
                // A third of all pairs for each scene: together every pair.
                if (number + column + row) % 3 == 0 {
                    draw(&mut stage, (width, height), &dark);
                    stage.keys("tab");
                }
            }
        }
    }
}

/// What a model, a server or a file may send to a terminal.
pub const HOSTILE: &str = "\u{1b}[31mred\u{1b}[0m \u{1b}]52;c;ZXZpbA==\u{7} \u{1b}]0;title\u{1b}\\ \
     \u{9b}2J \u{202e}evil\u{202c} \u{2066}iso\u{2069} zero\u{200b}width\u{feff} \ttab\r\n\u{8}\u{7} \
     \u{90}q\u{9c} \u{61c}\u{200e}";

pub fn assert_clean(name: &str, buffer: &Buffer) {
    for (place, cell) in buffer.content.iter().enumerate() {
        for c in cell.symbol().chars() {
            let bad = c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}')
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{feff}' | '\u{61c}')
                || matches!(c, '\u{2028}' | '\u{2029}');
            let width = usize::from(buffer.area.width);
            assert!(!bad, "{name}: {c:?} at {},{}", place % width, place / width);
        }
    }
    let read = text(buffer);
    for junk in ["[31m", "52;c", "]0;title", "2J ", "ZXZpbA"] {
        assert!(
            !read.contains(junk),
            "{name}: the rest of a sequence: {junk}\n{read}"
        );
    }
}

fn hostile_stage(cues: impl IntoIterator<Item = Cue>) -> Stage {
    let problem = Problem {
        id: format!("id{HOSTILE}"),
        question: format!("{HOSTILE}\n\nWhat?"),
        gold: Some(HOSTILE.into()),
        difficulty: Some(1.0),
        domain: Some(HOSTILE.into()),
        source: HOSTILE.into(),
    };
    let mut run = run("threshold:t=0.6", 12);
    run.pool[0].name = format!("small{HOSTILE}");
    run.pool[1].name = format!("large{HOSTILE}");
    let mut stage = Stage::on(live(run), vec![problem], cues);
    stage.model.log_name = HOSTILE.into();
    stage
}

#[test]
fn hostile_text_never_reaches_the_terminal() {
    let long = format!("{HOSTILE}{}", "$x$ long ".repeat(5_600));
    let leaked: &'static str = Box::leak(long.clone().into_boxed_str());
    let mut stage = hostile_stage([
        say(leaked, 0.4),
        Cue::Fail(FailureKind::Malformed, HOSTILE),
        say(HOSTILE, 0.9),
        Cue::Hang(vec![HOSTILE]),
        say(&format!("{HOSTILE} \\boxed{{{HOSTILE}}}"), 0.9),
    ]);
    let dark = theme("dark", ColorDepth::TrueColor);
    let plain = theme("mono", ColorDepth::None);
    let script = [
        "tab", "space", "space", "R", "space", "v", "z", "esc", "o", "enter", "T", "T", "ctrl-p",
        "esc", "P", "L", "esc", "C", "esc", "/", "esc", "?", "esc", ":", "esc", "b", "gg",
    ];
    for keys in script {
        stage.keys(keys);
        for (size, theme) in [((80, 24), &dark), ((140, 40), &dark), ((50, 12), &plain)] {
            assert_clean(keys, &draw(&mut stage, size, theme));
        }
    }
    stage.keys("/");
    stage.paste(HOSTILE);
    assert_clean("paste", &draw(&mut stage, (100, 30), &dark));
    stage.keys("enter");
    assert_clean("notice", &draw(&mut stage, (100, 30), &dark));
    stage.keys("ctrl-p");
    stage.paste(HOSTILE);
    assert_clean("picker", &draw(&mut stage, (100, 30), &dark));
}

#[test]
fn hostile_text_reaches_no_screen_of_the_log_either() {
    let ends = format!("{HOSTILE} \\boxed{{{HOSTILE}}}");
    let mut stage = hostile_stage([
        say(HOSTILE, 0.4),
        say(&ends, 0.9),
        say(HOSTILE, 0.5),
        say(&ends, 0.9),
    ]);
    // Two branches: one is written again.
    stage.keys("c k r c");
    let dark = theme("dark", ColorDepth::TrueColor);
    let plain = theme("mono", ColorDepth::None);
    let script = [
        "V", "j", "esc", "a", "tab", "tab", "tab", "tab", "tab", "esc", "t", "esc", "D", "d", "v",
        "esc", "L", "m", "esc", "P", "z", "esc", "A", "1", "x", "esc", "x", "W", "esc", "f5", "T",
    ];
    for keys in script {
        stage.keys(keys);
        for (size, theme) in [((80, 24), &dark), ((200, 60), &dark), ((50, 12), &plain)] {
            let name = format!("{keys} on {:?}", stage.model.view.screen);
            assert_clean(&name, &draw(&mut stage, size, theme));
        }
    }
    stage.keys("f5 w");
    stage.paste(HOSTILE);
    assert_clean("watch", &draw(&mut stage, (100, 30), &dark));
}

#[test]
fn scrolling_stops_at_both_ends() {
    let dark = theme("dark", ColorDepth::TrueColor);
    let long = "a line of the step\n".repeat(200);
    let mut stage = Stage::new([say(&long, 0.9)]);
    stage.keys("space tab");
    let size = (80, 24);
    draw(&mut stage, size, &dark);
    stage.keys("9 9 9 j");
    let last = stage.model.view.text_last;
    assert_eq!(stage.model.view.text_scroll, Some(last));
    stage.keys("k");
    assert_eq!(stage.model.view.text_scroll, Some(last - 1));
    stage.keys("gg k");
    assert_eq!(stage.model.view.text_scroll, Some(0));
    stage.keys("? 9 9 j");
    draw(&mut stage, size, &dark);
    stage.keys("G");
    let end = text(&draw(&mut stage, size, &dark));
    stage.keys("j j j k");
    let before = text(&draw(&mut stage, size, &dark));
    assert_ne!(end, before, "one line up from the end is seen at once");
    stage.keys("gg");
    let begin = text(&draw(&mut stage, size, &dark));
    stage.keys("k");
    assert_eq!(begin, text(&draw(&mut stage, size, &dark)));
}

#[test]
fn a_branch_being_written_stands_where_it_will_be() {
    let (_, scene) = SCENES
        .iter()
        .find(|(name, _)| *name == "rerun-streaming")
        .unwrap();
    let dark = theme("dark", ColorDepth::TrueColor);
    let mut stage = scene();
    let picture = text(&draw(&mut stage, (120, 40), &dark));
    assert!(picture.contains("4 + 3 = 7"), "{picture}");
    assert!(
        !picture.contains("8 is the sum"),
        "the replaced step is left out\n{picture}"
    );
    stage.keys("G");
    let picture = text(&draw(&mut stage, (120, 40), &dark));
    assert!(
        picture.contains("8 is the sum"),
        "who looks at it sees it\n{picture}"
    );
    assert!(!picture.contains("is writing"), "{picture}");
}
