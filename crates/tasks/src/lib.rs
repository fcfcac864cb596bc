//! Durable tasks: claim, lease, fence, steps, fan-out, schedules and one active task per key.
//!
//! A task is a row in the store of the person whose work it is, so it is submitted in the transaction of the change
//! that asked for it and survives whatever happens to the process. A kind of work is a [`TaskHandler`]; a [`Registry`]
//! lists the kinds, a [`Queue`] submits and steers tasks, and a [`Runner`] runs them.
//!
//! Whoever runs a task holds a lease with a random token, and every write of the run names that token. When the lease
//! runs out (the process died, or was paused), another worker takes the task under a new token and continues after
//! its last finished step; what the first one still tries to write changes nothing.

mod backoff;
mod clock;
mod context;
mod ending;
mod error;
mod handler;
mod lease;
mod listener;
mod metric;
pub mod notice;
mod presence;
mod queue;
mod runner;
mod schedule;
mod task;

pub use backoff::Backoff;
pub use clock::{Clock, ManualClock, ServerClock, SystemClock};
pub use context::{ChildEnd, FanOut, LogLevel, OpenStep, Step, TaskContext};
pub use error::{QueueError, TaskError};
pub use handler::{KindPolicy, Outcome, Registry, TaskHandler};
pub use listener::listen;
pub use presence::{PRESENCE_FILE, Presence};
pub use queue::{Counts, Due, Filter, Page, Queue};
pub use runner::{Runner, RunnerOptions};
pub use schedule::{NewSchedule, Schedule};
pub use task::{LogLine, NewTask, StepDone, Submitted, Task, TaskId, TaskState};
