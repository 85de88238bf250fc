//! The training screen over a log of sixty iterations.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use pointsman::app::action::Action;
use pointsman::app::training::{Progress, Training, TrainingMsg};
use pointsman::train::log::TrainingLog;
use pointsman::tui::input::keymap::{Keymap, Pending};
use pointsman::tui::theme::{ColorDepth, Themes};
use pointsman::tui::training::draw;

use crate::screens::{assert_picture, text};

const SIZES: [(u16, u16); 4] = [(80, 24), (120, 40), (200, 60), (44, 14)];

fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/training.jsonl")
}

fn opened(path: &Path) -> Training {
    let mut screen = Training::new("run".into(), false);
    let log = TrainingLog::open(path).unwrap();
    screen.update(TrainingMsg::Opened(Box::new(log)));
    screen
}

fn act(screen: &mut Training, action: Action, count: Option<u32>) {
    screen.update(TrainingMsg::Action { action, count });
}

fn picture(screen: &Training, (width, height): (u16, u16), depth: ColorDepth) -> Buffer {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    let theme = Themes::new(None).load("dark", depth).theme;
    let (keymap, pending) = (Keymap::default(), Pending::default());
    draw(area, &mut buffer, screen, &theme, &keymap, &pending);
    buffer
}

#[test]
fn a_run_looks_as_it_should() {
    let mut screen = opened(&recorded());
    assert_eq!(screen.progress, Progress::Finished);
    for size in SIZES {
        let name = format!("training-{}x{}", size.0, size.1);
        assert_picture(&name, &text(&picture(&screen, size, ColorDepth::TrueColor)));
    }
    act(&mut screen, Action::First, Some(20));
    let back = picture(&screen, (120, 40), ColorDepth::TrueColor);
    assert_picture("training-back-120x40", &text(&back));
    act(&mut screen, Action::Help, None);
    let help = picture(&screen, (80, 24), ColorDepth::TrueColor);
    assert_picture("training-help-80x24", &text(&help));
}

#[test]
fn without_colour_decisions_are_told_by_attributes() {
    let screen = opened(&recorded());
    for size in SIZES {
        let buffer = picture(&screen, size, ColorDepth::None);
        for cell in &buffer.content {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{size:?}");
        }
    }
    let buffer = picture(&screen, (120, 40), ColorDepth::None);
    let bold = |cell: &&ratatui::buffer::Cell| cell.modifier.contains(Modifier::BOLD);
    assert!(buffer.content.iter().filter(bold).count() > 10);
}

#[test]
fn the_cursor_moves_over_the_iterations_and_comes_back_to_the_last() {
    let mut screen = opened(&recorded());
    let shown = |screen: &Training| screen.shown().unwrap().iteration;
    assert_eq!(shown(&screen), 59);
    act(&mut screen, Action::Left, None);
    assert_eq!(shown(&screen), 58);
    act(&mut screen, Action::Up, Some(2));
    assert_eq!(shown(&screen), 38);
    act(&mut screen, Action::First, None);
    assert_eq!(
        (shown(&screen), screen.surface().unwrap().iteration),
        (0, 0)
    );
    act(&mut screen, Action::PageDown, None);
    assert_eq!((shown(&screen), screen.cursor), (59, None));
    act(&mut screen, Action::First, Some(500));
    assert_eq!(shown(&screen), 59);
    act(&mut screen, Action::BackLevel, None);
    assert_eq!(screen.cursor, None);
}

#[test]
fn a_log_is_followed_as_it_grows_and_damage_is_counted() {
    let whole = std::fs::read_to_string(recorded()).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("training.jsonl");
    std::fs::write(&path, lines[..20].concat()).unwrap();
    let mut screen = opened(folder.path());
    assert_eq!(screen.progress, Progress::Open);
    let before = screen.last().unwrap();
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap();
    let mut grow = |text: &str, screen: &mut Training| {
        file.write_all(text.as_bytes()).unwrap();
        let grown = screen.log.as_mut().unwrap().follow(folder.path()).unwrap();
        screen.grown();
        grown
    };
    // Half a line is none yet.
    let (half, rest) = lines[20].split_at(40);
    assert!(!grow(half, &mut screen));
    assert_eq!(screen.last(), Some(before));
    assert!(grow(rest, &mut screen));
    assert_eq!(screen.last(), Some(before + 1));
    assert!(grow("{\"record\": \"iter\n", &mut screen));
    assert!(grow(&lines[21..].concat(), &mut screen));
    assert_eq!(screen.progress, Progress::Finished);
    let log = screen.log.unwrap();
    assert_eq!((log.iterations.len(), log.damaged.clone()), (60, vec![22]));
    let reference = TrainingLog::open(&recorded()).unwrap();
    assert_eq!(log.iterations, reference.iterations);
    // Another run in its place is read anew, not on top of it.
    std::fs::write(&path, lines[..10].concat()).unwrap();
    let mut log = log;
    assert!(log.follow(folder.path()).unwrap());
    assert!(log.iterations.len() < 10 && log.end.is_none() && log.damaged.is_empty());
}

#[test]
fn what_is_no_training_log_is_refused() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("training.jsonl");
    let told = |path: &Path| TrainingLog::open(path).unwrap_err().to_string();
    assert!(told(folder.path()).contains("cannot read"));
    std::fs::write(&path, "{\"record\":\"run\"}\n").unwrap();
    assert!(told(&path).contains("no training log"));
    std::fs::write(&path, "").unwrap();
    assert!(told(&path).contains("no training log"));
}

#[test]
fn no_size_makes_the_training_screen_panic() {
    let mut screen = opened(&recorded());
    for width in [1, 2, 39, 40, 41, 60, 75, 76, 80, 109, 110, 121, 160, 240] {
        for height in [1, 2, 11, 12, 13, 16, 20, 24, 30, 40, 70] {
            screen.help = (width + height) % 2 == 0;
            picture(&screen, (width, height), ColorDepth::TrueColor);
        }
    }
}
