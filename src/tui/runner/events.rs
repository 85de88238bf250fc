//! What the terminal sends, forwarded to the screen's loop.

use std::time::Duration;

use crossterm::event::EventStream;
use futures_util::StreamExt as _;
use tokio::runtime::Handle;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;

use super::Report;

/// Reads the terminal until it is stopped. While somebody else has the
/// terminal (an editor), nothing of ours may read from it.
pub struct Events {
    task: Option<JoinHandle<()>>,
}

impl Events {
    /// Begins to read.
    pub fn start(runtime: &Handle, reports: Sender<Report>) -> Self {
        // The stream is polled by this one task only: it remembers the first
        // waker it is given, so polling it from two places loses wake-ups.
        let task = runtime.spawn(async move {
            let mut events = EventStream::new();
            while let Some(event) = events.next().await {
                if reports.send(Report::Terminal(event)).await.is_err() {
                    return;
                }
            }
            let _ = reports.send(Report::TerminalClosed).await;
        });
        Self { task: Some(task) }
    }

    /// Stops reading; when this returns the stream has been dropped.
    pub fn stop(&mut self) {
        let Some(task) = self.task.take() else {
            return;
        };
        task.abort();
        while !task.is_finished() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.stop();
    }
}
