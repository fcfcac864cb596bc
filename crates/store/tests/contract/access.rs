use aerie_store::{
    PersonId,
    access::{self, ApiKey, WebSession},
    accounts,
};
use chrono::Duration;

use crate::fixture::{Fixture, day};

async fn person(fixture: &Fixture, subject: &str) -> PersonId {
    let mut tx = fixture.platform().begin().await.unwrap();
    let id = accounts::ensure_external_person(&mut tx, subject, "", day(1)).await.unwrap();
    tx.commit().await.unwrap();
    id
}

fn key(id: &str, person: PersonId) -> ApiKey {
    ApiKey {
        id: id.into(),
        person,
        name: "laptop".into(),
        secret_hash: vec![7; 32],
        scopes: vec!["read".into(), "models".into()],
        created_at: day(1),
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
    }
}

fn session(id: &str, person: PersonId, since: i64) -> WebSession {
    WebSession {
        id: id.into(),
        person,
        secret_hash: vec![9; 32],
        user_agent: "a browser".into(),
        created_at: day(since),
        last_used_at: day(since),
        ends_at: day(since + 30),
    }
}

async fn add_key(fixture: &Fixture, key: &ApiKey) -> bool {
    let mut tx = fixture.stores.access(key.person).begin().await.unwrap();
    let is_added = access::add_key(&mut tx, key, 2).await.unwrap();
    tx.commit().await.unwrap();
    is_added
}

async fn presented(fixture: &Fixture, id: &str) -> Option<ApiKey> {
    access::presented_key(&mut fixture.platform().read().await.unwrap(), id).await.unwrap()
}

pub async fn keys_belong_to_one_person_and_are_found_by_their_name(fixture: &Fixture) {
    let (ada, ben) = (person(fixture, "idp ada").await, person(fixture, "idp ben").await);
    let first = ApiKey { expires_at: Some(day(9)), ..key("k1", ada) };
    assert!(add_key(fixture, &first).await);
    assert!(add_key(fixture, &ApiKey { created_at: day(2), scopes: vec![], ..key("k2", ada) }).await);
    assert!(!add_key(fixture, &key("k3", ada)).await, "there are two already");
    assert!(add_key(fixture, &key("k4", ben)).await);
    assert_eq!(presented(fixture, "k1").await, Some(first));
    assert_eq!(presented(fixture, "k3").await, None);
    let own = fixture.stores.access(ada);
    let listed = access::keys(&mut own.read().await.unwrap(), ada).await.unwrap();
    assert_eq!(listed.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), ["k2", "k1"]);
    assert_eq!(listed[0].scopes, [""; 0]);
    let mut tx = own.begin().await.unwrap();
    access::key_used(&mut tx, ada, "k1", day(3)).await.unwrap();
    access::key_used(&mut tx, ada, "k4", day(3)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(presented(fixture, "k1").await.unwrap().last_used_at, Some(day(3)));
    assert_eq!(presented(fixture, "k4").await.unwrap().last_used_at, None, "it is another person's");
}

pub async fn a_revoked_key_stays_revoked(fixture: &Fixture) {
    let (ada, ben) = (person(fixture, "idp ada").await, person(fixture, "idp ben").await);
    for id in ["k1", "k2"] {
        add_key(fixture, &key(id, ada)).await;
    }
    let mut tx = fixture.stores.access(ben).begin().await.unwrap();
    assert!(!access::revoke_key(&mut tx, ben, "k1", day(2)).await.unwrap(), "it is another person's");
    tx.commit().await.unwrap();
    assert_eq!(presented(fixture, "k1").await.unwrap().revoked_at, None);
    let mut tx = fixture.stores.access(ada).begin().await.unwrap();
    assert!(access::revoke_key(&mut tx, ada, "k1", day(2)).await.unwrap());
    assert!(access::revoke_key(&mut tx, ada, "k1", day(3)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(presented(fixture, "k1").await.unwrap().revoked_at, Some(day(2)));
    assert!(add_key(fixture, &key("k3", ada)).await, "a revoked key takes no place");
}

pub async fn sessions_end_and_give_way_to_newer_ones(fixture: &Fixture) {
    let (ada, ben) = (person(fixture, "idp ada").await, person(fixture, "idp ben").await);
    let own = fixture.stores.access(ada);
    for (id, since) in [("s1", 1), ("s2", 2), ("s3", 3), ("s4", 4)] {
        let mut tx = own.begin().await.unwrap();
        access::add_session(&mut tx, &session(id, ada, since), day(since - 3), 2).await.unwrap();
        if id == "s3" {
            access::session_used(&mut tx, ada, "s2", day(9)).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let mut tx = fixture.stores.access(ben).begin().await.unwrap();
    access::add_session(&mut tx, &session("s9", ben, 9), day(1), 2).await.unwrap();
    assert!(!access::end_session(&mut tx, ben, "s4").await.unwrap(), "it is another person's");
    tx.commit().await.unwrap();
    let listed = access::sessions(&mut own.read().await.unwrap(), ada).await.unwrap();
    assert_eq!(listed.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["s2", "s4"]);
    assert_eq!(listed[1], session("s4", ada, 4));
    let mut tx = own.begin().await.unwrap();
    assert!(access::end_session(&mut tx, ada, "s4").await.unwrap());
    let idle_since = day(9) + Duration::hours(1);
    access::add_session(&mut tx, &session("s5", ada, 10), idle_since, 2).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = fixture.platform().read().await.unwrap();
    assert_eq!(access::presented_session(&mut tx, "s4").await.unwrap(), None);
    assert_eq!(access::presented_session(&mut tx, "s2").await.unwrap(), None, "it was idle");
    assert_eq!(access::presented_session(&mut tx, "s5").await.unwrap(), Some(session("s5", ada, 10)));
}

pub async fn a_credential_that_is_named_can_be_read_and_no_other(fixture: &Fixture) {
    let (ada, ben) = (person(fixture, "idp ada").await, person(fixture, "idp ben").await);
    add_key(fixture, &key("k1", ada)).await;
    add_key(fixture, &key("k2", ben)).await;
    let mut tx = fixture.stores.access(ben).begin().await.unwrap();
    assert!(access::presented_key(&mut tx, "k1").await.unwrap().is_some());
    let seen = access::keys(&mut tx, ada).await.unwrap().len();
    assert!(!access::revoke_key(&mut tx, ben, "k1", day(2)).await.unwrap());
    if fixture.postgres.is_some() {
        // Row security, not the statement's words: the named row is visible, and cannot be changed.
        assert_eq!(seen, 1);
        let changed = tx.execute("update api_key set revoked_at = $1", vec![day(2).into()]).await.unwrap();
        assert_eq!(changed, 1, "only one's own");
        assert!(presented(fixture, "k1").await.unwrap().revoked_at.is_none());
        let mut platform = fixture.platform().begin().await.unwrap();
        access::presented_key(&mut platform, "k1").await.unwrap();
        assert_eq!(platform.execute("delete from api_key", vec![]).await.unwrap(), 0);
        let rows = platform.fetch_one("select count(*) as rows from api_key", vec![]).await.unwrap();
        assert_eq!(rows.int("rows").unwrap(), 1);
    }
}

pub async fn credentials_go_with_their_person(fixture: &Fixture) {
    let ada = person(fixture, "idp ada").await;
    add_key(fixture, &key("k1", ada)).await;
    let mut tx = fixture.stores.access(ada).begin().await.unwrap();
    access::add_session(&mut tx, &session("s1", ada, 1), day(0), 5).await.unwrap();
    tx.commit().await.unwrap();
    fixture.stores.delete_account(ada, day(2)).await.unwrap();
    assert_eq!(presented(fixture, "k1").await, None);
    let mut tx = fixture.platform().read().await.unwrap();
    assert_eq!(access::presented_session(&mut tx, "s1").await.unwrap(), None);
}
