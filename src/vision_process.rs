//! The vision service as a process of its own: started, watched, and started again when it ends.
//!
//! The model's memory and its device are that process's alone, so that whatever happens there is seen here as "vision
//! unavailable" and nothing else. The child ends when its standard input does, and so with this process, however that
//! ends.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};

use aerie_config::Vision;
use aerie_gateway::bind;
use aerie_rpc::Backend;
use aerie_telemetry::Lifecycle;
use anyhow::Context;
use tokio::{
    process::{Child, Command},
    time::Instant,
};

/// First pause before a process that ended is started again; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A process that lived this long was well; the pauses begin anew.
const WELL_AFTER: Duration = Duration::from_secs(120);
/// Time to end after its standard input has.
const GRACE: Duration = Duration::from_secs(10);
/// Exit code of a program whose libraries are not there.
const NOT_LOADED: i32 = 127;
/// The build with code for GPUs, which does not start where no driver is.
const GPU_PROGRAM: &str = "aerie-vision";

/// How the process is started.
#[derive(Debug, Clone)]
pub struct VisionProcess {
    program: PathBuf,
    /// What to start where `program` lacks a library.
    instead: Option<PathBuf>,
    arguments: Vec<OsString>,
    threads: usize,
}

impl VisionProcess {
    /// The vision process of these settings; `flags` are those of this process that choose the settings.
    ///
    /// # Errors
    /// The system does not say which program this is.
    pub fn new(settings: &Vision, flags: Vec<OsString>) -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("the program's own path")?;
        let with_gpu = own.with_file_name(GPU_PROGRAM);
        let wants_gpu = settings.device != "cpu" && has_driver() && with_gpu.is_file();
        // Who names a GPU is told that it cannot be had.
        let instead = (wants_gpu && settings.device == "auto").then(|| own.clone());
        let program = if wants_gpu { with_gpu } else { own };
        Ok(Self { program, instead, arguments: flags, threads: settings.threads })
    }

    /// Starts the process and keeps it running until the lifecycle stops. Calls fail as unavailable while it is not there.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(self, settings: &Vision, attempts: u16, lifecycle: &Lifecycle) -> anyhow::Result<Backend> {
        let bound = bind(settings.listen.ip(), settings.listen.port(), attempts).await.context("vision.listen")?;
        let address = bound.address;
        // The process binds it itself, each time.
        drop(bound.listener);
        let backend = Backend::remote(&format!("http://{address}"))?;
        let watched = lifecycle.clone();
        lifecycle.spawn(async move { self.keep_running(address, watched).await });
        Ok(backend)
    }

    async fn keep_running(mut self, address: SocketAddr, lifecycle: Lifecycle) {
        let stop = lifecycle.soft();
        let mut pauses = Pauses::default();
        loop {
            let began = Instant::now();
            let what = match self.spawn(address) {
                Ok(mut child) => {
                    // Waiting would close it, and that is the sign to end.
                    let input = child.stdin.take();
                    tracing::info!(%address, pid = child.id(), "the vision process has started");
                    tokio::select! {
                        () = stop.cancelled() => {
                            drop(input);
                            return end(child).await;
                        }
                        ended = child.wait() => match ended {
                            Ok(status) => {
                                self.fall_back(status.code());
                                status.to_string()
                            }
                            Err(error) => error.to_string(),
                        },
                    }
                }
                Err(error) => error.to_string(),
            };
            let pause = pauses.after(began.elapsed());
            let pause_ms = pause.as_millis() as u64;
            tracing::warn!(%what, pause_ms, "the vision process ended ({what}); it is started again in {pause_ms} ms");
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Gives the build for GPUs up when the system cannot load it.
    fn fall_back(&mut self, code: Option<i32>) {
        if code == Some(NOT_LOADED)
            && let Some(own) = self.instead.take()
        {
            let program = self.program.display();
            tracing::warn!("{program} lacks a library of CUDA, or the driver; the model runs on the processor");
            self.program = own;
        }
    }

    fn spawn(&self, address: SocketAddr) -> std::io::Result<Child> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).args(["vision", "up", "--supervised", "--listen"]).arg(address.to_string());
        if self.threads > 0 {
            command.env("RAYON_NUM_THREADS", self.threads.to_string());
        }
        // What is typed at the terminal is for this process alone, which then ends the other one.
        #[cfg(unix)]
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true).spawn()
    }
}

/// Waits for a process whose standard input has ended, and kills it when it goes on.
async fn end(mut child: Child) {
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        tracing::warn!("the vision process did not end in time and is killed");
        // It may have ended by now.
        let _ = child.kill().await;
    }
}

/// Whether NVIDIA's driver is there.
fn has_driver() -> bool {
    ["/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg"].iter().any(|file| PathBuf::from(file).exists())
}

/// The pauses between starts.
#[derive(Debug, Default)]
struct Pauses {
    last: Option<Duration>,
}

impl Pauses {
    /// The pause after a process that lived this long.
    fn after(&mut self, lived: Duration) -> Duration {
        let pause = match self.last {
            Some(last) if lived < WELL_AFTER => (last * 2).min(LONGEST_PAUSE),
            _ => FIRST_PAUSE,
        };
        self.last = Some(pause);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_that_cannot_be_loaded_gives_way_to_the_own_program() {
        let mut process = VisionProcess {
            program: "aerie-vision".into(),
            instead: Some("aerie".into()),
            arguments: Vec::new(),
            threads: 0,
        };
        process.fall_back(Some(1));
        process.fall_back(None);
        assert_eq!(process.program, PathBuf::from("aerie-vision"));
        process.fall_back(Some(NOT_LOADED));
        assert_eq!((process.program, process.instead), (PathBuf::from("aerie"), None));
    }

    #[test]
    fn pauses_grow_to_a_limit_and_begin_anew_after_a_good_while() {
        let mut pauses = Pauses::default();
        let short = Duration::from_millis(10);
        let seconds: Vec<u64> = (0..8).map(|_| pauses.after(short).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pauses.after(WELL_AFTER), FIRST_PAUSE);
        assert_eq!(pauses.after(short), 2 * FIRST_PAUSE);
    }
}
