//! What the tests share: items, and a wire that leads to a fake service.

use std::{collections::BTreeMap, process::Command, sync::OnceLock};

use aerie_integrations::{
    Appointment, AppointmentChange, Delivered, Delivery, Digest, DigestSection, Document, FileName, Item, Job, JobName,
    Move, PushError, Ready, Settings, Wire, WireOptions, by_name,
};
use aerie_testkit::service::{Asked, FakeService, Told};
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use uuid::Uuid;

/// What stands for every credential.
pub const MARKER: &str = "marker-0f9a7c-marker";

/// The key file of a service account, with a key made for this run of the tests.
pub fn service_account() -> &'static str {
    static FILE: OnceLock<String> = OnceLock::new();
    FILE.get_or_init(|| {
        let arguments = ["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
        let made = Command::new("openssl").args(arguments).output().expect("openssl makes a key");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let file = json!({
            "type": "service_account",
            "private_key_id": format!("{MARKER}-key-id"),
            "private_key": String::from_utf8(made.stdout).unwrap(),
            "client_email": "aerie@tests.iam.gserviceaccount.com",
            "token_uri": "http://169.254.169.254/",
        });
        file.to_string()
    })
}

pub const JOB_ID: Uuid = Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001);
pub const APPOINTMENT_ID: Uuid = Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0002);

pub fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).unwrap()
}

fn delivery(subject: String, state: &str, item: Item) -> Delivery {
    let key = format!("{subject}:{state}");
    Delivery { subject, key, at: at(), remote_id: None, item }
}

pub fn job_name() -> JobName {
    JobName {
        title: "Loom Mechanic <b>& Co".to_owned(),
        company: "Brasswick".to_owned(),
        url: "https://jobs.example/1?a=1&b=2".to_owned(),
    }
}

/// A job that moved to this status.
pub fn job(status: &str) -> Delivery {
    let item = Job {
        id: JOB_ID,
        name: job_name(),
        status: status.to_owned(),
        place: "Leeds, GB".to_owned(),
        salary: "40000–50000 GBP a year".to_owned(),
        source: "greenhouse".to_owned(),
        score: Some(81.4),
        moved: Some(Move { from: "approved".to_owned(), to: status.to_owned(), reverted: false }),
    };
    delivery(format!("job:{JOB_ID}"), status, Item::Job(item))
}

/// An interview at 14:00 in Berlin.
pub fn appointment(change: AppointmentChange, hour: u32) -> Delivery {
    let starts_at = Utc.with_ymd_and_hms(2026, 7, 3, hour, 0, 0).unwrap();
    let item = Appointment {
        id: APPOINTMENT_ID,
        change,
        title: "Interview at Brasswick".to_owned(),
        starts_at,
        ends_at: starts_at + TimeDelta::minutes(45),
        zone: Tz::Europe__Berlin,
        location: "Mill Lane 4; ring twice".to_owned(),
        notes: "Ask about the looms.".to_owned(),
        job: job_name(),
    };
    delivery(format!("appointment:{APPOINTMENT_ID}"), &format!("{hour}"), Item::Appointment(item))
}

pub fn digest() -> Delivery {
    let day = at().date_naive();
    let section = DigestSection { title: "Coming up".to_owned(), lines: vec!["Interview – 14:00".to_owned()] };
    delivery(format!("digest:{day}"), "1", Item::Digest(Digest { day, sections: vec![section] }))
}

pub fn document(content: &'static [u8]) -> Delivery {
    let item = Document {
        name: FileName::new("Brief – Müller & Söhne (1).pdf").unwrap(),
        media_type: "application/pdf".to_owned(),
        content: content.into(),
    };
    delivery("document:Brief".to_owned(), &content.len().to_string(), Item::Document(item))
}

/// A kind with settings, and the fake service that stands for these hosts.
pub struct World {
    pub service: FakeService,
    pub ready: Ready,
    pub wire: Wire,
}

impl World {
    /// `{service}` in a setting stands for the service's address.
    pub async fn start(
        kind: &str,
        settings: &[(&str, &str)],
        hosts: &[&str],
        answering: impl Fn(&Asked) -> Told + Send + Sync + 'static,
    ) -> Self {
        let service = FakeService::start(answering).await.unwrap();
        let base = url::Url::parse(&service.url("/")).unwrap();
        let options = WireOptions {
            allowed_hosts: vec![service.address().to_string()],
            endpoints: hosts.iter().map(|host| ((*host).to_owned(), base.clone())).collect(),
            ..WireOptions::default()
        };
        let values: BTreeMap<String, String> = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.replace("{service}", &service.url(""))))
            .collect();
        let ready = by_name(kind).unwrap().ready(&Settings(values)).unwrap();
        Self { service, ready, wire: Wire::new(options).unwrap() }
    }

    pub async fn test(&self) -> Result<String, PushError> {
        self.ready.test(&self.wire).await
    }

    pub async fn push(&self, delivery: &Delivery) -> Result<Delivered, PushError> {
        self.ready.push(&self.wire, delivery).await
    }

    /// The requests since the last look, as method and target.
    pub fn lines(&self) -> Vec<String> {
        self.service.take().iter().map(Asked::line).collect()
    }
}

/// The only request since the last look.
pub fn only(service: &FakeService) -> Asked {
    let mut asked = service.take();
    assert_eq!(asked.len(), 1, "{asked:?}");
    asked.remove(0)
}

/// Compares JSON documents and shows both when they differ.
pub fn assert_json(found: &Value, wanted: &Value) {
    assert_eq!(found, wanted, "\nfound  {found:#}\nwanted {wanted:#}");
}
