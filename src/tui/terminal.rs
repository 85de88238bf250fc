//! The terminal itself: taking it over and giving it back, whatever happens.
//!
//! Everything that is switched on is switched off by one function,
//! [`leave`], which the guard, the panic hook, the signals and suspending all
//! call. The screen is drawn on standard output; a program whose standard
//! output is no terminal has a headless twin for that ([`is_interactive`]).

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::style::force_color_output;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};

/// Whether the terminal is ours at the moment.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Held while a frame is written, so that a signal does not give the terminal
/// back in the middle of one.
static DRAWING: Mutex<()> = Mutex::new(());

/// Whether a person sits at both ends: keys come from a terminal and the
/// screen goes to one.
#[must_use]
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Switches on every mode the screen needs.
///
/// # Errors
/// If the terminal cannot be written to or has no raw mode; nothing stays on.
pub fn enter(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let entered = write_enter(&mut io::stdout(), mouse);
    if entered.is_err() {
        leave();
    }
    entered
}

/// Gives the terminal back: undoes every mode that [`enter`] or
/// [`Screen::set_mouse`] may have set. May be called at any time, any number
/// of times, from any thread; faults are of no use to anybody by then.
pub fn leave() {
    let _frame = wait_for_frame();
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = write_leave(&mut io::stdout());
        let _ = disable_raw_mode();
    }
}

fn write_enter(out: &mut impl Write, mouse: bool) -> io::Result<()> {
    execute!(out, EnterAlternateScreen, EnableBracketedPaste, Hide)?;
    if mouse {
        execute!(out, EnableMouseCapture)
    } else {
        Ok(())
    }
}

fn write_leave(out: &mut impl Write) -> io::Result<()> {
    // An unfinished frame first, or the terminal would show nothing more.
    execute!(
        out,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    )
}

/// Waits a moment for a frame being written. Not for ever: the thread that
/// writes may be the one that panicked.
fn wait_for_frame() -> Option<MutexGuard<'static, ()>> {
    for _ in 0..20 {
        match DRAWING.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    None
}

/// Has a panic give the terminal back before its message is printed, which
/// would otherwise vanish with the alternate screen. Call once, on the thread
/// that draws.
pub fn install_panic_hook() {
    let print = std::panic::take_hook();
    let screen_thread = std::thread::current().id();
    std::panic::set_hook(Box::new(move |info| {
        // While the screen is up, a panic elsewhere is told by whoever waits
        // for that thread, in its pane: the terminal stays ours.
        let ours = TAKEN.load(Ordering::SeqCst);
        if ours && std::thread::current().id() != screen_thread {
            return;
        }
        leave();
        print(info);
    }));
}

/// The screen while it is ours; dropping it gives the terminal back.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    mouse: bool,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// See [`enter`].
    pub fn open(mouse: bool) -> io::Result<Self> {
        // crossterm answers NO_COLOR by resetting attributes too, and the
        // selection would vanish. Our themes hold no colours in that case.
        force_color_output(true);
        enter(mouse)?;
        let backend = CrosstermBackend::new(BufWriter::with_capacity(1 << 16, io::stdout()));
        match Terminal::new(backend) {
            Ok(terminal) => Ok(Self { terminal, mouse }),
            Err(error) => {
                leave();
                Err(error)
            }
        }
    }

    /// Draws one frame, shown at once by terminals that know synchronized
    /// output. Draws nothing when the terminal is not ours any more.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let _frame = DRAWING
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if !TAKEN.load(Ordering::SeqCst) {
            return Ok(());
        }
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let drawn = self.terminal.draw(draw).map(|_| ());
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        drawn
    }

    /// Has the next frame repaint every cell.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn repaint(&mut self) -> io::Result<()> {
        // `Terminal::clear` would ask the terminal where its cursor is, and
        // the answer would go to the task that reads keys.
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }

    /// Columns and rows.
    ///
    /// # Errors
    /// If the terminal does not say.
    pub fn size(&self) -> io::Result<ratatui::layout::Size> {
        self.terminal.size()
    }

    /// Whether the mouse is ours.
    #[must_use]
    pub const fn mouse(&self) -> bool {
        self.mouse
    }

    /// Takes the mouse, or gives it back to the terminal's own selection.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn set_mouse(&mut self, mouse: bool) -> io::Result<()> {
        self.mouse = mouse;
        let out = self.terminal.backend_mut();
        if mouse {
            execute!(out, EnableMouseCapture)
        } else {
            execute!(out, DisableMouseCapture)
        }
    }

    /// Gives the terminal back for the time of `during` (an editor), then
    /// takes it again and has everything repainted.
    ///
    /// # Errors
    /// If the terminal cannot be taken again.
    pub fn lend<T>(&mut self, during: impl FnOnce() -> T) -> io::Result<T> {
        leave();
        let done = during();
        enter(self.mouse)?;
        self.repaint()?;
        Ok(done)
    }

    /// Stops the program until the shell brings it back (`fg`).
    ///
    /// # Errors
    /// If the program cannot be stopped or the terminal not be taken again.
    pub fn suspend(&mut self) -> io::Result<()> {
        self.lend(stop)?
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

#[cfg(unix)]
fn stop() -> io::Result<()> {
    signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)
}

#[cfg(not(unix))]
fn stop() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_undoes_every_mode_that_entering_sets() {
        let (mut entered, mut left) = (Vec::new(), Vec::new());
        write_enter(&mut entered, true).unwrap();
        write_leave(&mut left).unwrap();
        let (entered, left) = (
            String::from_utf8(entered).unwrap(),
            String::from_utf8(left).unwrap(),
        );
        let modes = |text: &str, end: char| -> Vec<String> {
            let found = text
                .split("\u{1b}[?")
                .filter_map(|part| part.strip_suffix(end));
            found.map(str::to_owned).collect()
        };
        // The cursor is hidden by `25l` and shown by `25h`.
        assert!(entered.contains("[?25l") && left.ends_with("[?25h"));
        for mode in modes(&entered, 'h') {
            assert!(modes(&left, 'l').contains(&mode), "mode {mode} stays on");
        }
        assert!(modes(&left, 'l').contains(&"2026".to_owned()));
    }

    #[test]
    fn leaving_without_having_entered_does_nothing() {
        leave();
        assert!(!TAKEN.load(Ordering::SeqCst));
    }
}
