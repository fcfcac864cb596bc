use std::{collections::BTreeMap, time::Duration};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use url::Url;

use crate::{
    people::{AUDIENCE, GET_ACCOUNT, PUBLIC, People},
    world::{Answer, COMPLETE, SUBSCRIBE},
};

const LIST_SESSIONS: &str = "/aerie.platform.v1.AccountsService/ListSessions";
const END_SESSION: &str = "/aerie.platform.v1.AccountsService/EndSession";
const JSON: (&str, &str) = ("content-type", "application/json");

/// A browser: it keeps cookies, says its origin and follows nothing by itself.
#[derive(Default)]
pub struct Browser {
    pub cookies: BTreeMap<String, String>,
}

impl Browser {
    pub async fn send(&mut self, people: &People, method: &str, path: &str, more: &[(&str, &str)]) -> Answer {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![("host", "aerie.example"), ("user-agent", "Test Browser 1")];
        if !cookies.is_empty() {
            headers.push(("cookie", &cookies));
        }
        headers.extend_from_slice(more);
        let (answer, set) = exchange(people, method, path, &headers).await;
        for line in set {
            let (pair, attributes) = line.split_once(';').unwrap();
            assert!(
                attributes.contains("Secure") && attributes.contains("SameSite=Lax") && attributes.contains("Path=/")
            );
            let (name, value) = pair.split_once('=').unwrap();
            assert!(name.starts_with("__Host-"), "{line}");
            assert_eq!(attributes.contains("HttpOnly"), name != "__Host-aerie-csrf" || value.is_empty(), "{line}");
            if attributes.contains("Max-Age=0;") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    pub fn forgery_token(&self) -> String {
        self.cookies["__Host-aerie-csrf"].clone()
    }

    /// A call as the app makes it.
    pub async fn call(&mut self, people: &People, path: &str) -> Answer {
        let token = self.forgery_token();
        self.send(people, "POST", path, &[JSON, ("origin", PUBLIC), ("x-csrf-token", &token)]).await
    }

    /// Goes to the issuer and comes back with what it says.
    async fn leave(&mut self, people: &People, to: &str) -> Url {
        let away = self.send(people, "GET", &format!("/auth/login?to={to}"), &[]).await;
        assert_eq!(away.status, 303, "{}", away.text());
        let asked = Url::parse(&away.headers["location"]).unwrap();
        assert!(asked.as_str().starts_with(people.issuer.url()) && asked.query().unwrap().contains("S256"), "{asked}");
        let mut issuer = TcpStream::connect(people.issuer.url().trim_start_matches("http://")).await.unwrap();
        let (path, host) = (&asked[url::Position::BeforePath..], asked.authority());
        issuer
            .write_all(format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let mut text = String::new();
        issuer.read_to_string(&mut text).await.unwrap();
        let back = text.lines().find_map(|line| line.strip_prefix("location: ")).unwrap_or_else(|| panic!("{text}"));
        Url::parse(back.trim()).unwrap()
    }

    pub async fn sign_in(&mut self, people: &People, to: &str) -> Answer {
        let back = self.leave(people, to).await;
        let from_issuer =
            [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        self.send(people, "GET", &back[url::Position::BeforePath..], &from_issuer).await
    }
}

async fn exchange(people: &People, method: &str, path: &str, headers: &[(&str, &str)]) -> (Answer, Vec<String>) {
    let body: &[u8] = match (method, path) {
        ("POST", COMPLETE) => br#"{"prompt":"who"}"#,
        ("POST", _) => b"{}",
        _ => b"",
    };
    let length = body.len().to_string();
    let mut all = headers.to_vec();
    all.extend_from_slice(&[("connection", "close"), ("content-length", &length)]);
    let mut stream = people.world.open(method, path, &all).await;
    let _ = stream.write_all(body).await;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let set = text.lines().filter_map(|line| line.strip_prefix("set-cookie: ")).map(str::to_owned).collect();
    (crate::world::parse(&bytes), set)
}

#[tokio::test]
async fn somebody_signs_in_works_and_signs_out() {
    signs_in_and_out(&People::start().await).await;
}

#[tokio::test]
async fn somebody_signs_in_works_and_signs_out_on_postgres() {
    if let Some(people) = People::postgres().await {
        signs_in_and_out(&people).await;
    }
}

async fn signs_in_and_out(people: &People) {
    people.issuer.seat("ada", "Ada");
    let mut browser = Browser::default();
    let arrived = browser.sign_in(people, "/review%3Fq%3D1").await;
    assert_eq!((arrived.status, arrived.headers["location"].as_str()), (303, "/review?q=1"), "{}", arrived.text());
    assert_eq!(browser.cookies.len(), 2, "what was pending is gone: {:?}", browser.cookies.keys());
    let answer = browser.call(people, COMPLETE).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let token = people.token("ada");
    assert_eq!(
        people.who(&token).await.unwrap(),
        answer.json()["text"].as_str().unwrap(),
        "the same person by a token"
    );
    let account = browser.call(people, GET_ACCOUNT).await.json();
    assert_eq!((account["name"].as_str(), account["credential"].as_str()), (Some("Ada"), Some("CREDENTIAL_SESSION")));
    let listed = browser.call(people, LIST_SESSIONS).await.json();
    assert_eq!(listed["sessions"][0]["userAgent"], "Test Browser 1");
    assert_eq!(listed["sessions"][0]["isCurrent"], true);
    let cookies = browser.cookies.clone();
    let out = browser.call(people, "/auth/logout").await;
    assert_eq!((out.status, browser.cookies.len()), (200, 0));
    let mut thief = Browser { cookies };
    assert_eq!(thief.call(people, COMPLETE).await.status, 401, "the session is over, not only forgotten");
}

#[tokio::test]
async fn a_cookie_alone_changes_nothing() {
    let people = People::start().await;
    let mut browser = Browser::default();
    browser.sign_in(&people, "/").await;
    let mut other = Browser::default();
    people.issuer.seat("ben", "Ben");
    other.sign_in(&people, "/").await;
    let foreign = other.forgery_token();
    let own = browser.forgery_token();
    for sent in
        [&[][..], &[("x-csrf-token", "")], &[("x-csrf-token", foreign.as_str())], &[("x-csrf-token", &own[1..])]]
    {
        let headers = [&[JSON, ("origin", PUBLIC)], sent].concat();
        let answer = browser.send(&people, "POST", COMPLETE, &headers).await;
        assert_eq!(answer.status, 403, "{sent:?}");
        assert_eq!(answer.json()["details"][0]["debug"]["reason"], "CSRF_TOKEN_INVALID");
    }
    let twice = [JSON, ("x-csrf-token", own.as_str()), ("x-csrf-token", &own)];
    assert_eq!(browser.send(&people, "POST", COMPLETE, &twice).await.status, 403);
    let logout = browser.send(&people, "POST", "/auth/logout", &[JSON]).await;
    assert_eq!(logout.status, 403);
    let web = browser.send(&people, "POST", COMPLETE, &[("content-type", "application/grpc-web+proto")]).await;
    assert_eq!(web.headers["grpc-status"], "7");
    // Reading with GET needs none: a browser's event stream cannot send one.
    let subscribe = format!("{SUBSCRIBE}?message=%7B%22kinds%22:[%22end%22]%7D");
    let events = browser.send(&people, "GET", &subscribe, &[("accept", "text/event-stream")]).await;
    assert_eq!(events.status, 200);
    let asks = "/aerie.llm.v1.LlmService/StreamComplete";
    let model = browser.send(&people, "GET", asks, &[("accept", "text/event-stream")]).await;
    assert_eq!(model.status, 403, "asking a model costs something");
    let elsewhere = [JSON, ("origin", "https://evil.example"), ("x-csrf-token", own.as_str())];
    let foreign = browser.send(&people, "POST", COMPLETE, &elsewhere).await;
    assert!(foreign.text().contains("FOREIGN_ORIGIN"), "{}", foreign.text());
}

#[tokio::test]
async fn what_is_in_authorization_counts_alone() {
    let people = People::start().await;
    let mut browser = Browser::default();
    browser.sign_in(&people, "/").await;
    let own = browser.forgery_token();
    let both = [JSON, ("x-csrf-token", own.as_str()), ("authorization", "Bearer wrong")];
    assert_eq!(browser.send(&people, "POST", COMPLETE, &both).await.status, 401, "a cookie does not make it good");
    let session = browser.cookies["__Host-aerie-session"].clone();
    let twice = format!("__Host-aerie-session={session}; __Host-aerie-session={session}");
    let headers = [("host", "aerie.example"), JSON, ("x-csrf-token", own.as_str()), ("cookie", twice.as_str())];
    assert_eq!(exchange(&people, "POST", COMPLETE, &headers).await.0.status, 401, "nobody knows which one counts");
}

#[tokio::test]
async fn sessions_end_by_idleness_by_age_and_from_another_browser() {
    let people = People::with(|config, _| {
        config.accounts.session.idle_minutes = 60;
        config.accounts.session.longest_hours = 2;
    })
    .await;
    let later = chrono::Utc::now().timestamp() + 86_400;
    people.issuer.distort(move |claims| claims["exp"] = json!(later));
    let mut idle = Browser::default();
    idle.sign_in(&people, "/").await;
    people.pass(Duration::from_secs(60 * 59));
    assert_eq!(idle.call(&people, COMPLETE).await.status, 200);
    // The use is noted in the background; the store shows when it is.
    let mut tries = 0;
    loop {
        let listed = idle.call(&people, LIST_SESSIONS).await.json();
        let session = listed["sessions"][0].clone();
        if session["lastUseTime"] != session["createTime"] {
            break;
        }
        tries += 1;
        assert!(tries < 500, "{session}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    people.pass(Duration::from_secs(60 * 59));
    assert_eq!(idle.call(&people, COMPLETE).await.status, 200, "it was used meanwhile");
    people.pass(Duration::from_secs(60 * 3));
    let over = idle.call(&people, COMPLETE).await;
    assert_eq!((over.status, over.json()["details"][0]["debug"]["reason"].as_str()), (401, Some("SESSION_INVALID")));
    let (mut one, mut other) = (Browser::default(), Browser::default());
    one.sign_in(&people, "/").await;
    other.sign_in(&people, "/").await;
    let listed = one.call(&people, LIST_SESSIONS).await.json();
    let sessions = listed["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2, "the one that is over is gone");
    let id = sessions.iter().find(|session| session["isCurrent"] != true).unwrap()["id"].as_str().unwrap();
    let mut claims = people.issuer.claims("ada", AUDIENCE);
    claims["exp"] = json!(later);
    let token = people.issuer.mint("RS256", &claims).unwrap();
    let ended = people.call_with(&token, END_SESSION, &json!({ "sessionId": id })).await;
    assert_eq!(ended.status, 200);
    assert_eq!(other.call(&people, COMPLETE).await.status, 401);
    assert_eq!(one.call(&people, COMPLETE).await.status, 200);
    people.pass(Duration::from_secs(60 * 61));
    assert_eq!(one.call(&people, COMPLETE).await.status, 401, "nobody used it for an hour");
}

#[tokio::test]
async fn an_answer_of_another_sign_in_is_refused() {
    let people = People::start().await;
    let (mut victim, mut attacker) = (Browser::default(), Browser::default());
    let stolen = attacker.leave(&people, "/").await;
    let path = &stolen[url::Position::BeforePath..];
    for browser in [&mut Browser::default(), &mut victim] {
        let answer = browser.send(&people, "GET", path, &[]).await;
        assert_eq!((answer.status, answer.headers["content-type"].as_str()), (401, "text/html; charset=utf-8"));
        assert!(answer.text().contains("not begun in this browser") && browser.cookies.is_empty());
        browser.leave(&people, "/").await;
        assert_eq!(browser.send(&people, "GET", path, &[]).await.status, 401, "nor with a sign-in of their own");
    }
    let mut again = Browser::default();
    let back = again.leave(&people, "/").await;
    let path = back[url::Position::BeforePath..].to_owned();
    for wrong in [
        path.replace("code=", "code=x"),
        path.replace("state=", "state=x"),
        format!("{path}&state=x"),
        format!("{path}&error=access_denied"),
        path.replace("iss=http", "iss=https"),
        "/auth/callback".to_owned(),
    ] {
        let answer = again.send(&people, "GET", &wrong, &[]).await;
        assert_eq!(answer.status, 401, "{wrong}: {}", answer.text());
        assert!(!again.cookies.contains_key("__Host-aerie-session"));
    }
    assert_eq!(again.send(&people, "GET", &path, &[]).await.status, 303, "the right one still works");
    assert_eq!(again.send(&people, "GET", &path, &[]).await.status, 401, "once");
}

#[tokio::test]
async fn the_issuers_token_is_checked_like_any_other() {
    for (name, value) in [
        ("aud", json!("another-client")),
        ("nonce", json!("another-sign-in")),
        ("exp", json!(1)),
        ("iss", json!("https://evil.example")),
        ("azp", json!("another-client")),
        ("sub", json!("")),
    ] {
        let people = People::start().await;
        let wrong = value.clone();
        people.issuer.distort(move |claims| claims[name] = wrong.clone());
        let mut browser = Browser::default();
        let answer = browser.sign_in(&people, "/").await;
        assert_eq!(answer.status, 401, "{name}={value}");
        assert!(!browser.cookies.contains_key("__Host-aerie-session"), "{name}={value}");
    }
}

#[tokio::test]
async fn without_an_issuer_that_answers_nobody_is_sent_away() {
    let people = People::start().await;
    people.issuer.set_down(true);
    let answer = Browser::default().send(&people, "GET", "/auth/login", &[]).await;
    assert_eq!((answer.status, answer.headers.get("location")), (503, None));
    assert!(answer.text().contains("does not answer") && answer.text().contains("Try again"), "{}", answer.text());
    let off = People::with(|config, _| config.accounts.sign_in.issuer = None).await;
    assert_eq!(Browser::default().send(&off, "GET", "/auth/login", &[]).await.status, 404);
    let missing = off.world.call(COMPLETE, &json!({})).await;
    assert!(missing.status == 401 && !missing.text().contains("sign_in"), "{}", missing.text());
}

#[tokio::test]
async fn evil_ways_back_lead_to_the_first_page() {
    let people = People::start().await;
    for way in ["//evil.example", "https://evil.example/", "%2F%5Cevil.example", "/auth/logout"] {
        let answer = Browser::default().sign_in(&people, way).await;
        assert_eq!((answer.status, answer.headers["location"].as_str()), (303, "/"), "{way}");
    }
}
