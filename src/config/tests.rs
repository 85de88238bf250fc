use std::collections::BTreeMap;

use super::*;

struct Setup {
    folder: tempfile::TempDir,
    env: Vec<(&'static str, &'static str)>,
    flags: Flags,
}

impl Setup {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self {
            folder,
            env: Vec::new(),
            flags: Flags::default(),
        }
    }

    fn load(&self) -> Result<Config, ConfigError> {
        let env: BTreeMap<String, String> = self
            .env
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        load(Sources {
            env,
            folder: Some(self.folder.path().to_owned()),
            flags: self.flags.clone(),
        })
    }

    fn error(&self) -> String {
        self.load().unwrap_err().to_string()
    }
}

#[test]
fn without_files_the_defaults_hold() {
    let mut setup = Setup::new(&[]);
    setup.env = vec![("USER", "ada")];
    let config = setup.load().unwrap();
    assert_eq!(
        config.theme,
        Set {
            value: "dark".to_owned(),
            origin: Origin::Default
        }
    );
    assert_eq!(config.who.value, "ada");
    assert_eq!(config.who.origin.to_string(), "environment variable USER");
    assert!(config.shading.value && !config.mouse.value);
    assert_eq!(load(Sources::default()).unwrap().who.value, "person");
}

#[test]
fn each_layer_wins_over_the_one_below() {
    let mut setup = Setup::new(&[
        (
            "config.toml",
            "theme = \"light\"\nmouse = true\nwho = \"file\"\ncolors = \"256\"\n[keys.inspector]\n\"x\" = \"override\"\n",
        ),
        ("keys.toml", "[global]\n\"q\" = \"none\"\n"),
    ]);
    setup.env = vec![
        ("POINTSMAN_WHO", "env"),
        ("POINTSMAN_MOUSE", "off"),
        ("NO_COLOR", "1"),
    ];
    setup.flags = Flags {
        who: Some("flag".to_owned()),
        ..Flags::default()
    };
    let config = setup.load().unwrap();
    assert_eq!(config.theme.value, "light");
    assert!(matches!(&config.theme.origin, Origin::File(path) if path.ends_with("config.toml")));
    assert_eq!(
        (config.mouse.value, &config.mouse.origin),
        (false, &Origin::Environment("POINTSMAN_MOUSE"))
    );
    assert_eq!(
        (config.who.value.as_str(), &config.who.origin),
        ("flag", &Origin::Flag("who"))
    );
    assert_eq!(
        (config.colors.value.as_str(), &config.colors.origin),
        ("none", &Origin::Environment("NO_COLOR"))
    );
    let keys: Vec<(&str, &str, &str)> = config
        .keys
        .iter()
        .map(|k| (k.context.as_str(), k.keys.as_str(), k.action.as_str()))
        .collect();
    assert_eq!(
        keys,
        [("inspector", "x", "override"), ("global", "q", "none")]
    );
    assert!(config.themes_folder().unwrap().ends_with("themes"));
}

#[test]
fn an_empty_no_color_means_nothing() {
    let mut setup = Setup::new(&[]);
    setup.env = vec![("NO_COLOR", "")];
    assert_eq!(setup.load().unwrap().colors.value, "auto");
}

#[test]
fn faults_name_file_line_and_what_was_meant() {
    for (text, parts) in [
        (
            "mouse = true\n\ntehme = \"dark\"\n",
            [
                "config.toml, line 3",
                "unknown setting `tehme`; did you mean `theme`?",
            ],
        ),
        ("theme = 3\n", ["line 1", "`theme` is a string"]),
        ("theme = \"\"\n", ["line 1", "`theme` is a string"]),
        (
            "\nmouse = \"yes\"\n",
            ["line 2", "`mouse` is true or false"],
        ),
        (
            "mouse = true\ncolors = \"255\"\n",
            ["line 2", "did you mean `256`?"],
        ),
        ("theme = \n", ["line 1", ""]),
        ("[keys]\nglobal = 3\n", ["line 2", "`global` is a context"]),
        ("keys = 3\n", ["line 1", "[keys.inspector]"]),
        ("[keys.global]\n\"q\" = 1\n", ["line 2", "`q` is a string"]),
    ] {
        let error = Setup::new(&[("config.toml", text)]).error();
        for part in parts {
            assert!(error.contains(part), "{part} not in {error}");
        }
    }
    let error = Setup::new(&[("keys.toml", "[global\n")]).error();
    assert!(error.contains("keys.toml, line 1"), "{error}");
}

#[test]
fn faulty_variables_and_flags_are_refused() {
    let mut setup = Setup::new(&[]);
    setup.env = vec![("POINTSMAN_MOUSE", "maybe")];
    assert!(
        setup
            .error()
            .contains("POINTSMAN_MOUSE = `maybe`: write true or false")
    );
    setup.env = vec![("POINTSMAN_THEMES", "dark")];
    assert!(setup.error().contains("did you mean POINTSMAN_THEME?"));
    setup.env = vec![("POINTSMAN_SOMETHING_OF_A_WRAPPER", "x")];
    assert!(setup.load().is_ok());
    setup.flags = Flags {
        colors: Some("lots".to_owned()),
        ..Flags::default()
    };
    assert!(setup.error().contains("--colors `lots`"));
}

#[test]
fn a_file_that_is_no_text_is_an_error_and_not_a_panic() {
    let setup = Setup::new(&[]);
    std::fs::write(setup.folder.path().join("config.toml"), [0xff, 0xfe, 0x00]).unwrap();
    assert!(setup.error().contains("config.toml"));
}

#[test]
fn the_shipped_files_say_what_the_defaults_are() {
    let setup = Setup::new(&[("config.toml", DEFAULT_CONFIG), ("keys.toml", DEFAULT_KEYS)]);
    let (shipped, bare) = (setup.load().unwrap(), load(Sources::default()).unwrap());
    let values = |config: &Config| -> Vec<(&str, String)> {
        config
            .settings()
            .into_iter()
            .map(|(name, value, _)| (name, value))
            .collect()
    };
    assert_eq!(values(&shipped), values(&bare));
    assert!(shipped.keys.is_empty());
}

#[test]
fn the_folder_can_be_named() {
    let env = BTreeMap::from([("POINTSMAN_CONFIG_DIR".to_owned(), "/somewhere".to_owned())]);
    assert_eq!(config_dir(&env), Some(PathBuf::from("/somewhere")));
}
