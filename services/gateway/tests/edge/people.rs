//! A gateway with accounts: an issuer, an embedded store, a clock that is moved by hand.

use std::{sync::Arc, time::Duration};

use aerie_config::{AccountsMode, Config, Issuer, TokenAlgorithm};
use aerie_gateway::{AccountStore, Callers};
use aerie_store::{Stores, StoresConfig};
use aerie_tasks::ManualClock;
use aerie_testkit::{
    issuer::{Client, TestIssuer},
    postgres::TestPostgres,
};
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::{Answer, COMPLETE, World, config};

pub const AUDIENCE: &str = "aerie";
pub const CREATE_KEY: &str = "/aerie.platform.v1.AccountsService/CreateApiKey";
pub const LIST_KEYS: &str = "/aerie.platform.v1.AccountsService/ListApiKeys";
pub const REVOKE_KEY: &str = "/aerie.platform.v1.AccountsService/RevokeApiKey";
pub const GET_ACCOUNT: &str = "/aerie.platform.v1.AccountsService/GetAccount";
/// Where people open it. Nobody resolves the name: requests go to the socket and only say it.
pub const PUBLIC: &str = "https://aerie.example";

pub struct People {
    pub world: World,
    pub issuer: TestIssuer,
    pub clock: Arc<ManualClock>,
    pub stores: Arc<Stores>,
    config: Config,
    _postgres: Option<TestPostgres>,
    _folder: TempDir,
}

impl People {
    pub async fn start() -> Self {
        Self::with(|_, _| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config, &TestIssuer)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stores =
            StoresConfig { url: "embedded".into(), data: folder.path().to_owned(), migrate: true, connections: 4 };
        Self::on(stores, folder, None, change).await
    }

    /// The same on PostgreSQL; `None` where it is not installed.
    pub async fn postgres() -> Option<Self> {
        let postgres = TestPostgres::start().await.unwrap()?;
        let folder = tempfile::tempdir().unwrap();
        let stores = postgres.stores_config(folder.path());
        Some(Self::on(stores, folder, Some(postgres), |_, _| {}).await)
    }

    async fn on(
        stores: StoresConfig,
        folder: TempDir,
        postgres: Option<TestPostgres>,
        change: impl FnOnce(&mut Config, &TestIssuer),
    ) -> Self {
        let issuer = TestIssuer::start().await.unwrap();
        issuer.register(Client {
            id: "aerie-web".into(),
            secret: "swordfish".into(),
            redirect: format!("{PUBLIC}/auth/callback"),
        });
        let mut config = config();
        config.accounts.mode = AccountsMode::Tokens;
        config.accounts.public_addresses = vec![PUBLIC.into()];
        config.accounts.issuers = vec![Issuer {
            issuer: issuer.url().into(),
            audience: AUDIENCE.into(),
            jwks_url: issuer.jwks_url(),
            algorithms: vec![TokenAlgorithm::RS256, TokenAlgorithm::ES256, TokenAlgorithm::EdDSA],
            leeway_seconds: 30,
        }];
        config.accounts.sign_in.issuer = Some(issuer.url().into());
        config.accounts.sign_in.client_id = "aerie-web".into();
        config.accounts.sign_in.client_secret = aerie_config::Secret::new("swordfish");
        change(&mut config, &issuer);
        let stores = Arc::new(Stores::open(stores).await.unwrap());
        Self::serve(config, issuer, stores, postgres, folder).await
    }

    /// A second gateway for the same people, with other settings.
    pub async fn again(people: Self, change: impl FnOnce(&mut Config)) -> Self {
        let Self { issuer, stores, config, _postgres, _folder, .. } = people;
        let mut config = config;
        change(&mut config);
        Self::serve(config, issuer, stores, _postgres, _folder).await
    }

    async fn serve(
        config: Config,
        issuer: TestIssuer,
        stores: Arc<Stores>,
        postgres: Option<TestPostgres>,
        folder: TempDir,
    ) -> Self {
        let clock = Arc::new(ManualClock::new(Utc::now()));
        let store = AccountStore::new(Arc::clone(&stores));
        let callers = Callers::accounts(&config.accounts, store, clock.clone()).unwrap();
        let world = World::of(config.clone(), callers).await;
        world.deletion.place.set((Arc::clone(&stores), Arc::clone(&clock))).unwrap();
        Self { world, issuer, clock, stores, config, _postgres: postgres, _folder: folder }
    }

    /// A token that is fine.
    pub fn token(&self, subject: &str) -> String {
        self.issuer.mint("ES256", &self.issuer.claims(subject, AUDIENCE)).unwrap()
    }

    /// Moves the clock.
    pub fn pass(&self, time: Duration) {
        self.clock.advance(TimeDelta::from_std(time).unwrap());
    }

    /// A call in JSON with a token or key.
    pub async fn call_with(&self, credential: &str, path: &str, body: &Value) -> Answer {
        let authorization = format!("Bearer {credential}");
        let headers = [("content-type", "application/json"), ("authorization", authorization.as_str())];
        self.world.http("POST", path, &headers, body.to_string().as_bytes()).await
    }

    /// The person as a service behind the gateway sees them; the status when it sees nobody.
    pub async fn who(&self, credential: &str) -> Result<String, u16> {
        let answer = self.call_with(credential, COMPLETE, &json!({ "prompt": "who" })).await;
        if answer.status == 200 { Ok(answer.json()["text"].as_str().unwrap().to_owned()) } else { Err(answer.status) }
    }

    /// The reason why a credential is refused.
    pub async fn reason(&self, credential: &str) -> String {
        let answer = self.call_with(credential, COMPLETE, &json!({ "prompt": "who" })).await;
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert_eq!(answer.json()["code"], "unauthenticated");
        let challenge = &answer.headers["www-authenticate"];
        assert!(challenge.starts_with("Bearer realm=\"aerie\", error=\"invalid_token\""), "{challenge}");
        answer.json()["details"][0]["debug"]["reason"].as_str().unwrap().to_owned()
    }

    /// A new key of a person.
    pub async fn key(&self, token: &str, scopes: &[&str]) -> (String, String) {
        let answer = self.call_with(token, CREATE_KEY, &json!({ "name": "laptop", "scopes": scopes })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let answer = answer.json();
        (answer["apiKey"]["id"].as_str().unwrap().to_owned(), answer["secret"].as_str().unwrap().to_owned())
    }
}
