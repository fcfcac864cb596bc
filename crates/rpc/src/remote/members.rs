//! The addresses of a service, and which of them is asked next.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;
use tonic::Status;

use super::{
    Entered, Target,
    member::{Member, Standing},
    target::Found,
};

/// How old the answer of the name service may be.
const REFRESH: Duration = Duration::from_secs(5);

/// All addresses of one service.
#[derive(Debug)]
pub(super) struct Members {
    target: Arc<Target>,
    known: Mutex<Known>,
    /// Somebody is looking the name up.
    is_looking: AtomicBool,
    /// Where the next search for the least busy one begins, so that equals take turns.
    turn: AtomicUsize,
}

#[derive(Debug, Default)]
struct Known {
    members: Vec<Arc<Member>>,
    at: Option<Instant>,
}

impl Members {
    pub(super) fn new(target: Arc<Target>) -> Self {
        Self { target, known: Mutex::default(), is_looking: AtomicBool::new(false), turn: AtomicUsize::new(0) }
    }

    /// The address with the fewest calls among those that work; when none does, the one that was given up first.
    pub(super) async fn pick(self: &Arc<Self>) -> Result<Entered, Status> {
        let (members, is_old) = self.known();
        let members = if members.is_empty() {
            self.look_up()
                .await
                .map_err(|error| Status::unavailable(format!("{} cannot be looked up: {error}", self.target.name())))?
        } else {
            if is_old && !self.is_looking.swap(true, Ordering::AcqRel) {
                let this = Arc::clone(self);
                tokio::spawn(async move {
                    if let Err(error) = this.look_up().await {
                        let name = this.target.name();
                        tracing::warn!(%error, "{name} cannot be looked up, its known addresses stay: {error}");
                    }
                    this.is_looking.store(false, Ordering::Release);
                });
            }
            members
        };
        let now = Instant::now();
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % members.len().max(1);
        let order = members.iter().cycle().skip(first).take(members.len());
        let best = order.min_by_key(|member| match member.standing(now) {
            Standing::Well => (0, member.in_progress() as u64),
            Standing::GivenUp(until) => (1, until.saturating_duration_since(now).as_millis() as u64),
        });
        let best = best.ok_or_else(|| Status::unavailable(format!("{} has no address", self.target.name())))?;
        Ok(Member::enter(best))
    }

    /// Whether an address works besides those that were given up.
    pub(super) fn has_another(&self) -> bool {
        let now = Instant::now();
        self.known().0.iter().any(|member| matches!(member.standing(now), Standing::Well))
    }

    fn known(&self) -> (Vec<Arc<Member>>, bool) {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        (known.members.clone(), known.at.is_none_or(|at| at.elapsed() >= REFRESH))
    }

    async fn look_up(&self) -> std::io::Result<Vec<Arc<Member>>> {
        let addresses = self.target.addresses().await;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // A failure is not asked about again at once either.
        known.at = Some(Instant::now());
        known.members = renewed(&known.members, addresses?, &self.target);
        Ok(known.members.clone())
    }
}

/// Keeps the connections of addresses that are still there.
fn renewed(before: &[Arc<Member>], found: Vec<Found>, target: &Arc<Target>) -> Vec<Arc<Member>> {
    let keep = |address: SocketAddr| before.iter().find(|member| member.address == address).cloned();
    let member = |found: Found| keep(found.0).unwrap_or_else(|| Arc::new(Member::new(found, target.clone())));
    found.into_iter().map(member).collect()
}
