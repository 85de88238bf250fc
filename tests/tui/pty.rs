//! The program itself in a terminal of its own: what is sent to it, what is
//! left behind, and that everything is given back.

use std::io::{Read as _, Write};
use std::num::NonZeroU16;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;

use pointsman::tui::terminal;

/// The models write on a machine that may be busy with other things.
const PATIENCE: Duration = Duration::from_secs(120);
const ROWS: u16 = 30;
const COLUMNS: u16 = 110;
const LEAVE: &[u8] = b"\x1b[?1049l";
const SHOW: &[u8] = b"\x1b[?25h";

/// A person's machine: home, configuration, log.
struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> PathBuf {
        self.path("session.jsonl")
    }

    fn records(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// Steps in the log that were kept.
    fn steps(&self) -> usize {
        let records = self.records();
        records.lines().filter(|line| is_kept_step(line)).count()
    }

    fn program(&self, arguments: &[&str]) -> CommandBuilder {
        self.command(Path::new(env!("CARGO_BIN_EXE_pointsman")), arguments)
    }

    fn command(&self, program: &Path, arguments: &[&str]) -> CommandBuilder {
        let mut command = CommandBuilder::new(program);
        command.env_clear();
        command.args(arguments);
        command.cwd(self.folder.path());
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", path);
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CONFIG_HOME", "config"),
            ("POINTSMAN_CONFIG_DIR", "pointsman"),
        ] {
            let folder = self.path(folder);
            std::fs::create_dir_all(&folder).unwrap();
            command.env(name, folder);
        }
        command
    }

    /// The inspector on the demo, seen to be ready.
    fn inspect(&self) -> Term {
        let log = self.log();
        let mut term = Term::open(self.program(&["--log", log.to_str().unwrap()]));
        term.wait_for("LIVE");
        term
    }
}

fn is_kept_step(line: &str) -> bool {
    let record: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    record["record"] == "step" && record["kept"] == true
}

/// A terminal with a program in it.
struct Term {
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    /// Everything the program sent.
    bytes: Vec<u8>,
    screen: vt100::Parser,
    _master: Box<dyn MasterPty + Send>,
}

impl Term {
    fn open(command: CommandBuilder) -> Self {
        let size = PtySize {
            rows: ROWS,
            cols: COLUMNS,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            writer: pair.master.take_writer().unwrap(),
            output,
            bytes: Vec::new(),
            screen: parser(),
            _master: pair.master,
        }
    }

    fn send(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    /// Takes what arrives until it is so.
    fn wait(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so(self) {
            match self.output.recv_timeout(Duration::from_millis(50)) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Timeout) => {}
                // The program is gone; what is awaited may be just that.
                Err(RecvTimeoutError::Disconnected) => {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
            let seen = self.screen.screen().contents();
            assert!(
                Instant::now() < end,
                "waited in vain for {what}; on screen:\n{seen}"
            );
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.screen.process(bytes);
    }

    fn wait_for(&mut self, text: &str) {
        self.wait(text, |term| term.contents().contains(text));
    }

    fn contents(&self) -> String {
        self.screen.screen().contents()
    }

    fn signal(&self, name: &str) {
        let id = self.child.process_id().unwrap().to_string();
        let done = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(done.success());
    }

    /// Waits for the end and gives the exit code.
    fn finish(&mut self) -> u32 {
        let mut code = None;
        self.wait("the end", |term| {
            code = term
                .child
                .try_wait()
                .unwrap()
                .map(|status| status.exit_code());
            code.is_some()
        });
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(500)) {
            self.take(&bytes);
        }
        code.unwrap()
    }

    fn assert_given_back(&self) {
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is left");
        assert!(!screen.hide_cursor(), "the cursor is shown");
        assert!(!screen.bracketed_paste(), "pastes are plain again");
        assert!(find(&self.bytes, LEAVE).is_some() && find(&self.bytes, SHOW).is_some());
    }
}

impl Drop for Term {
    fn drop(&mut self) {
        // Only a test that failed leaves one running.
        let _ = self.child.kill();
    }
}

fn parser() -> vt100::Parser {
    let size = |cells| NonZeroU16::new(cells).unwrap();
    vt100::Parser::new(size(ROWS), size(COLUMNS), 0)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

#[test]
fn a_session_from_the_first_step_to_its_replay() {
    let home = Home::new();
    let mut term = home.inspect();
    assert!(term.screen.screen().alternate_screen());
    term.send(" ");
    term.wait("the first step", |_| home.steps() == 1);
    // Back to the question, and the first step by a model of one's own.
    term.send("b");
    term.send("o");
    term.wait_for("Who writes the next step?");
    term.send("\r");
    term.wait("a branch", |_| home.steps() == 2);
    assert!(
        home.records().contains("\"override\":{"),
        "the override is in the log"
    );
    assert!(
        home.records().contains("\"kind\":\"probe\""),
        "and what the models can do"
    );
    term.send("T");
    term.wait_for("Tree");
    term.send("q");
    assert_eq!(term.finish(), 0);
    term.assert_given_back();
    let said = String::from_utf8_lossy(&term.bytes).into_owned();
    assert!(
        said.contains("pointsman replay"),
        "it says how to look at it again"
    );

    let log = home.log();
    let before = home.records();
    let mut tape = Term::open(home.program(&["replay", log.to_str().unwrap()]));
    tape.wait_for("REPLAY");
    tape.send("o");
    tape.wait_for("this is a recording");
    tape.send("c");
    tape.send("q");
    assert_eq!(tape.finish(), 0);
    tape.assert_given_back();
    assert_eq!(home.records(), before, "a replay writes nothing");
}

#[test]
fn a_termination_gives_the_terminal_back() {
    let home = Home::new();
    let mut term = home.inspect();
    term.signal("-TERM");
    term.finish();
    term.assert_given_back();
}

#[test]
fn suspended_and_brought_back_it_paints_everything_again() {
    let home = Home::new();
    let mut term = home.inspect();
    term.send("\x1a");
    term.wait("the plain screen", |term| {
        !term.screen.screen().alternate_screen()
    });
    term.wait("the stop", |term| state(term).starts_with('T'));
    term.screen = parser();
    term.signal("-CONT");
    term.wait_for("LIVE");
    assert!(term.screen.screen().alternate_screen());
    term.send("?");
    term.wait_for("Keys");
    term.send("\x1b");
    term.wait("the help closed", |term| !term.contents().contains("Keys"));
    term.send("q");
    assert_eq!(term.finish(), 0);
    term.assert_given_back();
}

/// The process's state as `ps` tells it; `T` is stopped.
fn state(term: &Term) -> String {
    let id = term.child.process_id().unwrap().to_string();
    let told = Command::new("ps")
        .args(["-o", "stat=", "-p", &id])
        .output()
        .unwrap();
    String::from_utf8_lossy(&told.stdout).trim().to_owned()
}

#[test]
fn a_step_is_edited_in_the_persons_editor() {
    let home = Home::new();
    let script = home.path("editor.sh");
    std::fs::write(&script, "#!/bin/sh\nprintf 'mended by hand' > \"$1\"\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let log = home.log();
    let mut command = home.program(&["--log", log.to_str().unwrap()]);
    command.env("EDITOR", &script);
    let mut term = Term::open(command);
    term.wait_for("LIVE");
    term.send(" ");
    term.wait("the first step", |_| home.steps() == 1);
    term.send("e");
    term.wait("the edited step", |_| {
        home.records().contains("mended by hand")
    });
    term.wait_for("mended by hand");
    assert!(home.records().contains("\"model\":\"person\""));
    // Keys arrive again after the editor.
    term.send("?");
    term.wait_for("Keys");
    term.send("qq");
    assert_eq!(term.finish(), 0);
    term.assert_given_back();
}

#[test]
fn without_colour_the_selection_is_still_seen() {
    let home = Home::new();
    let mut command = home.program(&["--log", home.log().to_str().unwrap()]);
    command.env("NO_COLOR", "1");
    let mut term = Term::open(command);
    term.wait_for("LIVE");
    let screen = term.screen.screen();
    let cells = || (0..ROWS).flat_map(|row| (0..COLUMNS).map(move |column| (row, column)));
    let cell = |(row, column)| screen.cell(row, column).unwrap();
    let colored = |at: &(u16, u16)| {
        let cell = cell(*at);
        cell.fgcolor() != vt100::Color::Default || cell.bgcolor() != vt100::Color::Default
    };
    assert_eq!(cells().find(colored), None, "no cell has a colour");
    assert!(
        cells().any(|at| cell(at).inverse()),
        "the selection is reversed"
    );
    term.send("q");
    assert_eq!(term.finish(), 0);
}

#[test]
fn the_demo_plays_a_tour_and_leaves_nothing_behind() {
    let home = Home::new();
    let temporary = home.path("temporary");
    std::fs::create_dir_all(&temporary).unwrap();
    let mut command = home.program(&["demo", "--speed", "50"]);
    command.env("TMPDIR", &temporary);
    let mut term = Term::open(command);
    term.wait_for("That was the tour.");
    term.send("\x1b[D");
    term.wait_for("The three runs.");
    term.send("q");
    assert_eq!(term.finish(), 0);
    term.assert_given_back();
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
}

#[test]
fn what_is_done_is_recorded_to_a_new_file_and_plays() {
    let home = Home::new();
    let mut term = home.inspect();
    term.send(" ");
    term.wait("a step", |_| home.steps() >= 1);
    term.wait_for("is next");
    term.send(" ");
    term.wait("two steps", |_| home.steps() >= 2);
    term.send("q");
    assert_eq!(term.finish(), 0);
    let (log, tour) = (home.log(), home.path("a.tour"));
    let (log, tour) = (log.to_str().unwrap(), tour.to_str().unwrap());
    let record = ["replay", log, "--record-tour", tour];
    let mut term = Term::open(home.program(&record));
    term.wait_for("REC");
    term.send("s");
    term.wait_for("Who writes step 2?");
    term.send("q");
    assert_eq!(term.finish(), 0);
    let written = std::fs::read_to_string(tour).unwrap();
    assert!(written.contains("do = [\"step\"]"), "{written}");
    let mut term = Term::open(home.program(&record));
    assert_eq!(term.finish(), 2, "it is never written over");
    assert_eq!(std::fs::read_to_string(tour).unwrap(), written);
    let mut term = Term::open(home.program(&["replay", log, "--tour", tour]));
    term.wait_for("Who writes step 2?");
    term.send("q");
    assert_eq!(term.finish(), 0);
}

/// Not a test of its own: [`a_panic_gives_the_terminal_back`] runs it in a
/// terminal, where it takes the screen and panics.
#[test]
fn the_program_that_panics() {
    if std::env::var_os("POINTSMAN_TEST_PANIC").is_some() {
        terminal::install_panic_hook();
        let _screen = terminal::Screen::open(true).unwrap();
        panic!("on purpose");
    }
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let home = Home::new();
    let this = std::env::current_exe().unwrap();
    let arguments = ["--exact", "pty::the_program_that_panics", "--nocapture"];
    let mut command = home.command(&this, &arguments);
    command.env("POINTSMAN_TEST_PANIC", "1");
    let mut term = Term::open(command);
    assert_ne!(term.finish(), 0);
    term.assert_given_back();
    let left = find(&term.bytes, LEAVE).unwrap();
    let told = find(&term.bytes, b"on purpose").expect("the message is printed");
    assert!(left < told, "the message comes after the screen is left");
}
