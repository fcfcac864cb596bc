//! What each kind makes of 401, 429, 500 and a connection that breaks off.

use std::time::Duration;

use aerie_integrations::{PushError, Style, all};
use aerie_testkit::service::Told;

use crate::{
    kinds::{item, settings},
    world::World,
};

async fn each(answering: fn() -> Told, check: impl Fn(&str, Style, PushError)) {
    for kind in all() {
        let Some((settings, hosts)) = settings(kind.info.name) else { continue };
        let world = World::start(kind.info.name, &settings, &hosts, move |_| answering()).await;
        let error = world.push(&item(kind.info.topics)).await.unwrap_err();
        check(kind.info.name, kind.info.style, error);
        assert!(world.test().await.is_err(), "{}", kind.info.name);
    }
}

#[tokio::test]
async fn refused_credentials_are_not_tried_again() {
    each(
        || Told::status(401).body("{}"),
        |kind, _, error| assert!(matches!(error, PushError::Credentials { .. }), "{kind}: {error:?}"),
    )
    .await;
}

#[tokio::test]
async fn a_service_that_asks_to_wait_is_given_the_time() {
    each(
        || Told::status(429).with("retry-after", "17"),
        |kind, _, error| match error {
            PushError::Again { after, .. } => assert_eq!(after, Some(Duration::from_secs(17)), "{kind}"),
            error => panic!("{kind}: {error:?}"),
        },
    )
    .await;
}

#[tokio::test]
async fn a_service_that_fails_is_tried_again() {
    each(
        || Told::status(500).body("<html>"),
        |kind, _, error| assert!(matches!(error, PushError::Again { after: None, .. }), "{kind}: {error:?}"),
    )
    .await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_tried_again_only_where_that_is_harmless() {
    each(
        || Told::status(0),
        |kind, style, error| match (style, error) {
            (Style::Message { repeatable: false }, PushError::Uncertain { .. }) => {}
            (Style::Record | Style::Message { repeatable: true }, PushError::Again { .. }) => {}
            (style, error) => panic!("{kind}, {style:?}: {error:?}"),
        },
    )
    .await;
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    each(
        || Told::status(200).body(vec![b' '; 5 << 20]),
        |kind, _, error| assert!(error.to_string().contains("longer than 4194304 bytes"), "{kind}: {error}"),
    )
    .await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    each(
        || Told::status(302).with("location", "http://169.254.169.254/"),
        |kind, _, error| assert!(!error.is_transient(), "{kind}: {error:?}"),
    )
    .await;
}
