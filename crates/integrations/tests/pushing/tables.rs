//! Notion, Airtable.

use std::sync::Mutex;

use aerie_integrations::{Effect, PushError};
use aerie_testkit::service::{Asked, FakeService, Told};
use serde_json::{Value, json};

use crate::world::{JOB_ID, MARKER, World, assert_json, job, only};

const DATABASE: &str = "0123456789abcdef0123456789abcdef";

fn database() -> Value {
    let property = |kind: &str| json!({ "id": "x", "type": kind, kind: {} });
    json!({
        "object": "database",
        "title": [{ "type": "text", "plain_text": "My jobs" }],
        "properties": {
            "Role": property("title"), "Aerie ID": property("rich_text"), "Company": property("select"),
            "Status": property("rich_text"), "Link": property("url"), "Score": property("number"),
            "Source": property("status"),
        },
    })
}

/// Keeps pages as Notion does, and checks every request.
fn notion(pages: &Mutex<Vec<(String, Value)>>, asked: &Asked) -> Told {
    assert_eq!(asked.header("authorization"), format!("Bearer {MARKER}"));
    assert_eq!(asked.header("notion-version"), "2022-06-28");
    let mut pages = pages.lock().unwrap();
    let page = |(id, properties): &(String, Value)| json!({ "object": "page", "id": id, "archived": false, "properties": properties });
    let query = format!("POST /v1/databases/{DATABASE}/query");
    match asked.line() {
        line if line == format!("GET /v1/databases/{DATABASE}") => Told::json(&database()),
        line if line == query => {
            let filter = json!({ "property": "Aerie ID", "rich_text": { "equals": JOB_ID.to_string() } });
            assert_json(&asked.json(), &json!({ "filter": filter, "page_size": 2 }));
            Told::json(&json!({ "object": "list", "results": pages.iter().map(page).collect::<Vec<_>>() }))
        }
        line if line == "POST /v1/pages" => {
            assert_eq!(asked.json()["parent"], json!({ "database_id": DATABASE }));
            pages.push(("page-1".to_owned(), asked.json()["properties"].clone()));
            Told::json(&page(pages.last().unwrap()))
        }
        line if line == "PATCH /v1/pages/page-1" => {
            pages[0].1 = asked.json()["properties"].clone();
            Told::json(&page(&pages[0]))
        }
        line => panic!("{line} is no request of Notion's interface"),
    }
}

async fn notion_world() -> World {
    let pages = Mutex::new(Vec::new());
    let settings = [("token", MARKER), ("database_id", DATABASE)];
    World::start("notion", &settings, &["api.notion.com"], move |asked| notion(&pages, asked)).await
}

#[tokio::test]
async fn notion_keeps_one_page_for_each_job() {
    let world = notion_world().await;
    assert!(world.test().await.unwrap().contains("\"My jobs\""));
    world.service.take();
    let made = world.push(&job("applied")).await.unwrap();
    assert_eq!((made.effect, made.remote_id.as_deref()), (Effect::Created, Some("page-1")));
    let asked = world.service.take();
    let text = |text: &str| json!([{ "type": "text", "text": { "content": text } }]);
    assert_json(
        &asked.last().unwrap().json()["properties"],
        &json!({
            "Aerie ID": { "rich_text": text(&JOB_ID.to_string()) },
            "Role": { "title": text("Loom Mechanic <b>& Co") },
            "Company": { "select": { "name": "Brasswick" } },
            "Status": { "rich_text": text("applied") },
            "Link": { "url": "https://jobs.example/1?a=1&b=2" },
            "Score": { "number": 81.0 },
        }),
    );
    assert_eq!(world.push(&job("applied")).await.unwrap().effect, Effect::Unchanged);
    assert!(
        !world.lines().iter().any(|line| line.starts_with("PATCH") || line == "POST /v1/pages"),
        "nothing is written"
    );
    assert_eq!(world.push(&job("phone_screen")).await.unwrap().effect, Effect::Updated);
    let lines = world.lines();
    assert_eq!(lines.iter().filter(|line| line.starts_with("PATCH")).count(), 1, "{lines:?}");
}

#[tokio::test]
async fn a_database_that_lacks_the_id_or_is_not_shared_is_a_wrong_setting() {
    let world = notion_world().await;
    world.service.answer(|_| Told::json(&json!({ "title": [], "properties": { "Name": { "type": "title" } } })));
    match world.push(&job("applied")).await.unwrap_err() {
        PushError::Settings { field: "database_id", reason } => assert!(reason.contains("\"Aerie ID\""), "{reason}"),
        error => panic!("{error:?}"),
    }
    world.service.answer(|_| Told::json(&json!({ "object": "error", "message": "no" })).and(404));
    assert!(matches!(world.test().await, Err(PushError::Settings { field: "database_id", .. })));
}

#[tokio::test]
async fn airtable_merges_on_the_id() {
    let settings = [("token", MARKER), ("base_id", "appAbC123"), ("table", "My jobs/all")];
    let world = World::start("airtable", &settings, &["api.airtable.com"], |asked: &Asked| {
        assert_eq!(asked.header("authorization"), format!("Bearer {MARKER}"));
        assert_eq!(asked.line(), "PATCH /v0/appAbC123/My%20jobs%2Fall");
        let record = json!({ "id": "rec1", "fields": asked.json()["records"][0]["fields"] });
        Told::json(&json!({ "records": [record], "createdRecords": ["rec1"], "updatedRecords": [] }))
    })
    .await;
    let made = world.push(&job("applied")).await.unwrap();
    assert_eq!((made.effect, made.remote_id.as_deref()), (Effect::Created, Some("rec1")));
    assert_json(
        &only(&world.service).json(),
        &json!({
            "performUpsert": { "fieldsToMergeOn": ["Aerie ID"] },
            "typecast": true,
            "records": [{ "fields": {
                "Aerie ID": JOB_ID, "Title": "Loom Mechanic <b>& Co", "Company": "Brasswick", "Status": "applied",
                "Link": "https://jobs.example/1?a=1&b=2", "Place": "Leeds, GB", "Salary": "40000–50000 GBP a year",
                "Source": "greenhouse", "Score": 81.0,
            }}],
        }),
    );
    world.service.answer(|_| {
        Told::json(
            &json!({ "records": [{ "id": "rec1", "fields": {} }], "createdRecords": [], "updatedRecords": ["rec1"] }),
        )
    });
    assert_eq!(world.push(&job("applied")).await.unwrap().effect, Effect::Updated);
    only(&world.service);
}

#[tokio::test]
async fn airtable_names_what_its_table_lacks() {
    let settings = [("token", MARKER), ("base_id", "app1"), ("table", "Jobs")];
    let world = World::start("airtable", &settings, &["api.airtable.com"], |asked: &Asked| {
        assert_eq!(asked.method, "GET");
        let pairs: Vec<(String, String)> = url::Url::parse(&format!("http://x{}", asked.target))
            .unwrap()
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        assert_eq!(pairs, [("pageSize".to_owned(), "1".to_owned()), ("fields[]".to_owned(), "Aerie ID".to_owned())]);
        Told::json(&json!({ "records": [] }))
    })
    .await;
    assert!(world.test().await.unwrap().contains("\"Jobs\""));
    let unknown = json!({ "error": { "type": "UNKNOWN_FIELD_NAME", "message": "Unknown field name: \"Place\"" } });
    world.service.answer(move |_| Told::json(&unknown).and(422));
    match world.push(&job("applied")).await.unwrap_err() {
        PushError::Settings { field: "table", reason } => assert!(reason.contains("\"Place\""), "{reason}"),
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn kinds_refuse_what_they_do_not_take() {
    let world = notion_world().await;
    assert!(matches!(world.push(&crate::world::digest()).await, Err(PushError::Refused { .. })));
    assert_eq!(FakeService::take(&world.service).len(), 0, "nobody is asked");
}
