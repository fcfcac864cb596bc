//! What traces and metrics show.

use aerie_config::ModelPrice;
use aerie_llm_router::{call::Call, engine::Engine, fault::FaultKind};
use metrics_exporter_prometheus::PrometheusBuilder;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing::subscriber::with_default;
use tracing_subscriber::layer::SubscriberExt;

use crate::script::{
    Beat, Play, Scripted, World, after, ask, complete, fail, finish, hear, say, seconds, started, text,
};

/// Asks once and returns the call's spans and metrics.
fn observed(world: World, streamed: bool) -> (Vec<SpanData>, String) {
    observed_while(world, async |engine| {
        if streamed {
            let heard = hear(engine.stream(ask("a secret question"), Call::default())).await;
            heard.end.map(drop).unwrap();
        } else {
            engine.complete(ask("a secret question"), Call::default()).await.unwrap();
        }
    })
}

/// Spans and metrics of what is done with an engine.
fn observed_while(world: World, work: impl AsyncFnOnce(Engine)) -> (Vec<SpanData>, String) {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let recorder = PrometheusBuilder::new().build_recorder();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        with_default(tracing_subscriber::registry().with(layer), || runtime.block_on(work(world.engine())));
    });
    (exporter.get_finished_spans().unwrap(), recorder.handle().render())
}

fn attribute(span: &SpanData, name: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key.as_str() == name);
    found.map(|attribute| attribute.value.to_string()).unwrap_or_default()
}

fn two() -> World {
    let (first, second) = (Scripted::new([fail(FaultKind::Unavailable)]), Scripted::new([say("a secret answer")]));
    World::of([("a", &first), ("b", &second)])
}

#[test]
fn each_try_is_a_span_below_that_of_the_call_in_the_conventions_words() {
    for streamed in [false, true] {
        let (spans, _) = observed(two(), streamed);
        let named = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
        let (calls, tries) = (named("route"), named("chat gpt"));
        assert_eq!((calls.len(), tries.len()), (1, 2), "{spans:?}");
        for span in &tries {
            assert_eq!(span.parent_span_id, calls[0].span_context.span_id());
            assert_eq!(attribute(span, "gen_ai.operation.name"), "chat");
            assert_eq!(attribute(span, "gen_ai.provider.name"), "openai");
            assert_eq!(attribute(span, "gen_ai.request.model"), "gpt");
            assert_eq!(attribute(span, "gen_ai.system"), "", "the older name only where it is asked for");
        }
        assert_eq!(attribute(tries[0], "error.type"), "unavailable");
        assert_eq!(attribute(tries[1], "gen_ai.usage.input_tokens"), "10");
        assert_eq!(attribute(tries[1], "gen_ai.usage.output_tokens"), "5");
        assert_eq!(attribute(tries[1], "gen_ai.response.finish_reasons"), "[\"stop\"]");
        assert_eq!(attribute(tries[1], "gen_ai.response.model"), if streamed { "model" } else { "" });
        assert_eq!(attribute(calls[0], "aerie.llm.backend"), "b");
    }
}

#[test]
fn older_names_are_there_for_those_who_ask_for_both() {
    let world = World { conventions: Some("http/dup,gen_ai/dup".to_owned()), ..two() };
    let (spans, _) = observed(world, false);
    let tries = spans.iter().filter(|span| span.name == "chat gpt");
    let systems: Vec<String> = tries.map(|span| attribute(span, "gen_ai.system")).collect();
    assert_eq!(systems, ["openai", "openai"]);
}

#[test]
fn the_span_of_a_failed_call_says_why() {
    let (spans, _) = observed_while(World::of([("a", &Scripted::new([fail(FaultKind::Caller)]))]), async |engine| {
        complete(&engine).await.unwrap_err();
    });
    let call = spans.iter().find(|span| span.name == "route").unwrap();
    assert_eq!(attribute(call, "error.type"), "invalid");
}

#[test]
fn only_backends_of_our_own_network_are_told_about_our_traces() {
    for local in [true, false] {
        let backend = Scripted::new([say("well")]);
        let world = World::new().backend("a", &backend, |backend| backend.local = local);
        observed(world, false);
        assert_eq!(backend.hop(0).trace.contains_key("traceparent"), local);
    }
}

#[test]
fn questions_and_answers_are_recorded_only_when_asked_for() {
    for streamed in [false, true] {
        let (spans, metrics) = observed(two(), streamed);
        assert!(!format!("{spans:?}{metrics}").contains("secret"));
        let (spans, _) = observed(two().set(|settings| settings.record_prompts = true), streamed);
        let answered = spans.iter().find(|span| attribute(span, "aerie.llm.backend") == "b").unwrap();
        assert!(attribute(answered, "gen_ai.input.messages").contains("a secret question"));
        assert!(attribute(answered, "gen_ai.output.messages").contains("a secret answer"), "streamed: {streamed}");
    }
}

#[test]
fn tries_tokens_and_times_are_counted() {
    let (_, metrics) = observed(two(), true);
    for line in [
        "aerie_llm_attempts_total{backend=\"a\",outcome=\"unavailable\"} 1",
        "aerie_llm_attempts_total{backend=\"b\",outcome=\"answered\"} 1",
        "aerie_llm_calls_total{chain=\"default\",operation=\"chat\",outcome=\"answered\"} 1",
        "gen_ai_client_token_usage_count{gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"openai\",gen_ai_request_model=\"gpt\",gen_ai_token_type=\"output\"} 1",
        "gen_ai_client_operation_time_to_first_chunk_seconds_count{gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"openai\",gen_ai_request_model=\"gpt\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
    assert!(metrics.contains("gen_ai_client_operation_duration_seconds"), "{metrics}");
}

fn assert_counted(metrics: &str, lines: &[&str]) {
    for line in lines {
        assert!(metrics.lines().any(|known| known == *line), "{line} in\n{metrics}");
    }
}

#[test]
fn costs_tokens_and_looks_into_the_cache_are_counted() {
    let world = World::of([("a", &Scripted::new([say("well")]))]).set(|settings| {
        settings.prices.insert("gpt".into(), ModelPrice { input: 2.0, output: 10.0, cached_input: None });
        settings.cache.bytes = 1 << 20;
    });
    let (_, metrics) = observed_while(world, async |engine| {
        for _ in 0..2 {
            engine.complete(ask("hello"), Call { cache: true, ..Call::default() }).await.unwrap();
        }
    });
    let asked = "gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"openai\",gen_ai_request_model=\"gpt\"";
    assert_counted(
        &metrics,
        &[
            "aerie_llm_cost_micros_total{backend=\"a\"} 70",
            "aerie_llm_cache_total{hit=\"false\"} 1",
            "aerie_llm_cache_total{hit=\"true\"} 1",
            "aerie_llm_call_seconds_count{operation=\"chat\"} 2",
            &format!("gen_ai_client_operation_duration_seconds_count{{{asked},error_type=\"\"}} 1"),
            &format!("gen_ai_client_token_usage_sum{{{asked},gen_ai_token_type=\"input\"}} 10"),
            &format!("gen_ai_client_token_usage_sum{{{asked},gen_ai_token_type=\"output\"}} 5"),
        ],
    );
}

#[test]
fn waiting_for_a_place_and_second_requests_are_counted() {
    let slow = Scripted::new([after(seconds(2), say("slow"))]);
    let world = World::new().backend("a", &slow, |backend| backend.settings.concurrency = Some(1));
    let (_, metrics) = observed_while(world, async |engine| {
        let (one, two) = tokio::join!(complete(&engine), complete(&engine));
        one.and(two).unwrap();
    });
    assert_counted(
        &metrics,
        &["aerie_llm_queue_wait_seconds_count{backend=\"a\"} 1", "aerie_llm_queue_wait_seconds_sum{backend=\"a\"} 2"],
    );

    let world = World::of([("a", &slow), ("b", &Scripted::new([say("fast")]))]);
    let world = world.set(|settings| settings.hedge.after_ms = Some(100));
    let (_, metrics) = observed(world, false);
    assert_counted(&metrics, &["aerie_llm_hedges_total{won=\"true\"} 1"]);
}

#[test]
fn a_chain_that_a_caller_made_up_is_counted_as_the_one_that_was_asked() {
    let (_, metrics) = observed_while(two(), async |engine| {
        engine.complete(ask("hello"), Call { chain: "made up".into(), ..Call::default() }).await.unwrap();
    });
    assert!(metrics.contains("chain=\"default\"") && !metrics.contains("made up"), "{metrics}");
}

#[test]
fn events_that_were_left_out_are_counted() {
    let dropped = Beat::Piece(aerie_llm_router::answer::Piece::Dropped);
    let beats = vec![started(), dropped.clone(), text("a"), dropped, finish()];
    let (_, metrics) = observed(World::of([("a", &Scripted::new([Play::Beats(beats)]))]), true);
    assert!(metrics.contains("aerie_llm_dropped_events_total{backend=\"a\"} 2"), "{metrics}");
}
