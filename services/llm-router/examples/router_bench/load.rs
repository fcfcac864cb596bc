//! Closed-loop load over HTTP/1.1: each connection asks, reads the whole answer, and asks again.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::LocalSet};

use crate::process::Usage;

/// Time before counting begins.
const WARM_UP: Duration = Duration::from_millis(300);

/// What to send where.
#[derive(Debug, Clone)]
pub struct Target {
    /// `host:port`.
    pub authority: String,
    /// Path.
    pub path: &'static str,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// Process whose processor time and memory count.
    pub pid: Option<u32>,
}

/// What came out.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Answers that were whole.
    pub answers: u64,
    /// Everything else.
    pub failures: u64,
    /// The first failure, in words.
    pub first_failure: Option<String>,
    /// Answers a second.
    pub rate: f64,
    /// Time of each answer in microseconds, sorted.
    pub whole: Vec<u32>,
    /// Time to the first byte of each answer in microseconds, sorted.
    pub first_byte: Vec<u32>,
    /// Processor time of the process for each answer, in microseconds.
    pub processor: f64,
    /// Resident memory of the process at the end, in MiB.
    pub memory: f64,
}

impl Outcome {
    /// A quantile of sorted times.
    pub fn quantile(times: &[u32], share: f64) -> f64 {
        let place = ((times.len().saturating_sub(1)) as f64 * share) as usize;
        times.get(place).copied().map_or(f64::NAN, f64::from)
    }
}

/// Puts load on a target for a while.
pub fn run(
    target: &Target,
    body: &Bytes,
    connections: usize,
    length: Duration,
    sign: &'static [u8],
) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = Rc::new(RefCell::new(Outcome::default()));
    let begin = Instant::now() + WARM_UP;
    let end = begin + length;
    let local = LocalSet::new();
    let used = local.block_on(&runtime, async {
        let workers: Vec<_> = (0..connections)
            .map(|_| {
                let (target, body, outcome) = (target.clone(), body.clone(), Rc::clone(&outcome));
                tokio::task::spawn_local(async move {
                    while Instant::now() < end {
                        if let Err(error) = connection(&target, &body, begin, end, sign, &outcome).await {
                            let mut outcome = outcome.borrow_mut();
                            outcome.failures += 1;
                            outcome.first_failure.get_or_insert_with(|| format!("{error:#}"));
                        }
                    }
                })
            })
            .collect();
        tokio::time::sleep_until(begin.into()).await;
        let before = target.pid.map(Usage::of).transpose()?;
        tokio::time::sleep_until(end.into()).await;
        let after = target.pid.map(Usage::of).transpose()?;
        for worker in workers {
            worker.await?;
        }
        anyhow::Ok(before.zip(after))
    })?;
    let mut outcome = Rc::try_unwrap(outcome).map_err(|_| anyhow::anyhow!("a connection is still open"))?.into_inner();
    outcome.whole.sort_unstable();
    outcome.first_byte.sort_unstable();
    outcome.rate = outcome.answers as f64 / length.as_secs_f64();
    if let Some((before, after)) = used {
        outcome.processor = (after.processor - before.processor).as_micros() as f64 / outcome.answers.max(1) as f64;
        outcome.memory = after.memory;
    }
    Ok(outcome)
}

async fn connection(
    target: &Target,
    body: &Bytes,
    begin: Instant,
    end: Instant,
    sign: &'static [u8],
    outcome: &Rc<RefCell<Outcome>>,
) -> anyhow::Result<()> {
    let stream = TcpStream::connect(&target.authority).await.context("connect")?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::task::spawn_local(async move {
        // The sender sees the same failure.
        let _ = connection.await;
    });
    loop {
        sender.ready().await?;
        let asked = Instant::now();
        if asked >= end {
            return Ok(());
        }
        let answer = ask(&mut sender, target, body, sign, asked).await?;
        let finished = Instant::now();
        if asked >= begin && finished <= end {
            let mut outcome = outcome.borrow_mut();
            outcome.answers += 1;
            outcome.whole.push(microseconds(finished - asked));
            outcome.first_byte.push(microseconds(answer));
        }
    }
}

/// Asks once; returns the time to the first byte of the body.
async fn ask(
    sender: &mut http1::SendRequest<Full<Bytes>>,
    target: &Target,
    body: &Bytes,
    sign: &'static [u8],
    asked: Instant,
) -> anyhow::Result<Duration> {
    let mut request = Request::post(target.path)
        .header(header::HOST, &target.authority)
        .header(header::CONTENT_TYPE, "application/json");
    for (name, value) in &target.headers {
        request = request.header(*name, value);
    }
    let response = sender.send_request(request.body(Full::new(body.clone()))?).await?;
    let status = response.status();
    let mut answer = response.into_body();
    let (mut first, mut tail) = (None, Vec::new());
    while let Some(frame) = answer.frame().await {
        if let Ok(data) = frame?.into_data() {
            first.get_or_insert_with(|| asked.elapsed());
            tail.extend_from_slice(&data);
        }
    }
    anyhow::ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&tail[..tail.len().min(200)]));
    anyhow::ensure!(memchr::memmem::find(&tail, sign).is_some(), "the answer is not whole");
    first.context("an answer without a body")
}

/// Asks one thing and returns the body of the answer.
pub fn once(authority: &str, request: http::request::Builder, body: Bytes) -> anyhow::Result<Bytes> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let stream = TcpStream::connect(authority).await.context("connect")?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // The sender sees the same failure.
        tokio::spawn(async move { drop(connection.await) });
        let request = request.header(header::HOST, authority).header(header::CONTENT_TYPE, "application/json");
        let response = sender.send_request(request.body(Full::new(body))?).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        anyhow::ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
        Ok(body)
    })
}

/// Whole microseconds, as many as fit.
pub fn microseconds(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}
