//! One trace from whoever asks to whoever works, over every process between them.

use std::time::{Duration, Instant};

use aerie_testkit::{
    boards::BoardServer,
    llm::{LlmServer, Reply},
};
use aerie_tests::{
    cluster::{Cluster, Size},
    collector::{Collector, OtherCollector, Span, loose, services},
    http,
    program::Program,
    tools::PIXEL,
};
use anyhow::{Context, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::Utc;
use serde_json::json;

/// Longer than the exporters keep spans back.
const LIMIT: Duration = Duration::from_secs(60);
/// What the model writes: long enough for a letter, and nothing that the profile does not say.
const LETTER: &str = "Your posting describes work that I know well, and I would like to do it with your team. I have eight years of \
    Rust and Python behind me, most of them on payment and logistics systems.\n\nI would be glad to tell you more about this in \
    a conversation, and to hear from you what the team needs most in the months to come.";
/// The span of the caller, which is not ours.
const ROOT: &str = "00f067aa0ba902b7";

/// A call of a person's browser, within a trace of its own.
fn call(authority: &str, method: &str, trace: &str, request: &serde_json::Value) -> anyhow::Result<serde_json::Value> {
    let traceparent = format!("00-{trace}-{ROOT}-01");
    let headers = [("content-type", "application/json"), ("traceparent", traceparent.as_str())];
    let answer = http::send(authority, "POST", &format!("/{method}"), &headers, request.to_string().as_bytes())?;
    ensure!(answer.status == 200, "{method}: {} {}", answer.status, answer.body);
    answer.json()
}

/// Waits for a trace that is one tree below the caller's span and in which all these services took part.
async fn tree(collector: &Collector, trace: &str, wanted: &[(&str, &str)]) -> anyhow::Result<()> {
    let has = |spans: &[Span], service: &str, name: &str| {
        spans.iter().any(|span| span.service == service && span.name.contains(name))
    };
    let is_wanted = |spans: &[Span]| {
        wanted.iter().all(|(service, name)| has(spans, service, name)) && loose(spans, ROOT).is_empty()
    };
    let found = tokio::time::timeout(LIMIT, collector.wait(trace, is_wanted)).await;
    let Ok(spans) = found else {
        let spans = collector.spans(trace);
        let missing: Vec<_> = wanted.iter().filter(|(service, name)| !has(&spans, service, name)).collect();
        anyhow::bail!(
            "missing {missing:?}; loose {:#?}; of {:?}; in other traces {:?}",
            loose(&spans, ROOT),
            services(&spans),
            collector.services()
        );
    };
    println!("{trace}: {} spans, {:?}", spans.len(), services(&spans));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_leads_from_the_caller_through_every_service() -> anyhow::Result<()> {
    let Some(program) = Program::find()? else { return Ok(()) };
    let (boards, collector) = (BoardServer::start(Utc::now()).await?, Collector::start().await?);
    let model = LlmServer::start().await?;
    model.answer("/chat/completions", |request| Reply::chat_as_asked(request, LETTER));
    let backend = json!({"kind": "openai_compatible", "base_url": format!("{}/v1", model.base_url()), "model": "m"});
    let backends = json!({"mock": backend}).to_string();
    let endpoint = collector.endpoint();
    let settings = [("AERIE__TELEMETRY__OTLP_ENDPOINT", endpoint.as_str()), ("AERIE__LLM__BACKENDS", &backends)];
    let size = Size { visions: 1, ..Size::ONE };
    let Some(cluster) = Cluster::with_boards(&program, size, &boards, &settings)? else { return Ok(()) };
    let authority = cluster.gateway(0)?.replace("http://", "");

    let run = "4bf92f3577b34da6a3ce929d0e0e4701";
    call(&authority, "aerie.pipeline.v1.DiscoveryService/StartRun", run, &json!({}))?;
    let worker = ("aerie-pipeline", "task");
    tree(&collector, run, &[("aerie-gateway", "StartRun"), ("aerie-pipeline", "StartRun"), worker]).await?;

    let jobs =
        call(&authority, "aerie.pipeline.v1.JobsService/ListJobs", "4bf92f3577b34da6a3ce929d0e0e4702", &json!({}))?;
    let job = jobs["jobs"][0]["id"].as_str().context("a job")?;
    let letter = "4bf92f3577b34da6a3ce929d0e0e4703";
    call(&authority, "aerie.pipeline.v1.LettersService/GenerateLetter", letter, &json!({"jobId": job}))?;
    let router = ("aerie-llm-router", "Complete");
    tree(&collector, letter, &[("aerie-gateway", "GenerateLetter"), worker, router]).await?;

    let look = "4bf92f3577b34da6a3ce929d0e0e4704";
    let question = json!({"image": STANDARD.encode(PIXEL), "question": "What?", "sampling": {"maxTokens": 2}});
    call(&authority, "aerie.vision.v1.VisionService/Query", look, &question)?;
    let stages = [("aerie-gateway", "Query"), ("aerie-vision", "VisionService/Query"), ("aerie-vision", "prefill")];
    tree(&collector, look, &stages).await?;
    Ok(())
}

/// What leaves the services is understood by others: a collector of another make has one whole trace.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_of_another_make_takes_the_traces() -> anyhow::Result<()> {
    let Some(program) = Program::find()? else { return Ok(()) };
    let (boards, Some(collector)) = (BoardServer::start(Utc::now()).await?, OtherCollector::start()?) else {
        return Ok(());
    };
    let endpoint = collector.endpoint();
    let settings = [("AERIE__TELEMETRY__OTLP_ENDPOINT", endpoint.as_str())];
    let Some(cluster) = Cluster::with_boards(&program, Size::ONE, &boards, &settings)? else { return Ok(()) };
    let authority = cluster.gateway(0)?.replace("http://", "");
    let run = "4bf92f3577b34da6a3ce929d0e0e4705";
    call(&authority, "aerie.pipeline.v1.DiscoveryService/StartRun", run, &json!({}))?;
    let deadline = Instant::now() + LIMIT;
    loop {
        let spans = collector.spans(run)?;
        let of = services(&spans);
        if of.contains_key("aerie-gateway") && of.contains_key("aerie-pipeline") && loose(&spans, ROOT).is_empty() {
            println!("{run}: {} spans, {of:?}", spans.len());
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{of:?}; loose {:#?}", loose(&spans, ROOT));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
