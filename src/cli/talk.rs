//! Talks: what `inspect`, `replay` and `demo` share of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::app::tour::{MOST_BYTES, Tour};
use crate::app::{Model, Private};
use crate::config::{Config, Flags};
use crate::headless::{Exit, Failure};
use crate::model::pool::Pool;
use crate::trace::atomic::write_atomically;
use crate::tui::run::Left;

use super::screen;

#[derive(Debug, Clone, Default, Args)]
pub(super) struct TalkArgs {
    /// Begin in talk mode (f5): the tape only, large, keys echoed, paths, hosts
    /// and names hidden
    #[arg(long)]
    talk: bool,
    /// Write what is done as a tour: a new file
    #[arg(long, value_name = "FILE")]
    record_tour: Option<PathBuf>,
}

/// A tour that is to be played.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct TourArgs {
    /// Play a tour: a file that `--record-tour` wrote, or one by hand
    #[arg(long, value_name = "FILE")]
    pub(super) tour: Option<PathBuf>,
    /// How many times as fast as it is written
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
    pub(super) speed: f64,
}

fn speed(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|error| format!("{error}"))?;
    match (0.05..=100.0).contains(&number) {
        true => Ok(number),
        false => Err("from 0.05 to 100".to_owned()),
    }
}

impl TalkArgs {
    /// Whether anything of a talk was asked for.
    pub fn is_given(&self) -> bool {
        self.talk || self.record_tour.is_some()
    }

    pub fn is_recording(&self) -> bool {
        self.record_tour.is_some()
    }

    /// Takes the file of the recording, which must be new.
    ///
    /// # Errors
    /// The file is there, or cannot be made.
    pub fn claim(&self) -> Result<Recording, Failure> {
        if let Some(path) = &self.record_tour {
            File::create_new(path).map_err(|error| claimed(path, &error))?;
        }
        Ok(Recording {
            path: self.record_tour.clone(),
        })
    }

    /// Begins what was asked for.
    pub fn begin(&self, model: &mut Model, opened: Opened) {
        model.view.talk = self.talk;
        if self.record_tour.is_some() {
            model.record_tour(opened.logs, opened.filter);
        }
    }
}

/// What is on the screen: a tour tells what it was made on, and is told where
/// that is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opened {
    /// Names of the logs, without their folders.
    logs: Vec<String>,
    filter: Option<String>,
}

impl Opened {
    pub fn new(paths: &[impl AsRef<Path>], filter: Option<&str>) -> Self {
        let name = |path: &Path| {
            let name = path.file_name().unwrap_or(path.as_os_str());
            name.to_string_lossy().into_owned()
        };
        Self {
            logs: paths.iter().map(|path| name(path.as_ref())).collect(),
            filter: filter.map(str::to_owned),
        }
    }

    /// The logs in a few letters.
    pub fn name(&self) -> String {
        match self.logs.as_slice() {
            [] => String::new(),
            [log] => log.clone(),
            [first, others @ ..] => format!("{first} +{}", others.len()),
        }
    }

    /// Gives the keys to a tour.
    ///
    /// # Errors
    /// It begins at a problem that is not there.
    pub fn play(&self, model: &mut Model, tour: Tour, speed: f64) -> Result<(), Failure> {
        let others = self.others(&tour);
        model.begin_tour(tour, speed).map_err(|error| {
            let failure = Failure::usage(error);
            match others.first() {
                Some(other) => failure.hint(other.clone()),
                None => failure,
            }
        })
    }

    /// What else a tour was made on, in words.
    pub fn others(&self, tour: &Tour) -> Vec<String> {
        let sorted = |logs: &[String]| {
            let mut logs = logs.to_vec();
            logs.sort_unstable();
            logs
        };
        let logs = !tour.logs.is_empty() && sorted(&tour.logs) != sorted(&self.logs);
        let logs = logs.then(|| {
            let (made_on, open) = (tour.logs.join(", "), self.logs.join(", "));
            format!("the tour was made on {made_on}, this is {open}")
        });
        let filter = tour.filter.as_ref();
        let filter = filter.filter(|filter| Some(*filter) != self.filter.as_ref());
        let filter =
            filter.map(|filter| format!("the tour was made with `replay --filter \"{filter}\"`"));
        logs.into_iter().chain(filter).collect()
    }
}

fn claimed(path: &Path, error: &std::io::Error) -> Failure {
    let named = path.display();
    match error.kind() {
        ErrorKind::AlreadyExists => Failure::usage(format!("--record-tour {named}: it is there"))
            .hint("a tour never takes the place of a file: name a new one"),
        _ => Failure::usage(format!("--record-tour {named}: {error}")),
    }
}

/// The file of a recording, empty until the screen is left.
pub(super) struct Recording {
    path: Option<PathBuf>,
}

impl Recording {
    /// Writes what was recorded. Where nothing was done the file goes again.
    ///
    /// # Errors
    /// The file system's.
    pub fn finish(mut self, left: &Left) -> Result<(), Failure> {
        let Some(path) = self.path.as_deref() else {
            return Ok(());
        };
        let Some((tour, whole)) = &left.tour else {
            super::say("nothing was done: no tour was written\n");
            return Ok(());
        };
        write_atomically(path, tour.to_toml().as_bytes()).map_err(|error| {
            let named = path.display();
            Failure::new(Exit::Failed, format!("cannot write {named}: {error}"))
        })?;
        if !whole {
            super::say("warning: a tour holds no more: what was done last is not in it\n");
        }
        let logs = if tour.logs.len() > 1 { "LOG…" } else { "LOG" };
        let filter = tour.filter.as_ref().map_or("", |_| " --filter EXPR");
        super::say(&format!(
            "The tour is in {path}\nPlay it: pointsman replay {logs}{filter} --tour {path}\n",
            path = told(path, left)
        ));
        self.path = None;
        Ok(())
    }
}

impl Drop for Recording {
    /// The file that was taken at the start and never written.
    fn drop(&mut self) {
        if let Some(path) = &self.path
            && path.metadata().is_ok_and(|found| found.len() == 0)
        {
            // An empty file left behind is no reason to complain.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A path as it may be told: where somebody may still be watching the terminal
/// without its folder.
pub(super) fn told(path: &Path, left: &Left) -> String {
    let name = path.file_name().filter(|_| left.talk);
    name.unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// Reads a tour from a file.
///
/// # Errors
/// It cannot be read, or something in it is wrong.
pub(super) fn read(path: &Path) -> Result<Tour, Failure> {
    let named = path.display();
    let wrong = |error: std::io::Error| Failure::usage(format!("--tour {named}: {error}"));
    let file = File::open(path).map_err(wrong)?;
    let mut bytes = Vec::new();
    // One more than a tour may have: it is refused, however much there is.
    file.take(MOST_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(wrong)?;
    if bytes.len() <= MOST_BYTES && std::str::from_utf8(&bytes).is_err() {
        let message = format!("tour {named}: it is no text (UTF-8)");
        return Err(Failure::new(Exit::BadData, message).hint(HINT));
    }
    parse(&String::from_utf8_lossy(&bytes), &named.to_string())
}

/// Where it is said what a tour is.
const HINT: &str = "the README says what a tour holds, under Talks";

/// Reads the text of a tour; `name` is told where something is wrong.
pub(super) fn parse(text: &str, name: &str) -> Result<Tour, Failure> {
    Tour::parse(text)
        .map_err(|error| Failure::new(Exit::BadData, format!("tour {name}, {error}")).hint(HINT))
}

/// The configuration, with the theme that the tour wants.
///
/// # Errors
/// Those of the configuration.
pub(super) fn configuration(tour: Option<&Tour>, flags: Flags) -> Result<Config, Failure> {
    screen::configuration(Flags {
        theme: tour.and_then(|tour| tour.theme.clone()),
        ..flags
    })
}

/// What is hidden in a talk on this machine: its users and its name, who
/// overrides, and the hosts of the pool.
pub(super) fn private(config: &Config, pool: Option<&Path>) -> Private {
    let env = screen::environment();
    let hosts = pool.map(hosts_of).unwrap_or_default();
    hidden(&env, &config.who.value, &hosts)
}

fn hidden(env: &BTreeMap<String, String>, who: &str, hosts: &[String]) -> Private {
    let variable = |name: &&str| env.get(*name).map(String::as_str);
    let people = ["USER", "LOGNAME", "USERNAME"];
    let homes = ["HOME", "USERPROFILE"];
    let homes = homes.iter().filter_map(variable).filter_map(person_at);
    let people = people.iter().filter_map(variable).chain(homes).chain([who]);
    let machines = ["HOSTNAME", "HOST", "COMPUTERNAME"];
    let machines = machines.iter().filter_map(variable);
    let names = hosts.iter().map(String::as_str);
    // The machine's own addresses are nobody's secret, and words of sentences.
    let hosts = machines.chain(names).filter(|host| *host != "localhost");
    Private::new(people, hosts)
}

/// Whose home a folder is: a service does not always say who runs it.
fn person_at(home: &str) -> Option<&str> {
    let (folders, name) = home
        .trim_end_matches(['/', '\\'])
        .rsplit_once(['/', '\\'])?;
    let homes = ["home", "Users"];
    homes.iter().any(|of| folders.ends_with(of)).then_some(name)
}

/// The hosts that a pool names. A pool that cannot be read is told elsewhere.
fn hosts_of(path: &Path) -> Vec<String> {
    let Ok(pool) = Pool::load(path) else {
        return Vec::new();
    };
    let scorers = &pool.scorers;
    let scorers = [
        &scorers.judge,
        &scorers.prm,
        &scorers.verifier,
        &scorers.grader,
        &scorers.embeddings,
    ];
    let models = pool.models.iter().chain(scorers.into_iter().flatten());
    let urls = models.filter_map(|model| model.base_url.as_deref());
    urls.filter_map(host).collect()
}

/// The host of a URL, without its port and who logs in.
fn host(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = host.split(':').next()?;
    (!host.is_empty()).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_url_is_its_name_alone() {
        let host = |url| host(url).unwrap_or_default();
        assert_eq!(host("http://gpu7.lab:8000/v1"), "gpu7.lab");
        assert_eq!(host("https://ada:secret@gpu7?x"), "gpu7");
        assert_eq!(host("gpu7"), "");
    }

    #[test]
    fn a_tour_is_told_what_else_it_was_made_on() {
        let tour = |head: &str| Tour::parse(&format!("{head}\n[[scene]]\n")).unwrap();
        let opened = Opened::new(&["runs/a.jsonl", "b.jsonl"], Some("wrong"));
        assert_eq!(opened.name(), "a.jsonl +1");
        for same in ["", "log = [\"b.jsonl\", \"a.jsonl\"]", "filter = \"wrong\""] {
            assert!(opened.others(&tour(same)).is_empty(), "{same}");
        }
        let others = opened.others(&tour("log = \"a.jsonl\"\nfilter = \"right\""));
        assert_eq!(
            others,
            [
                "the tour was made on a.jsonl, this is a.jsonl, b.jsonl",
                "the tour was made with `replay --filter \"right\"`"
            ]
        );
    }

    #[test]
    fn a_home_is_somebodys() {
        assert_eq!(person_at("/home/ada/"), Some("ada"));
        assert_eq!(person_at("C:\\Users\\Ada"), Some("Ada"));
        assert_eq!((person_at("/root"), person_at("/srv/app")), (None, None));
    }

    #[test]
    fn users_and_hosts_of_this_machine_are_hidden() {
        let env = [("USER", "ada"), ("HOSTNAME", "engine")];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let hidden = hidden(&env.into(), "Byron", &["gpu7".to_owned()]);
        assert_eq!(
            hidden.hide("ada, Byron: no route from engine to gpu7 on localhost"),
            "[name], [name]: no route from [host] to [host] on localhost"
        );
    }

    #[test]
    fn speeds_have_limits() {
        assert_eq!(speed("2.5"), Ok(2.5));
        for wrong in ["0", "-1", "nan", "1000", "fast"] {
            assert!(speed(wrong).is_err(), "{wrong}");
        }
    }
}
