//! The themes there are: where each comes from, its text, and what is wrong
//! with a file before it is used.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use toml::Table;

use super::load::embedded;
use super::{Background, ColorDepth, Themes};

/// Where a theme comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// It is part of the program.
    Program,
    /// A file of the user.
    File {
        path: PathBuf,
        /// Whether it stands in the place of an embedded theme.
        hides: bool,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program => f.write_str("part of the program"),
            Self::File { path, hides: false } => write!(f, "{}", path.display()),
            Self::File { path, hides: true } => {
                write!(f, "{}, over the program's", path.display())
            }
        }
    }
}

/// A theme of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    pub name: String,
    pub place: Place,
    pub background: Background,
    /// The theme that it names for what it does not say.
    pub inherits: Option<String>,
    pub description: Option<String>,
    /// What is wrong with it, a sentence each.
    pub faults: Vec<String>,
}

/// A theme's file as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub place: Place,
    pub toml: String,
}

impl Themes {
    /// Every theme that can be named, the embedded ones first.
    #[must_use]
    pub fn list(&self) -> Vec<Listed> {
        let names = self.names().into_iter();
        names.map(|name| self.listed(name)).collect()
    }

    fn listed(&self, name: String) -> Listed {
        let loaded = self.load(&name, ColorDepth::TrueColor);
        // What cannot be read is among the faults.
        let text = self.text(&name).ok();
        let table = text.and_then(|text| text.toml.parse::<Table>().ok());
        let told = |key: &str| {
            let value = table.as_ref()?.get(key)?;
            value.as_str().map(str::to_owned)
        };
        Listed {
            place: self.place(&name),
            background: loaded.theme.background(),
            inherits: told("inherits"),
            description: told("description"),
            faults: loaded.warnings,
            name,
        }
    }

    fn place(&self, name: &str) -> Place {
        match self.own_file(name) {
            Some(path) => Place::File {
                path,
                hides: embedded(name).is_some(),
            },
            None => Place::Program,
        }
    }

    /// The text of a theme by its name: the user's file where there is one.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] with the names there are, and those of
    /// reading the file.
    pub fn text(&self, name: &str) -> io::Result<Text> {
        if !self.names().iter().any(|known| known == name) {
            return Err(io::Error::new(io::ErrorKind::NotFound, self.unknown(name)));
        }
        let place = self.place(name);
        let toml = match &place {
            Place::File { path, .. } => std::fs::read_to_string(path)?,
            Place::Program => embedded(name).unwrap_or_default().to_owned(),
        };
        Ok(Text { place, toml })
    }

    /// What is wrong with the theme in a file, which need not lie in the user's
    /// folder; what it inherits is looked for there.
    ///
    /// # Errors
    /// Those of reading the file.
    pub fn check(&self, path: &Path) -> io::Result<Vec<String>> {
        let text = std::fs::read_to_string(path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let file = path.display().to_string();
        let mut faults = Vec::new();
        let raw = self.read_text(&name, &text, &file, &mut faults, &mut Vec::new());
        if let Some(raw) = raw {
            raw.styles(ColorDepth::TrueColor, &mut faults);
        }
        Ok(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn a_theme_is_listed_with_its_place_and_what_is_wrong_with_it() {
        let folder = folder(&[
            ("dark.toml", "[roles]\ntext = \"#010203\"\n"),
            (
                "mine.toml",
                "inherits = \"light\"\ndescription = \"for the train\"\n[roles]\ntex = \"red\"\n",
            ),
        ]);
        let themes = Themes::new(Some(folder.path().to_owned()));
        let listed = themes.list();
        let of = |name: &str| listed.iter().find(|one| one.name == name).unwrap();
        let dark = of("dark");
        assert!(matches!(&dark.place, Place::File { hides: true, .. }));
        assert!(dark.place.to_string().ends_with(", over the program's"));
        assert_eq!(dark.faults, Vec::<String>::new());
        let mine = of("mine");
        assert!(matches!(&mine.place, Place::File { hides: false, .. }));
        assert_eq!(mine.background, Background::Light);
        assert_eq!(mine.inherits.as_deref(), Some("light"));
        assert_eq!(mine.description.as_deref(), Some("for the train"));
        assert!(mine.faults[0].contains("did you mean `text`?"));
        assert_eq!(of("mono").place, Place::Program);
        assert_eq!(of("mono").description.as_deref(), Some("attributes only"));
        // Every theme that is part of the program says what it is.
        assert!(
            Themes::default()
                .list()
                .iter()
                .all(|one| one.description.is_some())
        );
    }

    #[test]
    fn the_text_is_the_file_that_holds() {
        let own = "# mine\n[roles]\ntext = \"#010203\"\n";
        let folder = folder(&[("dark.toml", own)]);
        let themes = Themes::new(Some(folder.path().to_owned()));
        assert_eq!(themes.text("dark").unwrap().toml, own);
        let light = themes.text("light").unwrap();
        assert_eq!(light.place, Place::Program);
        assert!(light.toml.contains("[roles]"));
        let error = themes.text("ligth").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains("did you mean `light`?"));
        // A name is no path.
        assert!(themes.text("../dark").is_err());
    }

    #[test]
    fn a_file_is_checked_where_it_lies_with_what_it_inherits_from_the_folder() {
        let folder = folder(&[("base.toml", "background = \"light\"\n")]);
        let elsewhere = tempfile::tempdir().unwrap();
        let path = elsewhere.path().join("new.toml");
        let check = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let themes = Themes::new(Some(folder.path().to_owned()));
            themes.check(&path).unwrap().join("\n")
        };
        assert_eq!(check("inherits = \"base\"\n[roles]\ntext = \"red\"\n"), "");
        assert!(check("inherits = \"bsae\"\n").contains("did you mean `base`?"));
        assert!(check("[roles]\ntext = \"rde\"\n").contains("is no colour"));
        assert!(check("inherits = 3\n").contains("not the name of a theme"));
        assert!(check("[roles\n").contains("new.toml"));
        // Its own name is no loop where the folder holds none of it.
        assert!(check("inherits = \"new\"\n").contains("inherits from itself"));
        let themes = Themes::default();
        assert!(themes.check(&elsewhere.path().join("none.toml")).is_err());
    }
}
