use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyEventState, KeyModifiers};
use proptest::prelude::*;

use super::keymap::{Keymap, Lookup, Pending};
use super::keys::{Code, Key, parse_chord, print_chord};
use crate::app::action::{ACTIONS, Action, Context};
use crate::config::KeyBinding;

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

/// Feeds a script of keys and gives what each came to.
fn feed(keymap: &Keymap, context: Context, script: &str) -> Vec<Lookup> {
    let mut pending = Pending::default();
    script
        .split(' ')
        .map(|text| keymap.feed(&mut pending, context, key(text), false))
        .collect()
}

fn last(context: Context, script: &str) -> Lookup {
    feed(&Keymap::default(), context, script).pop().unwrap()
}

const fn action(action: Action, count: Option<u32>) -> Lookup {
    Lookup::Action { action, count }
}

fn binding(context: &str, keys: &str, action: &str) -> KeyBinding {
    KeyBinding {
        context: context.to_owned(),
        keys: keys.to_owned(),
        action: action.to_owned(),
    }
}

#[test]
fn default_keys_parse_and_do_not_hide_each_other() {
    let keymap = Keymap::default();
    for info in ACTIONS {
        for (context, keys) in info.keys {
            for text in *keys {
                let chord = parse_chord(text).unwrap();
                assert_eq!(print_chord(&chord), *text);
                let mut pending = Pending::default();
                let found = chord
                    .iter()
                    .map(|k| keymap.feed(&mut pending, *context, *k, false))
                    .last();
                assert_eq!(found, Some(action(info.action, None)), "{context:?} {text}");
            }
        }
    }
    let (_, warnings) = Keymap::with_bindings(&[]);
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn the_promised_keys_hold() {
    for (keys, wanted) in [
        ("space", Action::Step),
        ("s", Action::Step),
        ("b", Action::Back),
        ("S", Action::Back),
        ("c", Action::Run),
        ("C", Action::RunUntil),
        ("o", Action::Override),
        ("e", Action::Edit),
        ("r", Action::Rerun),
        ("Q", Action::Rollouts),
        ("p", Action::Play),
        ("v", Action::Source),
        ("y", Action::Copy),
        ("m", Action::Mark),
        ("esc", Action::BackLevel),
        ("q", Action::Quit),
        ("?", Action::Help),
        (":", Action::Palette),
        ("/", Action::Search),
        ("n", Action::NextMatch),
        ("N", Action::PreviousMatch),
        ("] e", Action::NextEscalation),
        ("[ e", Action::PreviousEscalation),
        ("] x", Action::FirstError),
        ("g g", Action::First),
        ("G", Action::Last),
        ("down", Action::Down),
        ("j", Action::Down),
    ] {
        assert_eq!(
            last(Context::Inspector, keys),
            action(wanted, None),
            "{keys}"
        );
    }
}

#[test]
fn counts_go_to_actions_that_take_them() {
    assert_eq!(
        last(Context::Inspector, "1 2 j"),
        action(Action::Down, Some(12))
    );
    assert_eq!(
        last(Context::Inspector, "1 0 G"),
        action(Action::Last, Some(10))
    );
    assert_eq!(
        last(Context::Inspector, "5 ] e"),
        action(Action::NextEscalation, Some(5))
    );
    assert_eq!(last(Context::Inspector, "5 q"), action(Action::Quit, None));
    assert_eq!(
        last(Context::Inspector, "9 9 9 9 9 9 9 9 9 9 9 9 j"),
        action(Action::Down, Some(99_999))
    );
    assert_eq!(last(Context::Menu, "2"), Lookup::Unbound(key("2")));
    assert_eq!(last(Context::Inspector, "0"), Lookup::Unbound(key("0")));
}

#[test]
fn pending_keys_are_shown_and_escape_drops_them() {
    let keymap = Keymap::default();
    let mut pending = Pending::default();
    for (text, shown) in [("5", "5"), ("]", "5]")] {
        assert_eq!(
            keymap.feed(&mut pending, Context::Inspector, key(text), false),
            Lookup::Pending
        );
        assert_eq!(pending.shown(), shown);
    }
    let next = keymap.continuations(&pending, Context::Inspector);
    assert!(
        next.contains(&("e".to_owned(), Some(Action::NextEscalation))),
        "{next:?}"
    );
    assert_eq!(
        keymap.feed(&mut pending, Context::Inspector, key("esc"), false),
        Lookup::Pending
    );
    assert!(pending.is_empty());
    assert_eq!(last(Context::Inspector, "] 7"), Lookup::Unbound(key("7")));
}

#[test]
fn text_fields_take_text_and_let_control_keys_through() {
    assert_eq!(last(Context::Picker, "q"), Lookup::Text('q'));
    assert_eq!(last(Context::Palette, "5"), Lookup::Text('5'));
    assert_eq!(last(Context::TextInput, "space"), Lookup::Text(' '));
    assert_eq!(
        last(Context::TextInput, "ctrl-u"),
        action(Action::DeleteLine, None)
    );
    assert_eq!(
        last(Context::Picker, "ctrl-l"),
        action(Action::Redraw, None)
    );
    assert_eq!(
        last(Context::Picker, "ctrl-c"),
        action(Action::BackLevel, None)
    );
    assert_eq!(last(Context::Confirm, "q"), Lookup::Unbound(key("q")));
    assert_eq!(last(Context::Confirm, "y"), action(Action::Accept, None));
}

#[test]
fn held_keys_repeat_movement_only() {
    let keymap = Keymap::default();
    let mut pending = Pending::default();
    let mut held = |text: &str| keymap.feed(&mut pending, Context::Inspector, key(text), true);
    assert_eq!(held("j"), action(Action::Down, None));
    assert_eq!(held("o"), Lookup::Unbound(key("o")));
}

#[test]
fn user_keys_merge_over_the_defaults() {
    let (keymap, warnings) = Keymap::with_bindings(&[
        binding("inspector", "x", "override"),
        binding("global", "q", "none"),
        binding("global", "Z Z", "quit"),
    ]);
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(
        feed(&keymap, Context::Inspector, "x"),
        [action(Action::Override, None)]
    );
    assert_eq!(
        feed(&keymap, Context::Inspector, "q"),
        [Lookup::Unbound(key("q"))]
    );
    assert_eq!(
        feed(&keymap, Context::Tree, "Z Z").pop(),
        Some(action(Action::Quit, None))
    );
    assert_eq!(
        keymap.keys_for(Action::Override, Context::Inspector),
        ["x", "o"]
    );
    assert_eq!(keymap.keys_for(Action::Quit, Context::Inspector), ["ZZ"]);
    assert_eq!(
        keymap.keys_for(Action::Down, Context::Picker),
        ["down", "ctrl-n"]
    );
}

#[test]
fn keys_that_are_covered_are_not_offered() {
    let (keymap, _) = Keymap::with_bindings(&[binding("inspector", "j", "step")]);
    assert_eq!(keymap.keys_for(Action::Down, Context::Inspector), ["down"]);
    assert_eq!(keymap.keys_for(Action::Down, Context::Tree), ["j", "down"]);
    assert!(keymap.keys_for(Action::Quit, Context::TextInput).is_empty());
}

#[test]
fn faulty_bindings_are_warnings() {
    let (keymap, warnings) = Keymap::with_bindings(&[
        binding("inspectr", "x", "step"),
        binding("global", "ctlr-x", "quit"),
        binding("global", "x", "quitt"),
        binding("global", "5", "quit"),
        binding("global", "g", "quit"),
        binding("global", "f9", "none"),
        binding("inspector", "w", "step"),
        binding("inspector", "w", "back"),
        binding("inspector", "", "back"),
    ]);
    let all = warnings.join("\n");
    for part in [
        "did you mean `inspector`?",
        "`ctlr-x` is no key",
        "did you mean `quit`?",
        "digits are counts",
        "hides `gg`",
        "nothing was bound",
        "was bound to `step` before",
        "an empty key",
    ] {
        assert!(all.contains(part), "{part} not in\n{all}");
    }
    assert_eq!(
        feed(&keymap, Context::Inspector, "space"),
        [action(Action::Step, None)]
    );
}

#[test]
fn losing_the_way_out_is_a_warning() {
    let (_, warnings) = Keymap::with_bindings(&[
        binding("global", "q", "none"),
        binding("global", ":", "none"),
    ]);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("`quit`"));
}

#[test]
fn terminal_events_come_to_one_form() {
    let event = |code, modifiers| KeyEvent {
        code,
        modifiers,
        kind: KeyEventKind::Press,
        state: KeyEventState::NONE,
    };
    let read =
        |code, modifiers| Key::from_event(&event(code, modifiers)).map(|key| key.to_string());
    assert_eq!(
        read(KeyCode::Char('S'), KeyModifiers::SHIFT).as_deref(),
        Some("S")
    );
    assert_eq!(
        read(KeyCode::Char('s'), KeyModifiers::SHIFT).as_deref(),
        Some("S")
    );
    assert_eq!(
        read(KeyCode::Char('?'), KeyModifiers::SHIFT).as_deref(),
        Some("?")
    );
    assert_eq!(
        read(KeyCode::BackTab, KeyModifiers::SHIFT).as_deref(),
        Some("shift-tab")
    );
    assert_eq!(
        read(KeyCode::BackTab, KeyModifiers::NONE).as_deref(),
        Some("shift-tab")
    );
    assert_eq!(
        read(KeyCode::Char('d'), KeyModifiers::CONTROL).as_deref(),
        Some("ctrl-d")
    );
    assert_eq!(
        read(KeyCode::Char(' '), KeyModifiers::NONE).as_deref(),
        Some("space")
    );
    assert_eq!(read(KeyCode::CapsLock, KeyModifiers::NONE), None);
    let release = KeyEvent {
        kind: KeyEventKind::Release,
        ..event(KeyCode::Char('a'), KeyModifiers::NONE)
    };
    assert_eq!(Key::from_event(&release), None);
}

#[test]
fn notation_is_forgiving_and_clear() {
    assert_eq!(key("Ctrl-D"), key("ctrl-d"));
    assert_eq!(key("C-d"), key("ctrl-d"));
    assert_eq!(key("-"), Key::plain(Code::Char('-')));
    assert_eq!(key("ctrl-minus").to_string(), "ctrl-minus");
    assert_eq!(key("ctrl--"), key("ctrl-minus"));
    assert_eq!(parse_chord("gg").unwrap(), parse_chord("g g").unwrap());
    assert!(parse_chord("ecs").is_err());
    assert!(
        "shift-a"
            .parse::<Key>()
            .unwrap_err()
            .to_string()
            .contains("needs no shift")
    );
    assert!("f25".parse::<Key>().is_err());
}

proptest! {
    #[test]
    fn any_text_reads_or_fails_without_a_panic(text in ".{0,12}") {
        if let Ok(chord) = parse_chord(&text) {
            prop_assert_eq!(parse_chord(&print_chord(&chord)).unwrap(), chord);
        }
    }

    #[test]
    fn feeding_anything_ends_in_a_sane_state(script in prop::collection::vec("[ -~]", 0..40)) {
        let keymap = Keymap::default();
        let mut pending = Pending::default();
        for text in script {
            let key = Key::plain(Code::Char(text.chars().next().unwrap()));
            let found = keymap.feed(&mut pending, Context::Inspector, key, false);
            prop_assert_eq!(found == Lookup::Pending, !pending.is_empty());
        }
    }
}
