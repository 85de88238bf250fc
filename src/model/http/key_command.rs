//! Runs the program that prints a key.

use std::io::Read;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use super::secret::Secret;
use crate::model::pool::KeyCommand;

/// How long the program may take.
const LIMIT: Duration = Duration::from_secs(30);
/// Between two looks at whether it has ended.
const LOOK: Duration = Duration::from_millis(10);
/// More than any key has.
const MOST: u64 = 64 << 10;

/// The key that the command prints in its first line. Blocks for as long as
/// the command takes, at most half a minute.
///
/// # Errors
/// A sentence that names the program and how it ended, and nothing that it
/// printed.
pub(super) fn run(command: &KeyCommand) -> Result<Secret, String> {
    run_within(command, LIMIT)
}

fn run_within(command: &KeyCommand, limit: Duration) -> Result<Secret, String> {
    let name = format!("the key command `{}`", command.program());
    let by_hand = "run it by hand to see why";
    let started = Instant::now();
    let mut child = Command::new(command.program())
        .args(command.arguments())
        // It may neither read what is typed at the screen nor write to it.
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{name} cannot be run: {error}"))?;
    let printed = child.stdout.take().map(read);
    let Some(status) = ended(&mut child, started, limit) else {
        return Err(format!(
            "{name} did not end within {} s; {by_hand}: it must not ask for anything",
            limit.as_secs_f64()
        ));
    };
    if !status.success() {
        return Err(format!("{name} failed ({status}); {by_hand}"));
    }
    // A program that it left behind may keep the pipe open.
    let left = limit.saturating_sub(started.elapsed()).max(LOOK);
    let printed = printed.and_then(|printed| printed.recv_timeout(left).ok());
    let printed = printed.unwrap_or_default();
    let text = String::from_utf8_lossy(&printed);
    let first = text.lines().next().unwrap_or_default();
    Secret::checked(first).map_err(|problem| format!("the first line of {name} {problem}"))
}

/// Reads the pipe on a thread of its own: waiting for it has no limit.
fn read(pipe: ChildStdout) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut printed = Vec::new();
        // What came before an error may be all there is to be.
        let _ = pipe.take(MOST).read_to_end(&mut printed);
        // Nobody may be waiting any more.
        let _ = sender.send(printed);
    });
    receiver
}

/// How the program ended; `None` where it had to be ended.
fn ended(child: &mut Child, started: Instant, limit: Duration) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if started.elapsed() < limit => thread::sleep(LOOK),
            Ok(None) | Err(_) => {
                // It may have ended by itself just now.
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn shell(script: &str) -> KeyCommand {
        KeyCommand::new(["sh", "-c", script]).unwrap()
    }

    fn failure(script: &str) -> String {
        run_within(&shell(script), LIMIT).unwrap_err()
    }

    #[test]
    fn the_first_line_is_the_key() {
        let key = run(&shell("echo '  sk-planted  '; echo login: me")).unwrap();
        assert_eq!(key.expose(), "sk-planted");
    }

    #[test]
    fn a_failure_names_the_program_and_how_it_ended_and_nothing_it_printed() {
        let text = failure("echo sk-planted; echo sk-planted >&2; exit 3");
        assert!(text.contains("`sh` failed (exit status: 3)"), "{text}");
        assert!(!text.contains("planted"), "{text}");
        assert!(failure("true").contains("is empty"));
        assert!(failure("echo 'two words'").contains("characters that no key has"));
        let missing = KeyCommand::new(["pointsman-no-such-program"]).unwrap();
        let text = run(&missing).unwrap_err();
        assert!(text.contains("`pointsman-no-such-program` cannot be run"));
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let command = KeyCommand::new(["sleep", "600"]).unwrap();
        let text = run_within(&command, Duration::ZERO).unwrap_err();
        assert!(text.contains("did not end within 0 s"), "{text}");
    }
}
