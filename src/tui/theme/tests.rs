use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};

use super::*;

const EMBEDDED: [&str; 6] = [
    "dark",
    "light",
    "ansi16",
    "mono",
    "high-contrast",
    "projector",
];

fn load(name: &str, depth: ColorDepth) -> Theme {
    let loaded = Themes::default().load(name, depth);
    assert_eq!(loaded.warnings, Vec::<String>::new(), "{name}");
    assert_eq!(loaded.theme.name(), name);
    loaded.theme
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn embedded_themes_load_without_warnings() {
    for name in EMBEDDED {
        let depth = if name == "mono" {
            ColorDepth::None
        } else {
            ColorDepth::TrueColor
        };
        let theme = load(name, depth);
        assert_eq!(theme.depth(), depth);
    }
    assert_eq!(
        load("light", ColorDepth::TrueColor).background(),
        Background::Light
    );
    assert_eq!(
        load("projector", ColorDepth::TrueColor).background(),
        Background::Light
    );
    assert_eq!(Themes::default().names(), EMBEDDED);
}

#[test]
fn every_role_has_a_style_of_its_own_or_of_its_whole_in_every_theme() {
    for name in EMBEDDED {
        let theme = load(
            name,
            if name == "mono" {
                ColorDepth::None
            } else {
                ColorDepth::TrueColor
            },
        );
        for role in ROLES {
            let named = theme.styles.keys().any(|key| {
                key == role.name
                    || role
                        .name
                        .strip_prefix(key.as_str())
                        .is_some_and(|r| r.starts_with('.'))
            });
            assert!(named, "{name} says nothing about {}", role.name);
            let _ = theme.style(role.name);
        }
        assert_eq!(
            theme.style("step.small.unheard.of"),
            theme.style("step.small")
        );
        assert_eq!(theme.style("unheard-of"), theme.style("text"));
    }
}

/// Roles whose foreground is read as text, with the role painted behind it.
fn read_roles(theme: &Theme) -> Vec<(&'static str, Style)> {
    ROLES
        .iter()
        .filter(|role| {
            !matches!(
                role.name,
                "background" | "border" | "border.focus" | "bar.empty" | "bar.fill"
            )
        })
        .map(|role| {
            (
                role.name,
                theme
                    .style("text")
                    .patch(theme.style("background"))
                    .patch(theme.style(role.name)),
            )
        })
        .collect()
}

#[test]
fn text_stands_out_from_what_is_behind_it() {
    for (name, least) in [
        ("dark", 4.5),
        ("light", 4.5),
        ("high-contrast", 7.0),
        ("projector", 7.0),
    ] {
        let theme = load(name, ColorDepth::TrueColor);
        for (role, style) in read_roles(&theme) {
            let (fg, bg) = (
                style.fg.and_then(rgb_of).unwrap(),
                style.bg.and_then(rgb_of).unwrap(),
            );
            let ratio = contrast(fg, bg);
            assert!(ratio >= least, "{name}: {role} has {ratio:.2}");
        }
        // Text of every kind stays readable on shaded tokens, in the
        // selection and in dialogs.
        for behind in [
            "confidence.low",
            "confidence.mid",
            "confidence.high",
            "selection",
            "popup",
            "bar",
        ] {
            let bg = theme.style(behind).bg.and_then(rgb_of).unwrap();
            for role in [
                "text",
                "math",
                "math.box",
                "step.small",
                "step.large",
                "emphasis",
            ] {
                let fg = theme.foreground_rgb(role).unwrap();
                let least = if least > 5.0 { least } else { 4.5 };
                assert!(
                    contrast(fg, bg) >= least,
                    "{name}: {role} on {behind}: {:.2}",
                    contrast(fg, bg)
                );
            }
        }
    }
}

#[test]
fn models_and_meanings_look_different() {
    for name in EMBEDDED {
        let theme = load(
            name,
            if name == "mono" {
                ColorDepth::None
            } else {
                ColorDepth::TrueColor
            },
        );
        for (a, b) in [
            ("step.small", "step.large"),
            ("action.allowed", "action.denied"),
            ("action.chosen", "action.allowed"),
            ("confidence.low", "confidence.high"),
            ("confidence.low", "confidence.mid"),
            ("verdict.wrong", "verdict.correct"),
            ("selection", "text"),
            ("search.match", "search.current"),
            ("highlight", "text"),
            ("highlight", "selection.unfocused"),
            ("caption", "text"),
        ] {
            assert_ne!(theme.style(a), theme.style(b), "{name}: {a} and {b}");
        }
    }
}

#[test]
fn without_colours_only_attributes_are_left() {
    let theme = Themes::default().load("dark", ColorDepth::None).theme;
    assert_eq!(theme.name(), "mono");
    for role in ROLES {
        let style = theme.style(role.name);
        assert_eq!(
            (style.fg, style.bg, style.underline_color),
            (None, None, None),
            "{}",
            role.name
        );
    }
    assert!(
        theme
            .style("selection")
            .add_modifier
            .contains(Modifier::REVERSED)
    );
}

#[test]
fn colours_are_brought_to_the_depth_of_the_terminal() {
    let theme = load("dark", ColorDepth::Ansi256);
    assert!(
        theme
            .styles
            .values()
            .flat_map(|s| [s.fg, s.bg])
            .all(|c| !matches!(c, Some(Color::Rgb(..))))
    );
    assert_eq!(
        Themes::default()
            .load("dark", ColorDepth::Ansi16)
            .theme
            .name(),
        "ansi16"
    );
    assert_eq!(
        ColorDepth::Ansi16.color(Color::Rgb(245, 80, 80)),
        Some(Color::LightRed)
    );
    assert_eq!(
        ColorDepth::Ansi256.color(Color::Rgb(255, 255, 255)),
        Some(Color::Indexed(231))
    );
    assert_eq!(
        ColorDepth::TrueColor.color(Color::Indexed(7)),
        Some(Color::Indexed(7))
    );
}

#[test]
fn the_depth_comes_from_the_environment() {
    let detect = |vars: &[(&str, &str)]| {
        let env: BTreeMap<String, String> = vars
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        ColorDepth::detect(&env)
    };
    assert_eq!(
        detect(&[("COLORTERM", "truecolor"), ("TERM", "xterm")]),
        ColorDepth::TrueColor
    );
    assert_eq!(
        detect(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]),
        ColorDepth::None
    );
    assert_eq!(
        detect(&[("NO_COLOR", ""), ("TERM", "xterm-256color")]),
        ColorDepth::Ansi256
    );
    assert_eq!(detect(&[("TERM", "xterm-kitty")]), ColorDepth::TrueColor);
    assert_eq!(detect(&[("TERM", "linux")]), ColorDepth::Ansi16);
    assert_eq!(detect(&[("TERM", "dumb")]), ColorDepth::None);
    assert_eq!(detect(&[]), ColorDepth::Ansi16);
}

#[test]
fn models_between_the_ends_take_turns() {
    let theme = load("dark", ColorDepth::TrueColor);
    assert_eq!(theme.model(0, 2), theme.style("step.small"));
    assert_eq!(theme.model(1, 2), theme.style("step.large"));
    assert_eq!(theme.model(1, 3), theme.style("step.model.1"));
    assert_eq!(theme.model(5, 9), theme.style("step.model.1"));
    assert_eq!(theme.model(0, 1), theme.style("step.small"));
}

#[test]
fn a_user_theme_inherits_and_wins() {
    let folder = folder(&[
        (
            "mine.toml",
            "inherits = \"light\"\n[palette]\nteal = \"#004040\"\n[roles]\nmath = { fg = \"teal\", bold = true }\nstep.large = \"red\"\n",
        ),
        ("dark.toml", "[roles]\ntext = \"#010203\"\n"),
        (
            "bare.toml",
            "inherits = \"none\"\n[roles]\ntext = \"#040506\"\n",
        ),
        ("notes.txt", "no theme"),
    ]);
    let themes = Themes::new(Some(folder.path().to_owned()));
    assert_eq!(themes.names().last().map(String::as_str), Some("mine"));
    let mine = themes.load("mine", ColorDepth::TrueColor);
    assert_eq!(mine.warnings, Vec::<String>::new());
    assert_eq!(mine.theme.background(), Background::Light);
    assert_eq!(
        mine.theme.style("step.small").fg,
        Some(Color::Rgb(0, 0x40, 0x40)),
        "palette reaches inherited roles"
    );
    assert_eq!(mine.theme.style("math").fg, Some(Color::Rgb(0, 0x40, 0x40)));
    assert_eq!(
        mine.theme.style("step.large").fg,
        mine.theme.style("error").fg,
        "dotted keys of TOML"
    );
    let dark = themes.load("dark", ColorDepth::TrueColor).theme;
    assert_eq!(dark.style("text").fg, Some(Color::Rgb(1, 2, 3)));
    assert_eq!(
        dark.style("verdict.wrong"),
        load("dark", ColorDepth::TrueColor).style("verdict.wrong"),
        "what a theme does not say comes from the embedded one"
    );
    let bare = themes.load("bare", ColorDepth::TrueColor).theme;
    assert_eq!(bare.style("verdict.wrong").fg, Some(Color::Rgb(4, 5, 6)));
}

#[test]
fn faults_are_warnings() {
    let folder = folder(&[
        (
            "bad.toml",
            "inherits = \"dark\"\nbackgruond = \"light\"\n[palette]\nink = \"#12\"\n[roles]\n\"step.smal\" = \"red\"\ntext = \"tael\"\nerror = { fg = \"red\", bolt = true }\nbusy = 3\n",
        ),
        ("loop.toml", "inherits = \"pool\"\n"),
        ("pool.toml", "inherits = \"loop\"\n"),
        ("torn.toml", "[roles\n"),
    ]);
    let themes = Themes::new(Some(folder.path().to_owned()));
    let bad = themes.load("bad", ColorDepth::TrueColor);
    let all = bad.warnings.join("\n");
    for part in [
        "unknown key `backgruond`; did you mean `background`?",
        "palette `ink`",
        "unknown role `step.smal`; did you mean `step.small`?",
        "did you mean `teal`?",
        "unknown attribute `bolt`; did you mean `bold`?",
        "role `busy` is a number",
    ] {
        assert!(all.contains(part), "{part} not in\n{all}");
    }
    assert_eq!(bad.theme.name(), "bad");
    assert!(
        themes
            .load("loop", ColorDepth::TrueColor)
            .warnings
            .join("\n")
            .contains("inherits from itself")
    );
    let torn = themes.load("torn", ColorDepth::TrueColor);
    assert_eq!(torn.theme.name(), "dark");
    assert!(torn.warnings.join("\n").contains("torn.toml"));
    let gone = themes.load("dakr", ColorDepth::TrueColor);
    assert!(
        gone.warnings[0].contains("did you mean `dark`?"),
        "{:?}",
        gone.warnings
    );
}

#[test]
fn colours_are_read_in_every_notation_and_nothing_panics() {
    assert_eq!(parse_color("#fff"), Some(Color::Rgb(255, 255, 255)));
    assert_eq!(parse_color("#0a0B0c"), Some(Color::Rgb(10, 11, 12)));
    assert_eq!(parse_color("light-blue"), Some(Color::LightBlue));
    assert_eq!(parse_color("dark_grey"), Some(Color::DarkGray));
    assert_eq!(parse_color("200"), Some(Color::Indexed(200)));
    assert_eq!(parse_color("reset"), Some(Color::Reset));
    for bad in ["", "#", "#12", "#ggg", "#ääää", "256", "-1", "teal-ish"] {
        assert_eq!(parse_color(bad), None, "{bad}");
    }
}
