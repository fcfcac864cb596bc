//! What is measured.

use std::{process::Command, time::Duration};

use bytes::Bytes;
use http::Request;
use serde_json::json;

use crate::{
    Run,
    grpc::{self, Front},
    load::{self, Outcome, Target, once},
    peers::{Contender, Gateway, Places, aerie},
    process::{Port, Server, Usage, free_port},
    report::{Report, median, short},
};

const QUICK: Duration = Duration::from_secs(10);
const FIRST_ANSWER: Duration = Duration::from_secs(90);
/// Only the end of a whole answer holds this.
const WHOLE: &[u8] = b"\"usage\"";
const DONE: &[u8] = b"[DONE]";

type Scenario = fn(&Run, &Places, &mut Report) -> anyhow::Result<()>;

/// Runs the chosen ones.
pub fn all(run: &Run, places: &Places, report: &mut Report) -> anyhow::Result<()> {
    let scenarios: [(&str, Scenario); 8] = [
        ("plain", plain),
        ("stream", stream),
        ("grpc", grpc_front),
        ("image", image),
        ("dead", dead_primary),
        ("paced", paced),
        ("start", cold_start),
        ("memory", memory),
    ];
    for (name, scenario) in scenarios {
        if run.only.is_empty() || run.only.iter().any(|part| name.contains(part.as_str())) {
            println!("{name}");
            scenario(run, places, report)?;
        }
    }
    Ok(())
}

fn mock(places: &Places, behaviour: &str) -> anyhow::Result<Server> {
    let port = free_port()?;
    let mut command = Command::new(&places.bench);
    command.args(["mock", behaviour, "--port", &port.to_string()]);
    let log = places.scratch.join(format!("mock-{behaviour}-{port}.log"));
    Server::start("mock", &mut command, &Port::Told(port), &log, QUICK)
}

/// About a kilobyte, as a matching question has.
fn question(model: &str, stream: bool) -> Bytes {
    let text = "Does this posting fit the profile? Answer in three sentences. ".repeat(16);
    let messages =
        json!([{"role": "system", "content": "You are a careful assistant."}, {"role": "user", "content": text}]);
    let mut body = json!({"model": model, "messages": messages, "temperature": 0.2, "max_tokens": 256});
    if stream {
        body["stream"] = true.into();
    }
    Bytes::from(body.to_string())
}

fn picture(model: &str) -> Bytes {
    // A PNG's first bytes, then noise that compresses to nothing: a megabyte of base64.
    let head = "iVBORw0KGgoAAAANSUhEUgAA";
    let rest: String =
        (0..1_048_576_u32).map(|place| ALPHABET[(place.wrapping_mul(2_654_435_761) >> 26) as usize]).collect();
    let url = format!("data:image/png;base64,{head}{rest}");
    let content = json!([{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]);
    Bytes::from(
        json!({"model": model, "messages": [{"role": "user", "content": content}], "max_tokens": 64}).to_string(),
    )
}

const ALPHABET: [char; 64] = [
    'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W',
    'X', 'Y', 'Z', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't',
    'u', 'v', 'w', 'x', 'y', 'z', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '+', '/',
];

/// Outcomes of one contender, round by round.
struct Rounds {
    gateway: Gateway,
    by_setting: Vec<Vec<Outcome>>,
}

impl Rounds {
    fn median(&self, setting: usize, figure: impl Fn(&Outcome) -> f64) -> f64 {
        self.by_setting.get(setting).map_or(f64::NAN, |outcomes| median(outcomes.iter().map(figure).collect()))
    }

    fn p50(&self, setting: usize) -> f64 {
        self.median(setting, |outcome| Outcome::quantile(&outcome.whole, 0.5))
    }

    fn first_byte(&self, setting: usize) -> f64 {
        self.median(setting, |outcome| Outcome::quantile(&outcome.first_byte, 0.5))
    }

    fn rate(&self, setting: usize) -> f64 {
        self.median(setting, |outcome| outcome.rate)
    }

    fn processor(&self, setting: usize) -> f64 {
        self.median(setting, |outcome| outcome.processor)
    }
}

/// Every installed contender in turn, every round, with each number of connections.
fn contest(
    run: &Run,
    places: &Places,
    gateways: &[Gateway],
    connections: &[usize],
    body: impl Fn(&str) -> Bytes,
    sign: &'static [u8],
) -> anyhow::Result<Vec<Rounds>> {
    let provider = mock(places, "instant")?;
    let mut contenders: Vec<(Contender, Rounds)> = Vec::new();
    for gateway in gateways {
        match gateway.start(places, &provider.authority()) {
            Ok(Some(contender)) => match wait_until_it_answers(&contender, &body(contender.model)) {
                Ok(()) => {
                    let by_setting = vec![Vec::new(); connections.len()];
                    contenders.push((contender, Rounds { gateway: *gateway, by_setting }));
                }
                Err(error) if *gateway == Gateway::Aerie => return Err(error),
                Err(error) => println!("  {} is left out: {error:#}", gateway.name()),
            },
            Ok(None) => println!("  {} is not installed", gateway.name()),
            Err(error) if *gateway == Gateway::Aerie => return Err(error),
            Err(error) => println!("  {} is left out: {error:#}", gateway.name()),
        }
    }
    for _ in 0..run.rounds {
        for (contender, rounds) in &mut contenders {
            let body = body(contender.model);
            for (setting, connections) in connections.iter().enumerate() {
                let outcome = load::run(&contender.target, &body, *connections, run.length(), sign)?;
                if let Some(failure) = &outcome.first_failure {
                    println!("  {}: {} failures, first: {failure}", rounds.gateway.name(), outcome.failures);
                }
                rounds.by_setting[setting].push(outcome);
            }
        }
    }
    Ok(contenders.into_iter().map(|(_, rounds)| rounds).collect())
}

/// Some look at their provider for half a minute first.
fn wait_until_it_answers(contender: &Contender, body: &Bytes) -> anyhow::Result<()> {
    let began = std::time::Instant::now();
    let target = &contender.target;
    loop {
        let mut request = Request::post(target.path);
        for (name, value) in &target.headers {
            request = request.header(*name, value);
        }
        match once(&target.authority, request, body.clone()) {
            Ok(_) => return Ok(()),
            Err(error) if began.elapsed() > FIRST_ANSWER => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(250)),
        }
    }
}

fn of(rounds: &[Rounds], gateway: Gateway) -> Option<&Rounds> {
    rounds.iter().find(|rounds| rounds.gateway == gateway)
}

fn plain(run: &Run, places: &Places, report: &mut Report) -> anyhow::Result<()> {
    let rounds = contest(run, places, &Gateway::ALL, &[1, 64], |model| question(model, false), WHOLE)?;
    report.section(
        "HTTP, plain answers",
        &["", "1 connection: added p50 µs", "CPU µs", "64 connections: answers/s", "p99 ms", "CPU µs", "failures"],
    );
    let direct = of(&rounds, Gateway::Direct).map_or(f64::NAN, |direct| direct.p50(0));
    for contender in &rounds {
        report.row(vec![
            contender.gateway.name().to_owned(),
            short(contender.p50(0) - direct),
            short(contender.processor(0)),
            short(contender.rate(1)),
            short(contender.median(1, |outcome| Outcome::quantile(&outcome.whole, 0.99)) / 1_000.0),
            short(contender.processor(1)),
            short(contender.median(1, |outcome| outcome.failures as f64)),
        ]);
    }
    let Some(ours) = of(&rounds, Gateway::Aerie) else { return Ok(()) };
    for (peer, wanted) in
        [(Gateway::Smg, 3.0), (Gateway::TensorZero, 3.0), (Gateway::Portkey, 18.0), (Gateway::LiteLlm, 200.0)]
    {
        if let Some(peer) = of(&rounds, peer) {
            let what = format!("answers a second against {}, 64 connections", peer.gateway.name());
            report.at_least(what, wanted, ours.rate(1) / peer.rate(1));
        }
    }
    if let Some(floor) = of(&rounds, Gateway::FloorJson) {
        report.at_most("CPU an answer against floor-json, 64 connections", 1.4, ours.processor(1) / floor.processor(1));
    }
    Ok(())
}

fn stream(run: &Run, places: &Places, report: &mut Report) -> anyhow::Result<()> {
    let rounds = contest(run, places, &Gateway::ALL, &[1, 64], |model| question(model, true), DONE)?;
    report.section(
        "HTTP, streams of 34 events in one burst",
        &["", "1 connection: added first byte µs", "whole µs", "CPU µs", "64 connections: streams/s", "CPU µs"],
    );
    let direct = of(&rounds, Gateway::Direct).map_or(f64::NAN, |direct| direct.first_byte(0));
    for contender in &rounds {
        report.row(vec![
            contender.gateway.name().to_owned(),
            short(contender.first_byte(0) - direct),
            short(contender.p50(0)),
            short(contender.processor(0)),
            short(contender.rate(1)),
            short(contender.processor(1)),
        ]);
    }
    let (Some(ours), Some(floor)) = (of(&rounds, Gateway::Aerie), of(&rounds, Gateway::FloorJson)) else {
        return Ok(());
    };
    let added = |rounds: &Rounds| rounds.first_byte(0) - direct;
    report.at_most("added time to first byte against floor-json", 1.2, added(ours) / added(floor));
    report.at_most("CPU a burst against floor-json, 64 connections", 0.5, ours.processor(1) / floor.processor(1));
    Ok(())
}

fn image(run: &Run, places: &Places, report: &mut Report) -> anyhow::Result<()> {
    let gateways = [Gateway::Direct, Gateway::FloorPass, Gateway::FloorJson, Gateway::Aerie, Gateway::Smg];
    let rounds = contest(run, places, &gateways, &[1, 4], picture, WHOLE)?;
    report.section(
        "HTTP, an image of 1 MB in the question",
        &["", "1 connection: p50 µs", "CPU µs", "4 connections: answers/s", "CPU µs"],
    );
    for contender in &rounds {
        report.row(vec![
            contender.gateway.name().to_owned(),
            short(contender.p50(0)),
            short(contender.processor(0)),
            short(contender.rate(1)),
            short(contender.processor(1)),
        ]);
    }
    if let (Some(ours), Some(floor)) = (of(&rounds, Gateway::Aerie), of(&rounds, Gateway::FloorJson)) {
        report.at_most("CPU of an image of 1 MB against floor-json", 0.7, ours.processor(1) / floor.processor(1));
    }
    Ok(())
}

fn grpc_front(run: &Run, places: &Places, report: &mut Report) -> anyhow::Result<()> {
    let provider = mock(places, "instant")?;
    let port = free_port()?;
    let mut command = Command::new(&places.bench);
    command.args(["floor-grpc", "--port", &port.to_string(), "--provider", &provider.authority()]);
    let floor =
        Server::start("floor-grpc", &mut command, &Port::Told(port), &places.scratch.join("floor-grpc.log"), QUICK)?;
    let ours = start_aerie(places, &[("mock", &provider)])?;
    let mut figures = [[vec![], vec![], vec![]], [vec![], vec![], vec![]]];
    for _ in 0..run.rounds {
        for (place, (front, server)) in [(Front::Floor, &floor), (Front::Router, &ours)].into_iter().enumerate() {
            let load =
                |calls, stream| grpc::load(front, &server.authority(), server.pid(), calls, run.length(), stream);
            let (one, many, streams) = (load(1, false)?, load(64, false)?, load(64, true)?);
            for (figure, outcome) in figures[place].iter_mut().zip([one, many, streams]) {
                figure.push(outcome);
            }
        }
    }
    report.section(
        "gRPC",
        &["", "1 call: p50 µs", "64 calls: answers/s", "CPU µs", "64 streams of 34 events: streams/s", "CPU µs"],
    );
    let middle = |outcomes: &[Outcome], figure: fn(&Outcome) -> f64| median(outcomes.iter().map(figure).collect());
    for (name, [one, many, streams]) in ["floor-grpc", "aerie"].iter().zip(&figures) {
        report.row(vec![
            (*name).to_owned(),
            short(middle(one, |outcome| Outcome::quantile(&outcome.whole, 0.5))),
            short(middle(many, |outcome| outcome.rate)),
            short(middle(many, |outcome| outcome.processor)),
            short(middle(streams, |outcome| outcome.rate)),
            short(middle(streams, |outcome| outcome.processor)),
        ]);
    }
    let ratio = |setting: usize| {
        middle(&figures[1][setting], |outcome| outcome.processor)
            / middle(&figures[0][setting], |outcome| outcome.processor)
    };
    report.at_most("CPU a gRPC answer against floor-grpc", 1.15, ratio(1));
    report.at_most("CPU a gRPC stream against floor-grpc", 1.15, ratio(2));
    // The HTTP front's first answer against the gRPC floor's: both one hop over the same provider.
    let floor_p50 = middle(&figures[0][0], |outcome| Outcome::quantile(&outcome.whole, 0.5));
    let http = load::run(&target(&ours), &question("mock", false), 1, run.length(), WHOLE)?;
    let direct = Target { authority: provider.authority(), path: "/v1/chat/completions", headers: vec![], pid: None };
    let direct = load::run(&direct, &question("mock-model", false), 1, run.length(), WHOLE)?;
    let direct_p50 = Outcome::quantile(&direct.whole, 0.5);
    let added = Outcome::quantile(&http.whole, 0.5) - direct_p50;
    report.at_most(
        "added p50 of the HTTP front against floor-grpc, 1 connection",
        0.8,
        added / (floor_p50 - direct_p50),
    );
    Ok(())
}

fn target(server: &Server) -> Target {
    Target { authority: server.authority(), path: "/v1/chat/completions", headers: vec![], pid: Some(server.pid()) }
}

fn start_aerie(places: &Places, providers: &[(&str, &Server)]) -> anyhow::Result<Server> {
    let port = free_port()?;
    let named: Vec<(&str, String)> = providers.iter().map(|(name, server)| (*name, server.authority())).collect();
    let named: Vec<(&str, &str)> = named.iter().map(|(name, authority)| (*name, authority.as_str())).collect();
    let mut command = aerie(places, port, &named)?;
    Server::start("aerie", &mut command, &Port::Told(port), &places.scratch.join("aerie.log"), QUICK)
}

/// How often a mock was asked.
fn asked(server: &Server) -> anyhow::Result<u64> {
    let text = String::from_utf8(once(&server.authority(), Request::get("/count"), Bytes::new())?.to_vec())?;
    Ok(text.trim().parse()?)
}

fn dead_primary(run: &Run, places: &Places, report: &mut Report) -> anyhow::Result<()> {
    let (dead, healthy) = (mock(places, "dead")?, mock(places, "instant")?);
    let broken = start_aerie(places, &[("dead", &dead), ("mock", &healthy)])?;
    let whole = start_aerie(places, &[("mock", &healthy)])?;
    // The default chain, not one backend.
    let body = question("default", false);
    let (mut with, mut without, mut answers) = (vec![], vec![], 0);
    for _ in 0..run.rounds {
        let outcome = load::run(&target(&broken), &body, 4, run.length(), WHOLE)?;
        answers += outcome.answers;
        anyhow::ensure!(outcome.failures == 0, "{} answers failed: {:?}", outcome.failures, outcome.first_failure);
        with.push(outcome.rate);
        without.push(load::run(&target(&whole), &body, 4, run.length(), WHOLE)?.rate);
    }
    let calls = asked(&dead)?;
    report.section("A dead first backend, a healthy second", &["", "answers/s", "calls to the dead one / answers"]);
    report.row(vec!["healthy alone".into(), short(median(without.clone())), "–".into()]);
    report.row(vec!["dead, then healthy".into(), short(median(with.clone())), format!("{calls} / {answers}")]);
    report.at_least(
        "answers a second with a dead first backend, against healthy",
        0.95,
        median(with) / median(without),
    );
    // Five failures open the breaker; then one probe for each cool-down, which begins at a second and doubles. Calls that
    // were under way when it opened count as well.
    let seconds = run.rounds as f64 * (run.seconds + 0.3) * 2.0;
    report.at_most("calls to the dead backend", 5.0 + 4.0 + seconds.log2().ceil().max(1.0), calls as f64);
    Ok(())
}

fn paced(run: &Run, places: &Places, report: &mut Report) -> anyhow::Result<()> {
    let provider = mock(places, "paced")?;
    let ours = start_aerie(places, &[("mock", &provider)])?;
    // One stream takes 64 × 20 ms.
    let length = Duration::from_secs_f64(run.seconds.max(4.0));
    let outcome = load::run(&target(&ours), &question("mock", true), 512, length, DONE)?;
    report.section("512 paced streams at once", &["", "streams", "lost", "p50 ms", "p99 ms", "memory MiB"]);
    report.row(vec![
        "aerie".into(),
        outcome.answers.to_string(),
        outcome.failures.to_string(),
        short(Outcome::quantile(&outcome.whole, 0.5) / 1_000.0),
        short(Outcome::quantile(&outcome.whole, 0.99) / 1_000.0),
        short(outcome.memory),
    ]);
    report.at_most("paced streams lost of 512 at once", 0.0, outcome.failures as f64);
    Ok(())
}

fn cold_start(run: &Run, places: &Places, report: &mut Report) -> anyhow::Result<()> {
    let provider = mock(places, "instant")?;
    let body = question("mock", false);
    let mut times = Vec::new();
    for _ in 0..run.rounds.max(5) {
        let began = std::time::Instant::now();
        let server = start_aerie(places, &[("mock", &provider)])?;
        once(&server.authority(), Request::post("/v1/chat/completions"), body.clone())?;
        times.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    report.section("Start", &["", "to the first answer, ms"]);
    report.row(vec!["aerie".into(), short(median(times.clone()))]);
    report.at_most("start to first answer, ms", 50.0, median(times));
    Ok(())
}

fn memory(run: &Run, places: &Places, report: &mut Report) -> anyhow::Result<()> {
    let provider = mock(places, "instant")?;
    let ours = start_aerie(places, &[("mock", &provider)])?;
    std::thread::sleep(Duration::from_secs(1));
    let idle = Usage::of(ours.pid())?.memory;
    let busy = load::run(&target(&ours), &question("mock", false), 64, run.length(), WHOLE)?.memory;
    let (mut done, mut first) = (0, f64::NAN);
    let mut last = busy;
    let mut place = 0_usize;
    // Twice through every kind of request at least, so that there is something to compare the end with.
    while done < run.requests || place < 8 {
        let stream = place % 4 == 3;
        let outcome = load::run(
            &target(&ours),
            &question("mock", stream),
            64,
            Duration::from_secs(5),
            if stream { DONE } else { WHOLE },
        )?;
        anyhow::ensure!(outcome.answers > 0, "no answers: {:?}", outcome.first_failure);
        done += outcome.answers;
        last = outcome.memory;
        place += 1;
        // After the first tenth every kind of request has been seen.
        if first.is_nan() && done * 10 >= run.requests && place >= 4 {
            first = last;
        }
    }
    report.section(
        "Memory of the process, MiB",
        &["", "idle", "64 connections", "after a tenth", "at the end", "requests"],
    );
    report.row(vec!["aerie".into(), short(idle), short(busy), short(first), short(last), done.to_string()]);
    report.at_most("memory when idle, MiB", 15.0, idle);
    report.at_most("memory at 64 connections, MiB", 27.0, busy);
    report.at_most(format!("growth over {done} requests, MiB"), 2.0, last - first);
    Ok(())
}
