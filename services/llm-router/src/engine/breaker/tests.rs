#![allow(clippy::unwrap_used)]

use std::sync::Barrier;

use super::*;

const MIDDLE: f64 = 0.5;
const CAUSE: FaultKind = FaultKind::Unavailable;

fn settings() -> LlmBreaker {
    LlmBreaker { consecutive: 3, error_share: 0.5, least_calls: 10, ..LlmBreaker::default() }
}

fn fail(breaker: &Breaker, now: Instant) {
    breaker.pass(now).unwrap().failed(CAUSE, now, MIDDLE);
}

fn opened(now: Instant) -> Breaker {
    let breaker = Breaker::counting(settings());
    (0..3).for_each(|_| fail(&breaker, now));
    breaker
}

#[test]
fn failures_in_a_row_open_it_and_an_answer_in_between_does_not_let_them_add_up() {
    let now = Instant::now();
    let breaker = Breaker::counting(settings());
    for _ in 0..3 {
        (0..2).for_each(|_| fail(&breaker, now));
        (0..5).for_each(|_| breaker.pass(now).unwrap().answered(now));
    }
    assert_eq!(breaker.status(now).0, BreakerState::Closed);
    (0..3).for_each(|_| fail(&breaker, now));
    let shut = breaker.pass(now).unwrap_err();
    assert_eq!(shut, Shut { wait: Duration::from_secs(1), cause: CAUSE, hard: false });
}

#[test]
fn a_large_share_of_failures_within_the_window_opens_it_and_older_ones_do_not_count() {
    let start = Instant::now();
    let breaker = Breaker::counting(settings());
    let round = |now| {
        fail(&breaker, now);
        breaker.pass(now).unwrap().answered(now);
    };
    (0..4).for_each(|_| round(start));
    // Not a whole turn of the window's parts later, so that the old ones are still there.
    let later = start + Duration::from_secs(34);
    (0..4).for_each(|_| round(later));
    assert_eq!(breaker.status(later).0, BreakerState::Closed, "eight calls in this window");
    round(later);
    fail(&breaker, later);
    assert_eq!(breaker.status(later).0, BreakerState::Open);
}

#[test]
fn a_thousand_callers_at_the_end_of_the_rest_make_exactly_one_probe() {
    let now = Instant::now();
    let breaker = opened(now);
    let later = now + Duration::from_secs(2);
    let (start, threads) = (Barrier::new(16), 16);
    let passes: Vec<Pass> = std::thread::scope(|scope| {
        let callers = (0..threads).map(|_| {
            scope.spawn(|| {
                start.wait();
                (0..63).filter_map(|_| breaker.pass(later).ok()).collect::<Vec<Pass>>()
            })
        });
        let callers: Vec<_> = callers.collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    });
    assert_eq!(passes.len(), 1);
    for pass in passes {
        pass.answered(later);
    }
    assert_eq!(breaker.status(later).0, BreakerState::Closed);
}

#[test]
fn each_failed_probe_doubles_the_rest_up_to_the_longest() {
    let mut now = Instant::now();
    let breaker = opened(now);
    let mut rests = Vec::new();
    for _ in 0..8 {
        let rest = breaker.status(now).1.unwrap();
        rests.push(rest.as_secs());
        now += rest;
        fail(&breaker, now);
    }
    assert_eq!(rests, [1, 2, 4, 8, 16, 32, 60, 60]);
}

#[test]
fn a_probe_whose_caller_went_away_is_given_to_the_next_one() {
    let now = Instant::now();
    let breaker = opened(now);
    let later = now + Duration::from_secs(2);
    let probe = breaker.pass(later).unwrap();
    assert!(breaker.pass(later).is_err());
    drop(probe);
    assert!(breaker.pass(Instant::now() + Duration::from_secs(2)).is_ok());
}

#[test]
fn a_pause_holds_for_as_long_as_was_asked_and_ends_without_a_probe() {
    let now = Instant::now();
    let breaker = Breaker::told();
    breaker.pause(now + Duration::from_secs(30), FaultKind::Overloaded);
    breaker.pause(now + Duration::from_secs(5), FaultKind::Overloaded);
    assert_eq!(breaker.pass(now + Duration::from_secs(29)).unwrap_err().wait, Duration::from_secs(1));
    let later = now + Duration::from_secs(30);
    let passes = [breaker.pass(later).unwrap(), breaker.pass(later).unwrap()];
    assert!(passes.iter().all(|pass| !pass.probe));
}

#[test]
fn a_refused_key_is_hard_down_and_comes_back_by_one_probe() {
    let now = Instant::now();
    let breaker = Breaker::told();
    breaker.refuse(now + Duration::from_secs(1_800), FaultKind::KeyRefused);
    assert_eq!(breaker.status(now).0, BreakerState::HardDown);
    assert!(breaker.pass(now + Duration::from_secs(1_799)).unwrap_err().hard);
    let later = now + Duration::from_secs(1_800);
    let probe = breaker.pass(later).unwrap();
    assert!(breaker.pass(later).is_err());
    probe.answered(later);
    assert!(breaker.pass(later).is_ok());
}

#[test]
fn a_health_check_ends_the_rest_after_failures_and_no_other() {
    let now = Instant::now();
    let failing = opened(now);
    failing.hurry(now);
    assert!(failing.pass(now).unwrap().is_probe());
    for rest in [Breaker::pause, Breaker::refuse] {
        let breaker = Breaker::told();
        rest(&breaker, now + Duration::from_secs(5), CAUSE);
        breaker.hurry(now);
        assert!(breaker.pass(now).is_err());
    }
}

#[test]
fn a_late_answer_from_before_does_not_close_it() {
    let now = Instant::now();
    let breaker = Breaker::counting(settings());
    let early = breaker.pass(now).unwrap();
    (0..3).for_each(|_| fail(&breaker, now));
    early.answered(now);
    assert_eq!(breaker.status(now).0, BreakerState::Open);
}
