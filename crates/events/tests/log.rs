//! What the event log promises, on both engines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{sync::Arc, time::Duration};

use aerie_events::{
    Delivery, EventBus, EventError, LocalBus, NewEvent, Retention, SubscribeOptions, append, append_all, bounds,
    changes, commit, person_of, prune, read_after, subscribe,
};
use aerie_store::{Database, Stores, StoresConfig};
use aerie_testkit::postgres::TestPostgres;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{FutureExt, Stream, StreamExt};
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;
use uuid::Uuid;

macro_rules! on_both_engines {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(super::Place::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(place) = super::Place::postgres().await {
                    super::$name(place).await;
                }
            }
        }
    )*};
}

on_both_engines!(
    sequences_follow_commits_without_gaps,
    replays_then_goes_on_live,
    a_stream_has_no_gap_and_no_duplicate_while_many_write,
    a_pruned_position_is_told_to_resync,
    a_position_beyond_the_end_is_told_to_resync,
    a_reader_that_is_overtaken_by_pruning_is_told_to_resync,
    retention_is_by_age_and_number,
    a_watcher_misses_nothing_after_its_first_look,
    subscribers_of_a_person_share_what_is_read,
    what_one_subscriber_finds_by_itself_the_others_hear_of,
    a_reader_that_knows_more_is_believed,
    a_subscriber_that_is_not_polled_holds_nobody_up,
    dying_between_commit_and_wake_up_loses_nothing,
    only_the_kinds_that_were_asked_for,
    people_have_logs_of_their_own,
    refuses_what_readers_could_not_take,
);

struct Place {
    stores: Stores,
    _folder: TempDir,
    _postgres: Option<TestPostgres>,
}

impl Place {
    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().to_owned();
        let config = StoresConfig { url: "embedded".to_owned(), data, migrate: true, connections: 4 };
        Self { stores: Stores::open(config).await.unwrap(), _folder: folder, _postgres: None }
    }

    async fn postgres() -> Option<Self> {
        let postgres = TestPostgres::start().await.unwrap()?;
        let folder = tempfile::tempdir().unwrap();
        let stores = Stores::open(postgres.stores_config(folder.path())).await.unwrap();
        Some(Self { stores, _folder: folder, _postgres: Some(postgres) })
    }

    async fn person(&self) -> Database {
        self.stores.person(Uuid::now_v7()).await.unwrap()
    }
}

fn noon() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn event(number: i64) -> NewEvent {
    event_at(number, noon())
}

fn event_at(number: i64, at: DateTime<Utc>) -> NewEvent {
    NewEvent { kind: "job.moved".to_owned(), subject_id: Some(Uuid::now_v7()), data: json!({ "n": number }), at }
}

async fn write(database: &Database, bus: &dyn EventBus, number: i64) -> i64 {
    let mut tx = database.begin().await.unwrap();
    let sequence = append(&mut tx, event(number)).await.unwrap();
    commit(tx, bus, person_of(database).unwrap()).await.unwrap();
    sequence
}

fn quick(page: usize, poll: Duration) -> SubscribeOptions {
    SubscribeOptions { page, poll: Some(poll), ..SubscribeOptions::default() }
}

type Deliveries = std::pin::Pin<Box<dyn Stream<Item = Result<Delivery, EventError>> + Send>>;

fn stream(database: &Database, bus: &Arc<LocalBus>, after: Option<i64>, options: SubscribeOptions) -> Deliveries {
    Box::pin(subscribe(database.clone(), Arc::clone(bus) as _, after, options))
}

async fn next(stream: &mut Deliveries) -> Delivery {
    tokio::time::timeout(Duration::from_secs(20), stream.next()).await.expect("nothing came").unwrap().unwrap()
}

async fn next_sequence(stream: &mut Deliveries) -> i64 {
    match next(stream).await {
        Delivery::Event(event) => event.sequence,
        resync => panic!("{resync:?}"),
    }
}

/// Polls that would never come in the time of a test.
const NEVER: Duration = Duration::from_secs(3600);

async fn sequences_follow_commits_without_gaps(place: Place) {
    let database = place.person().await;
    let mut writers = JoinSet::new();
    for number in 0..20 {
        let database = database.clone();
        writers.spawn(async move {
            for round in 0..10 {
                let mut tx = database.begin().await.unwrap();
                append_all(&mut tx, vec![event(number), event(round)]).await.unwrap();
                // A third of them think better of it; their numbers are given to others.
                if (number + round) % 3 == 0 { tx.rollback().await.unwrap() } else { tx.commit().await.unwrap() }
            }
        });
    }
    writers.join_all().await;
    let mut tx = database.read().await.unwrap();
    let (bounds, events) = read_after(&mut tx, 0, &[], 1_000).await.unwrap();
    let sequences: Vec<i64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, (1..=bounds.last).collect::<Vec<_>>());
    let kept = (0..20).flat_map(|n| (0..10).map(move |r| n + r)).filter(|sum| sum % 3 != 0).count();
    assert_eq!(sequences.len(), 2 * kept);
}

async fn replays_then_goes_on_live(place: Place) {
    let database = place.person().await;
    let bus = Arc::new(LocalBus::default());
    for number in 1..=5 {
        assert_eq!(write(&database, &*bus, number).await, number);
    }
    let mut from_start = stream(&database, &bus, Some(0), quick(2, NEVER));
    let mut from_three = stream(&database, &bus, Some(3), quick(2, NEVER));
    let mut from_now = stream(&database, &bus, None, quick(2, NEVER));
    for expected in 1..=5 {
        assert_eq!(next_sequence(&mut from_start).await, expected);
    }
    for expected in 4..=5 {
        assert_eq!(next_sequence(&mut from_three).await, expected);
    }
    assert!(from_now.next().now_or_never().is_none());
    // The first look of a stream that starts now says where now is.
    tokio::select! {
        delivery = from_now.next() => panic!("{delivery:?}"),
        () = tokio::time::sleep(Duration::from_millis(100)) => {}
    }
    write(&database, &*bus, 6).await;
    for stream in [&mut from_start, &mut from_three, &mut from_now] {
        assert_eq!(next_sequence(stream).await, 6);
    }
}

async fn a_stream_has_no_gap_and_no_duplicate_while_many_write(place: Place) {
    let database = place.person().await;
    let bus = Arc::new(LocalBus::default());
    let mut readers = JoinSet::new();
    for page in [1, 7, 256] {
        let mut stream = stream(&database, &bus, Some(0), quick(page, NEVER));
        readers.spawn(async move {
            for expected in 1..=300 {
                assert_eq!(next_sequence(&mut stream).await, expected);
            }
        });
    }
    let mut writers = JoinSet::new();
    for _ in 0..6 {
        let (database, bus) = (database.clone(), Arc::clone(&bus));
        writers.spawn(async move {
            for number in 0..50 {
                write(&database, &*bus, number).await;
            }
        });
    }
    writers.join_all().await;
    readers.join_all().await;
}

async fn forget(database: &Database, keep: i64) -> u64 {
    let mut tx = database.begin().await.unwrap();
    let gone = prune(&mut tx, Retention { age: TimeDelta::days(1), most: keep }, noon()).await.unwrap();
    tx.commit().await.unwrap();
    gone
}

async fn a_pruned_position_is_told_to_resync(place: Place) {
    let database = place.person().await;
    let bus = Arc::new(LocalBus::default());
    for number in 1..=10 {
        write(&database, &*bus, number).await;
    }
    assert_eq!(forget(&database, 4).await, 6);
    let mut too_old = stream(&database, &bus, Some(5), quick(10, NEVER));
    assert_eq!(next(&mut too_old).await, Delivery::Resync { latest: 10 });
    let mut just_kept = stream(&database, &bus, Some(6), quick(10, NEVER));
    assert_eq!(next_sequence(&mut just_kept).await, 7);
    write(&database, &*bus, 11).await;
    assert_eq!(next_sequence(&mut too_old).await, 11);
}

async fn a_position_beyond_the_end_is_told_to_resync(place: Place) {
    let database = place.person().await;
    let bus = Arc::new(LocalBus::default());
    let mut empty = stream(&database, &bus, Some(40), quick(10, NEVER));
    assert_eq!(next(&mut empty).await, Delivery::Resync { latest: 0 });
    write(&database, &*bus, 1).await;
    assert_eq!(next_sequence(&mut empty).await, 1);
    let mut replaced = stream(&database, &bus, Some(2), quick(10, NEVER));
    assert_eq!(next(&mut replaced).await, Delivery::Resync { latest: 1 });
}

async fn a_reader_that_is_overtaken_by_pruning_is_told_to_resync(place: Place) {
    let database = place.person().await;
    let bus = Arc::new(LocalBus::default());
    for number in 1..=10 {
        write(&database, &*bus, number).await;
    }
    let mut slow = stream(&database, &bus, Some(0), quick(2, NEVER));
    assert_eq!(next_sequence(&mut slow).await, 1);
    assert_eq!(forget(&database, 3).await, 7);
    // What it holds already is told; then the hole is.
    assert_eq!(next_sequence(&mut slow).await, 2);
    assert_eq!(next(&mut slow).await, Delivery::Resync { latest: 10 });
}

async fn retention_is_by_age_and_number(place: Place) {
    let database = place.person().await;
    let mut tx = database.begin().await.unwrap();
    // Clocks go backwards now and then: an old time between newer ones must not leave a hole.
    for (number, hours) in [(1, 72), (2, 2), (3, 48), (4, 1), (5, 0)] {
        append(&mut tx, event_at(number, noon() - TimeDelta::hours(hours))).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(forget(&database, 100).await, 3);
    assert_eq!(forget(&database, 100).await, 0);
    assert_eq!(forget(&database, 1).await, 1);
    assert_eq!(forget(&database, 0).await, 1);
    let mut tx = database.begin().await.unwrap();
    assert_eq!(append(&mut tx, event(6)).await.unwrap(), 6, "a number was given twice");
    let bounds = bounds(&mut tx).await.unwrap();
    assert_eq!((bounds.last, bounds.pruned_through), (6, 5));
}

/// A watcher reads rows when it is told where it stands; what is committed from then on must reach it, however late it
/// looks again.
async fn a_watcher_misses_nothing_after_its_first_look(place: Place) {
    let (database, bus) = (place.person().await, Arc::new(LocalBus::default()));
    write(&database, &*bus, 1).await;
    let options = quick(10, Duration::from_secs(600));
    let mut stream: Deliveries = Box::pin(changes(database.clone(), Arc::clone(&bus) as _, options));
    assert_eq!(next(&mut stream).await, Delivery::Resync { latest: 1 });
    // Committed before the stream is polled again.
    write(&database, &*bus, 2).await;
    assert_eq!(next_sequence(&mut stream).await, 2);
}

async fn subscribers_of_a_person_share_what_is_read(place: Place) {
    let database = place.person().await;
    let bus = Arc::new(LocalBus::default());
    let mut streams: Vec<Deliveries> = (0..50).map(|_| stream(&database, &bus, Some(0), quick(7, NEVER))).collect();
    for number in 1..=20 {
        write(&database, &*bus, number).await;
    }
    for stream in &mut streams {
        for expected in 1..=20 {
            assert_eq!(next_sequence(stream).await, expected);
        }
    }
    for expected in 21..=320 {
        write(&database, &*bus, expected).await;
        let mut told = Vec::new();
        for stream in &mut streams {
            match next(stream).await {
                Delivery::Event(event) => told.push(event),
                resync => panic!("{resync:?}"),
            }
        }
        assert_eq!(told[0].sequence, expected);
        assert!(told.iter().all(|event| Arc::ptr_eq(event, &told[0])), "event {expected} was read more than once");
    }
}

/// A client that is slow is one whose stream is not polled, at any moment, a read included.
async fn a_subscriber_that_is_not_polled_holds_nobody_up(place: Place) {
    let database = place.person().await;
    let bus = Arc::new(LocalBus::default());
    write(&database, &*bus, 1).await;
    let mut slow: Vec<Deliveries> = (0..20).map(|_| stream(&database, &bus, Some(0), quick(256, NEVER))).collect();
    // Each has begun to read, and is left there.
    for stream in &mut slow {
        assert!(stream.next().now_or_never().is_none());
    }
    let mut quick_one = stream(&database, &bus, Some(0), quick(256, NEVER));
    for expected in 1..=20 {
        assert_eq!(next_sequence(&mut quick_one).await, expected);
        write(&database, &*bus, expected + 1).await;
    }
    for stream in &mut slow {
        assert_eq!(next_sequence(stream).await, 1);
    }
}

/// A poll finds what nobody was woken for, and tells the others, whose own polls are far away.
async fn what_one_subscriber_finds_by_itself_the_others_hear_of(place: Place) {
    let database = place.person().await;
    let bus = Arc::new(LocalBus::default());
    let mut patient = stream(&database, &bus, Some(0), quick(256, NEVER));
    let mut eager = stream(&database, &bus, Some(0), quick(256, Duration::from_millis(50)));
    write(&database, &*bus, 1).await;
    assert_eq!((next_sequence(&mut patient).await, next_sequence(&mut eager).await), (1, 1));
    let mut tx = database.begin().await.unwrap();
    append(&mut tx, event(2)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(tokio::join!(next_sequence(&mut patient), next_sequence(&mut eager)), (2, 2));
}

/// Another process has told a reader of more than this one was woken for.
async fn a_reader_that_knows_more_is_believed(place: Place) {
    let database = place.person().await;
    let (here, there) = (Arc::new(LocalBus::default()), Arc::new(LocalBus::default()));
    write(&database, &*here, 1).await;
    let mut other = stream(&database, &here, Some(0), quick(256, NEVER));
    assert_eq!(next_sequence(&mut other).await, 1);
    for number in 2..=4 {
        write(&database, &*there, number).await;
    }
    let mut moved = stream(&database, &here, Some(3), quick(256, NEVER));
    assert_eq!(next_sequence(&mut moved).await, 4);
    for expected in 2..=4 {
        assert_eq!(next_sequence(&mut other).await, expected);
    }
}

async fn dying_between_commit_and_wake_up_loses_nothing(place: Place) {
    let database = place.person().await;
    let bus = Arc::new(LocalBus::default());
    let mut stream = stream(&database, &bus, Some(0), quick(256, Duration::from_millis(50)));
    write(&database, &*bus, 1).await;
    assert_eq!(next_sequence(&mut stream).await, 1);
    let mut tx = database.begin().await.unwrap();
    append(&mut tx, event(2)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(next_sequence(&mut stream).await, 2);
}

async fn only_the_kinds_that_were_asked_for(place: Place) {
    let database = place.person().await;
    let bus = Arc::new(LocalBus::default());
    let options = SubscribeOptions { kinds: vec!["run.ended".to_owned(), "run.started".to_owned()], ..quick(2, NEVER) };
    let mut stream = stream(&database, &bus, Some(0), options);
    let mut expected = Vec::new();
    for number in 0..30 {
        let mut tx = database.begin().await.unwrap();
        let mut event = event(number);
        if number % 7 == 0 {
            event.kind = if number % 2 == 0 { "run.ended" } else { "run.started" }.to_owned();
            expected.push(number + 1);
        }
        append(&mut tx, event).await.unwrap();
        commit(tx, &*bus, person_of(&database).unwrap()).await.unwrap();
    }
    for expected in expected {
        assert_eq!(next_sequence(&mut stream).await, expected);
    }
    assert_eq!(forget(&database, 0).await, 30);
    // It saw everything up to the end, so forgetting that is no loss to it.
    let mut tx = database.begin().await.unwrap();
    let mut event = event(31);
    event.kind = "run.ended".to_owned();
    append(&mut tx, event).await.unwrap();
    commit(tx, &*bus, person_of(&database).unwrap()).await.unwrap();
    let told = next(&mut stream).await;
    assert!(
        matches!(told, Delivery::Event(ref event) if event.sequence == 31) || told == (Delivery::Resync { latest: 31 })
    );
}

async fn people_have_logs_of_their_own(place: Place) {
    let (one, two) = (place.person().await, place.person().await);
    let bus = Arc::new(LocalBus::default());
    for number in 1..=3 {
        assert_eq!(write(&one, &*bus, number).await, number);
        assert_eq!(write(&two, &*bus, number).await, number);
    }
    let mut tx = two.read().await.unwrap();
    assert_eq!(read_after(&mut tx, 0, &[], 100).await.unwrap().1.len(), 3);
    let mut nobody = stream(place.stores.platform(), &bus, Some(0), quick(1, NEVER));
    assert!(matches!(nobody.next().await, Some(Err(EventError::NoPerson { .. }))));
    assert!(nobody.next().await.is_none());
}

async fn refuses_what_readers_could_not_take(place: Place) {
    let database = place.person().await;
    let mut tx = database.begin().await.unwrap();
    let mut large = event(1);
    large.data = json!("x".repeat(20_000));
    let error = append(&mut tx, large).await.unwrap_err();
    assert!(matches!(error, EventError::TooLarge { found: 20_002, most: 16_384, .. }), "{error}");
}
