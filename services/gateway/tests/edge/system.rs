use serde_json::json;

use crate::{
    people::{GET_ACCOUNT, People},
    sessions::Browser,
    world::World,
};

const GET_SYSTEM: &str = "/aerie.platform.v1.SystemService/GetSystem";

#[tokio::test]
async fn the_local_person_sees_what_runs_and_on_what() {
    let world = World::start().await;
    world.pipeline.health().set("aerie.pipeline.v1.JobsService", true).await;
    let answer = world.call(GET_SYSTEM, &json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let system = answer.json();
    assert_eq!(system["version"], "1.2.3<");
    assert!(system["startTime"].as_str().is_some_and(|time| time.ends_with('Z')) && system.get("ready").is_none());
    let services = system["services"].as_array().unwrap();
    let state = |name: &str| {
        let found = services.iter().find(|service| service["name"] == name).unwrap();
        (
            found["part"].as_str().unwrap(),
            found["state"].as_str().unwrap(),
            found["required"].as_bool().unwrap_or(false),
        )
    };
    assert_eq!(state("aerie.pipeline.v1.JobsService"), ("pipeline", "SERVICE_STATE_SERVING", true));
    assert_eq!(state("aerie.llm.v1.LlmService"), ("llm-router", "SERVICE_STATE_NOT_SERVING", false));
    let machine = &system["machine"];
    assert!(machine["processors"].as_i64().is_some_and(|count| count > 0), "{machine}");
    if cfg!(target_os = "linux") {
        for known in ["memoryBytes", "memoryAvailableBytes", "diskBytes", "diskAvailableBytes"] {
            let bytes: i64 = machine[known].as_str().unwrap_or_default().parse().unwrap();
            assert!(bytes > 1 << 20, "{known}: {machine}");
        }
        assert!(machine["system"].as_str().unwrap().starts_with("linux "));
    }
}

#[tokio::test]
async fn of_people_with_accounts_only_operators_see_it() {
    let people = People::start().await;
    let ada = people.token("ada");
    let refused = people.call_with(&ada, GET_SYSTEM, &json!({})).await;
    let id = people.call_with(&ada, GET_ACCOUNT, &json!({})).await.json()["personId"].as_str().unwrap().to_owned();
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("NO_OPERATOR") && refused.text().contains(&id), "{}", refused.text());
    assert_eq!(people.world.call(GET_SYSTEM, &json!({})).await.status, 401);

    let stores = people.stores.clone();
    let people = Box::pin(People::again(people, |config| config.accounts.operators = vec![id.clone()])).await;
    assert!(std::sync::Arc::ptr_eq(&stores, &people.stores));
    let ada = people.token("ada");
    assert_eq!(people.call_with(&ada, GET_SYSTEM, &json!({})).await.status, 200);
    assert_eq!(people.call_with(&people.token("ben"), GET_SYSTEM, &json!({})).await.status, 403);
    let (_, key) = people.key(&ada, &["API_KEY_SCOPE_READ", "API_KEY_SCOPE_WRITE"]).await;
    assert_eq!(people.call_with(&key, GET_SYSTEM, &json!({})).await.status, 403, "a key is no operator");
    people.issuer.seat("ada", "Ada");
    let mut browser = Browser::default();
    browser.sign_in(&people, "/").await;
    assert_eq!(browser.call(&people, GET_SYSTEM).await.status, 200);
}
