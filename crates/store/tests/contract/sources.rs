use aerie_store::sources::{self, CachedQuery, CachedResponse};
use uuid::Uuid;

use crate::fixture::{Fixture, day};

pub async fn health_counts_failures_until_a_success(fixture: &Fixture) {
    let mut tx = fixture.platform().begin().await.unwrap();
    assert_eq!(sources::health(&mut tx, "lever").await.unwrap(), None);
    sources::record_success(&mut tx, "lever", 100, day(1)).await.unwrap();
    sources::record_failure(&mut tx, "lever", "429 Too Many Requests", Some(day(3)), day(2)).await.unwrap();
    sources::record_failure(&mut tx, "lever", "403 Forbidden", None, day(4)).await.unwrap();
    sources::record_failure(&mut tx, "ashby", "timed out", None, day(4)).await.unwrap();
    let health = sources::health(&mut tx, "lever").await.unwrap().unwrap();
    assert_eq!((health.failures_in_a_row, health.last_reason.as_deref()), (2, Some("403 Forbidden")));
    assert_eq!((health.last_success_at, health.last_failure_at, health.retry_at), (Some(day(1)), Some(day(4)), None));
    sources::record_success(&mut tx, "lever", 0, day(5)).await.unwrap();
    let all = sources::list_health(&mut tx).await.unwrap();
    assert_eq!(all.iter().map(|health| health.source.as_str()).collect::<Vec<_>>(), ["ashby", "lever"]);
    assert_eq!((all[0].failures_in_a_row, all[0].usual_count), (1, None));
    assert_eq!((all[1].failures_in_a_row, all[1].last_count), (0, Some(0)));
    assert!((all[1].usual_count.unwrap() - 70.0).abs() < 1e-9);
}

pub async fn answers_are_cached_by_address_and_query(fixture: &Fixture) {
    let mut tx = fixture.platform().begin().await.unwrap();
    let url = "https://api.example.com/jobs?page=1";
    assert_eq!(sources::cached_response(&mut tx, url).await.unwrap(), None);
    let mut response = CachedResponse {
        url: url.into(),
        etag: Some("\"abc\"".into()),
        last_modified: None,
        body_hash: "00ff".into(),
        result_hash: None,
        fetched_at: day(1),
    };
    sources::put_cached_response(&mut tx, &response).await.unwrap();
    response.etag = None;
    response.fetched_at = day(2);
    sources::put_cached_response(&mut tx, &response).await.unwrap();
    assert_eq!(sources::cached_response(&mut tx, url).await.unwrap().unwrap(), response);

    let answer = CachedQuery { fetched_at: day(2), postings: vec![Uuid::now_v7(), Uuid::now_v7()] };
    sources::put_cached_query(&mut tx, "lever", "q1", &CachedQuery { postings: vec![], ..answer.clone() })
        .await
        .unwrap();
    sources::put_cached_query(&mut tx, "lever", "q1", &answer).await.unwrap();
    assert_eq!(sources::cached_query(&mut tx, "lever", "q1", day(2)).await.unwrap(), Some(answer));
    assert_eq!(sources::cached_query(&mut tx, "lever", "q1", day(3)).await.unwrap(), None);
    assert_eq!(sources::cached_query(&mut tx, "ashby", "q1", day(1)).await.unwrap(), None);
    assert_eq!(sources::forget_cached_before(&mut tx, day(3)).await.unwrap(), 2);
}
