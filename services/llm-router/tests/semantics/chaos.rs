//! Whatever backends do and whenever callers leave: one answer, one end, and nothing left behind.

use std::sync::{Arc, atomic::Ordering};

use aerie_llm_router::{
    answer::Piece,
    call::{Call, CallErrorKind, Priority},
    engine::Engine,
    fault::{Fault, FaultKind},
};
use futures::{StreamExt, future::join_all};
use proptest::prelude::*;

use crate::script::{Beat, Heard, Play, Scripted, World, ask, cut, finish, hear, millis, seconds, started};

const NAMES: [&str; 3] = ["a", "b", "c"];

/// A beat by number; contents name their backend, so that a mixture would show.
fn beat(name: &str, number: u8) -> Beat {
    match number {
        0 => started(),
        1..=4 => Beat::Piece(Piece::Content(format!("{name}{number} "))),
        5 => Beat::Piece(Piece::KeepAlive),
        6 => Beat::Piece(Piece::Dropped),
        7 => Beat::Wait(millis(700)),
        8 => cut(),
        9 => Beat::Fail(Fault::new(FaultKind::Unavailable, "in band")),
        10 => Beat::Hang,
        _ => finish(),
    }
}

fn content(beats: &[Beat]) -> String {
    let texts = beats.iter().filter_map(|beat| match beat {
        Beat::Piece(Piece::Content(text)) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

fn ends_well(beats: &[Beat]) -> bool {
    !beats.iter().any(|beat| matches!(beat, Beat::Fail(_) | Beat::Hang)) && !content(beats).is_empty()
}

fn judge(heard: &Heard, scripts: &[Vec<Beat>]) -> Result<(), TestCaseError> {
    match &heard.end {
        Ok(trail) => {
            let place = NAMES.iter().position(|name| *name == trail.backend).unwrap();
            prop_assert!(ends_well(&scripts[place]), "{}: {:?}", trail.backend, scripts[place]);
            prop_assert_eq!(&heard.text, &content(&scripts[place]));
        }
        Err(error) if heard.text.is_empty() => prop_assert_ne!(error.kind, CallErrorKind::Incomplete),
        Err(error) => {
            prop_assert_eq!(error.kind, CallErrorKind::Incomplete);
            let one = scripts.iter().any(|script| content(script).starts_with(&heard.text));
            prop_assert!(one, "a mixture: {}", heard.text);
        }
    }
    Ok(())
}

fn engine(scripts: &[Vec<Beat>], hold: u32, hedge: bool) -> (Engine, Vec<Arc<Scripted>>) {
    let backends: Vec<_> = scripts.iter().map(|script| Scripted::new([Play::Beats(script.clone())])).collect();
    let world = NAMES.iter().zip(&backends).fold(World::new(), |world, (name, backend)| {
        world.backend(name, backend, |backend| backend.settings.concurrency = Some(2))
    });
    let engine = world.set(|settings| {
        settings.stream.hold_pieces = hold;
        settings.hedge.after_ms = hedge.then_some(500);
        settings.retry.last_attempts = 1;
        settings.timeouts.first_token_ms = 3_000;
        settings.timeouts.between_tokens_ms = 2_000;
    });
    (engine.engine(), backends)
}

fn nothing_is_left(engine: &Engine, backends: &[Arc<Scripted>]) -> Result<(), TestCaseError> {
    for (status, backend) in engine.backends().iter().zip(backends) {
        prop_assert_eq!((status.in_flight, status.queued), (0, 0), "{}", status.name);
        prop_assert_eq!(backend.running.load(Ordering::Relaxed), 0);
    }
    Ok(())
}

fn scripts() -> impl Strategy<Value = Vec<Vec<Beat>>> {
    let script = |name: &'static str| {
        proptest::collection::vec(0u8..14, 0..8)
            .prop_map(move |beats| beats.into_iter().map(|number| beat(name, number)).collect::<Vec<_>>())
    };
    (script("a"), script("b"), script("c")).prop_map(|(a, b, c)| vec![a, b, c])
}

fn paused<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(work)
}

proptest! {
    #[test]
    fn a_caller_hears_one_backend_and_one_end(scripts in scripts(), hold in 0u32..4, hedge: bool) {
        paused(async {
            let (engine, backends) = engine(&scripts, hold, hedge);
            let heard = hear(engine.stream(ask("hello"), Call::default())).await;
            judge(&heard, &scripts)?;
            nothing_is_left(&engine, &backends)
        })?;
    }

    #[test]
    fn callers_who_leave_at_any_time_leave_nothing_behind(
        scripts in scripts(),
        patience in proptest::collection::vec((0u64..3_000, any::<bool>()), 1..20),
    ) {
        paused(async {
            let (engine, backends) = engine(&scripts, 0, true);
            let callers = patience.into_iter().enumerate().map(|(number, (patience, background))| {
                let priority = if background { Priority::Background } else { Priority::Interactive };
                let call = Call { person: (number % 3).to_string(), priority, ..Call::default() };
                let mut answer = engine.stream(ask("hello"), call);
                async move {
                    let listen = async { while answer.next().await.is_some() {} };
                    // Leaving early is what is tried here.
                    let _ = tokio::time::timeout(millis(patience), listen).await;
                }
            });
            join_all(callers).await;
            tokio::time::sleep(seconds(1)).await;
            nothing_is_left(&engine, &backends)
        })?;
    }
}
