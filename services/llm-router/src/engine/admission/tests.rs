#![allow(clippy::panic, clippy::unwrap_used)]

use std::{
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use futures::{FutureExt, future::join_all};

use super::*;

const LONG: Duration = Duration::from_secs(600);

#[derive(Debug, Default)]
struct Day(AtomicU64);

impl WallClock for Day {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

fn limits() -> Limits {
    Limits { concurrency: 1, requests_per_minute: None, tokens_per_minute: None, micros_per_day: None }
}

fn door(limits: Limits, depth: u32) -> Admission {
    Admission::new(limits, depth, Arc::new(Day::default()))
}

fn ticket(person: &str) -> Ticket {
    Ticket { person: person.into(), metered: true, ..Ticket::default() }
}

type Waiting<'a> = Pin<Box<dyn Future<Output = Result<Permit, Refusal>> + Send + 'a>>;

fn wait(door: &Admission, ticket: Ticket) -> Waiting<'_> {
    let mut waiting: Waiting<'_> = Box::pin(door.enter(ticket, Instant::now() + LONG));
    assert!(waiting.as_mut().now_or_never().is_none(), "no room yet");
    waiting
}

/// The order in which the waiting are let in, one at a time.
async fn order(first: Permit, waiting: Vec<(&'static str, Waiting<'_>)>) -> Vec<&'static str> {
    let (mut permit, mut waiting, mut order) = (Some(first), waiting, Vec::new());
    while !waiting.is_empty() {
        drop(permit.take());
        for place in 0..waiting.len() {
            if let Some(entered) = waiting[place].1.as_mut().now_or_never() {
                permit = Some(entered.unwrap());
                order.push(waiting.remove(place).0);
                break;
            }
        }
        assert!(permit.is_some(), "somebody is let in");
    }
    order
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_than_the_limit_run_at_once_and_the_others_wait() {
    let door = door(Limits { concurrency: 2, ..limits() }, 8);
    let one = door.enter(ticket("a"), Instant::now()).await.unwrap();
    let _two = door.enter(ticket("a"), Instant::now()).await.unwrap();
    let three = wait(&door, ticket("a"));
    assert_eq!((door.load().in_flight, door.load().queued), (2, 1));
    drop(one);
    three.await.unwrap();
    assert_eq!(door.load().queued, 0);
}

#[tokio::test(start_paused = true)]
async fn persons_take_turns_however_many_calls_one_of_them_has() {
    let door = door(limits(), 100);
    let first = door.enter(ticket("a"), Instant::now()).await.unwrap();
    let waiting = ["a", "a", "a", "b", "c"].map(|person| (person, wait(&door, ticket(person))));
    assert_eq!(order(first, waiting.into()).await, ["a", "b", "c", "a", "a"]);
}

#[tokio::test(start_paused = true)]
async fn interactive_calls_go_first_and_background_ones_do_not_starve() {
    let door = door(limits(), 100);
    let background = || Ticket { priority: Priority::Background, ..ticket("b") };
    let first = door.enter(ticket("a"), Instant::now()).await.unwrap();
    let mut waiting = vec![("background", wait(&door, background()))];
    waiting.extend((0..12).map(|_| ("interactive", wait(&door, ticket("a")))));
    let order = order(first, waiting).await;
    assert_eq!(order.iter().position(|who| *who == "background"), Some(8));
}

#[tokio::test(start_paused = true)]
async fn calls_of_the_loaded_model_go_first_a_few_times() {
    let door = door(limits(), 100);
    let call = |person: &str, model: &str| Ticket { model: model.into(), ..ticket(person) };
    let first = door.enter(call("a", "small"), Instant::now()).await.unwrap();
    let mut waiting = vec![("large", wait(&door, call("a", "large")))];
    waiting.extend((0..10).map(|_| ("small", wait(&door, call("b", "small")))));
    let order = order(first, waiting).await;
    assert_eq!(order.iter().position(|model| *model == "large"), Some(8));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once_but_a_background_call_gives_way_to_an_interactive_one() {
    let door = door(limits(), 2);
    let background = || Ticket { priority: Priority::Background, ..ticket("b") };
    let _inside = door.enter(ticket("a"), Instant::now()).await.unwrap();
    let _older = wait(&door, background());
    let newer = wait(&door, background());
    let refused = door.enter(background(), Instant::now() + LONG).now_or_never().unwrap();
    assert_eq!(refused.unwrap_err(), Refusal::Full);
    let _interactive = wait(&door, ticket("a"));
    assert_eq!(newer.await.unwrap_err(), Refusal::Full);
    assert_eq!(door.load().queued, 2);
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_or_goes_away_leaves_the_queue() {
    let door = door(limits(), 8);
    let inside = door.enter(ticket("a"), Instant::now()).await.unwrap();
    let until = Instant::now() + Duration::from_secs(5);
    assert_eq!(door.enter(ticket("a"), until).await.unwrap_err(), Refusal::Waited);
    assert_eq!(Instant::now(), until);
    let gone = wait(&door, ticket("a"));
    let stays = wait(&door, ticket("a"));
    drop(gone);
    assert_eq!(door.load().queued, 1);
    drop(inside);
    stays.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_place_given_to_somebody_who_just_left_goes_to_the_next() {
    let door = door(limits(), 8);
    let inside = door.enter(ticket("a"), Instant::now()).await.unwrap();
    let (left, stays) = (wait(&door, ticket("a")), wait(&door, ticket("a")));
    drop(inside);
    drop(left);
    stays.await.unwrap();
    assert_eq!(door.load().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn no_minute_has_more_requests_than_the_limit() {
    let door = door(Limits { concurrency: 100, requests_per_minute: Some(10), ..limits() }, 100);
    let start = Instant::now();
    let mut entered = Vec::new();
    for _ in 0..35 {
        drop(door.enter(ticket("a"), start + LONG).await.unwrap());
        entered.push(Instant::now() - start);
    }
    for window in entered.windows(11) {
        assert!(window[10] - window[0] >= Duration::from_secs(60), "{window:?}");
    }
    assert!(entered[34] <= Duration::from_secs(3 * 61));
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_leaves_no_room_in_time_refuses_at_once_and_says_when() {
    let door = door(Limits { requests_per_minute: Some(1), ..limits() }, 8);
    drop(door.enter(ticket("a"), Instant::now()).await.unwrap());
    let refusal = door.enter(ticket("a"), Instant::now() + Duration::from_secs(30)).now_or_never().unwrap();
    let Refusal::Rate { wait } = refusal.unwrap_err() else { panic!("a rate") };
    assert!((60..=61).contains(&wait.as_secs()), "{wait:?}");
}

#[tokio::test(start_paused = true)]
async fn tokens_are_reserved_and_what_was_not_used_is_given_back() {
    let door = door(Limits { concurrency: 100, tokens_per_minute: Some(1_000), ..limits() }, 100);
    let call = || Ticket { tokens: 600, ..ticket("a") };
    let first = door.enter(call(), Instant::now()).await.unwrap();
    let second = wait(&door, call());
    first.settle(100, 0);
    let second = second.await.unwrap();
    assert_eq!(door.load().tokens, 700);
    second.settle(900, 0);
    assert_eq!(door.load().tokens, 1_000);
    let until = Instant::now() + Duration::from_secs(1);
    assert!(matches!(door.enter(call(), until).await, Err(Refusal::Rate { .. })));
}

#[tokio::test(start_paused = true)]
async fn what_a_caller_who_goes_away_has_reserved_counts_as_used() {
    let door = door(Limits { tokens_per_minute: Some(1_000), ..limits() }, 8);
    drop(door.enter(Ticket { tokens: 600, micros: 5, ..ticket("a") }, Instant::now()).await.unwrap());
    assert_eq!((door.load().tokens, door.load().spent_micros, door.load().in_flight), (600, 5, 0));
}

#[tokio::test(start_paused = true)]
async fn sixty_four_callers_overshoot_the_money_of_a_day_by_one_call_at_most() {
    const CALL: u64 = 100;
    let day = Arc::new(Day::default());
    let limits = Limits { concurrency: 64, micros_per_day: Some(1_000), ..limits() };
    let door = Admission::new(limits, 100, day.clone());
    let callers = (0..64).map(|_| async {
        let mut refused = None;
        while refused.is_none() {
            match door.enter(Ticket { micros: CALL, ..ticket("a") }, Instant::now() + LONG).await {
                Ok(permit) => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    permit.settle(0, CALL);
                }
                Err(refusal) => refused = Some(refusal),
            }
        }
        refused
    });
    let refusals = join_all(callers).await;
    let spent = door.load().spent_micros;
    assert!((1_000..=1_000 + CALL).contains(&spent), "{spent}");
    assert!(refusals.contains(&Some(Refusal::Money { wait: Duration::from_secs(86_400) })));

    day.0.store(86_400, Ordering::Relaxed);
    door.enter(ticket("a"), Instant::now()).await.unwrap();
    assert_eq!(door.load().spent_micros, 0, "a new day");
}

#[tokio::test(start_paused = true)]
async fn a_persons_own_key_uses_none_of_our_rates_and_money() {
    let door = door(Limits { requests_per_minute: Some(1), micros_per_day: Some(1), ..limits() }, 8);
    for _ in 0..3 {
        let own = Ticket { metered: false, micros: 5, ..ticket("a") };
        door.enter(own, Instant::now()).await.unwrap().settle(5, 5);
    }
    assert_eq!((door.load().requests, door.load().spent_micros), (0, 0));
}
