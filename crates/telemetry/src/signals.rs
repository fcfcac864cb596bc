//! The two stop signals: the first asks, the second insists.

use std::io;

use tokio::sync::mpsc;

use crate::lifecycle::Lifecycle;

/// Exit code of a process ended by Ctrl-C, by convention 128 + 2.
const INTERRUPTED: i32 = 130;

/// Every SIGTERM and SIGINT (Ctrl-C) of this process.
pub(crate) fn stop_signals() -> io::Result<mpsc::Receiver<&'static str>> {
    let (sender, receiver) = mpsc::channel(4);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        for (kind, name) in [(SignalKind::interrupt(), "SIGINT"), (SignalKind::terminate(), "SIGTERM")] {
            let (mut stream, sender) = (signal(kind)?, sender.clone());
            tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    if sender.send(name).await.is_err() {
                        return;
                    }
                }
            });
        }
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if sender.send("Ctrl-C").await.is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// Stops softly at the first signal and calls `exit` at the second.
pub(crate) async fn obey(mut signals: mpsc::Receiver<&'static str>, lifecycle: Lifecycle, exit: impl Fn(i32)) {
    let Some(name) = signals.recv().await else { return };
    tracing::info!(signal = name, "{name} received: finishing what runs; once more ends at once");
    lifecycle.stop();
    if let Some(name) = signals.recv().await {
        tracing::warn!(signal = name, "{name} received again: ending now");
        exit(INTERRUPTED);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test]
    async fn first_signal_stops_softly_and_second_exits() {
        let (sender, receiver) = mpsc::channel(2);
        let (lifecycle, exits) = (Lifecycle::new(), Arc::new(Mutex::new(Vec::new())));
        let noted = exits.clone();
        let task = tokio::spawn(obey(receiver, lifecycle.clone(), move |code| noted.lock().unwrap().push(code)));
        assert!(!lifecycle.soft().is_cancelled());
        sender.send("SIGTERM").await.unwrap();
        lifecycle.soft().cancelled().await;
        assert!(exits.lock().unwrap().is_empty());
        sender.send("SIGINT").await.unwrap();
        task.await.unwrap();
        assert_eq!(*exits.lock().unwrap(), [130]);
    }
}
