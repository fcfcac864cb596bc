//! A full re-score of one person's jobs, through the task that a changed profile starts.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use aerie_config::Config;
use aerie_matching::{
    CorpusStatistics, Extras, MatchProfile, PostingFeatures, PreparedProfile, SkillVocabulary, score_with,
};
use aerie_pipeline::{Pipeline, PipelineDeps};
use aerie_proto::pipeline::v1::{
    self as pb, match_service_client::MatchServiceClient, profile_service_client::ProfileServiceClient,
    tasks_service_client::TasksServiceClient,
};
use aerie_rpc::PERSON_HEADER;
use aerie_store::{
    Stores, catalogue,
    jobs::{self, JobSnapshot, NewJob},
};
use aerie_tasks::SystemClock;
use aerie_telemetry::Lifecycle;
use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tonic::Request;
use uuid::Uuid;

/// Jobs written in one transaction while the queue is filled.
const BATCH: usize = 1_000;

/// Times in seconds, memory in bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rescored {
    jobs: i64,
    /// From the request to the task's end, scores written.
    whole: f64,
    /// Of all cores together.
    processor: f64,
    /// Reading the features of the catalogue and counting terms, alone.
    read: f64,
    /// Scoring with two threads' worth of nothing else, alone.
    score: f64,
    resident: u64,
    peak: u64,
}

impl Rescored {
    /// Prints the figures.
    pub fn report(&self, postings: u64) {
        println!("\nfull re-score of {} jobs, catalogue of {postings}", self.jobs);
        println!(
            "  {:.2} s from the request to the last score written, {:.2} s processor time",
            self.whole, self.processor
        );
        println!("  of that, each measured alone: reading features {:.2} s, scoring {:.2} s", self.read, self.score);
        println!("  memory {} MB resident, {} MB at most", self.resident / 1_000_000, self.peak / 1_000_000);
    }
}

/// A person who reads the postings.
pub struct Reader {
    stores: Arc<Stores>,
    backend: aerie_rpc::Backend,
    lifecycle: Lifecycle,
    id: Uuid,
}

impl Reader {
    /// Starts a pipeline on the stores and gives the local person a profile.
    pub async fn start(stores: Arc<Stores>, data: &Path) -> Self {
        let config = Config::load(None, &json!({ "data_dir": data, "tasks": { "poll_ms": 10 } })).unwrap();
        let deps =
            PipelineDeps { stores: Arc::clone(&stores), config: &config, clock: Arc::new(SystemClock), router: None };
        let pipeline = Pipeline::create(deps).unwrap();
        let id = pipeline.local_person().await.unwrap();
        let lifecycle = Lifecycle::new();
        let backend = pipeline.server(&lifecycle).await.unwrap().backend();
        pipeline.start(&lifecycle).await.unwrap();
        let reader = Self { stores, backend, lifecycle, id };
        let mut profile = ProfileServiceClient::new(reader.backend.clone());
        let request = pb::UpdateProfileRequest { profile: Some(profile_of_reader()), update_mask: None };
        let updated = profile.update_profile(as_person(id, request)).await.unwrap().into_inner();
        // The same profile again needs no scoring.
        if !updated.rescore_task_id.is_empty() {
            reader.wait(&updated.rescore_task_id).await;
        }
        reader
    }

    /// Scores everything anew, to the last score written.
    pub async fn rescore(&self) {
        let mut matching = MatchServiceClient::new(self.backend.clone());
        let request = as_person(self.id, pb::RescoreJobsRequest {});
        self.wait(&matching.rescore_jobs(request).await.unwrap().into_inner().task_id).await;
    }

    async fn wait(&self, task: &str) {
        let mut tasks = TasksServiceClient::new(self.backend.clone());
        wait(&mut tasks, self.id, task).await;
    }

    /// One pending job for every posting of the catalogue.
    pub async fn fill_queue(&self) {
        let mut ids: Vec<Uuid> = Vec::new();
        let mut tx = self.stores.platform().read().await.unwrap();
        catalogue::for_each_match_features(&mut tx, |posting, _| {
            ids.push(posting.id);
            Ok(())
        })
        .await
        .unwrap();
        drop(tx);
        self.queue(&ids).await;
    }

    /// One pending job for each of these postings that has none.
    pub async fn queue(&self, ids: &[Uuid]) {
        let database = self.stores.person(self.id).await.unwrap();
        for batch in ids.chunks(BATCH) {
            let mut tx = self.stores.platform().read().await.unwrap();
            let postings = catalogue::get(&mut tx, batch).await.unwrap();
            drop(tx);
            let new = postings
                .into_iter()
                .map(|posting| NewJob {
                    id: Uuid::now_v7(),
                    posting_id: posting.id,
                    status: "pending".to_owned(),
                    snapshot: JobSnapshot { posting: posting.posting, links: posting.links },
                    surfaced_by: None,
                    search_profile_id: None,
                    score: None,
                })
                .collect();
            let mut tx = database.begin().await.unwrap();
            jobs::insert_many_if_new(&mut tx, new, Utc::now()).await.unwrap();
            tx.commit().await.unwrap();
        }
    }

    /// Ends the pipeline.
    pub async fn stop(self) {
        self.lifecycle.stop();
        self.lifecycle.drain(Duration::from_secs(5)).await;
    }
}

/// Scores everything anew in stores whose local person has the whole catalogue as jobs.
pub async fn measure(data: &Path) -> Rescored {
    let stores = super::open(data).await;
    let reader = Reader::start(Arc::clone(&stores), data).await;
    let mut read = stores.person(reader.id).await.unwrap().read().await.unwrap();
    let jobs: i64 = jobs::count_by_status(&mut read).await.unwrap().values().sum();
    drop(read);
    super::forget_peak();
    let (begun, processor) = (Instant::now(), super::processor_seconds());
    reader.rescore().await;
    let (whole, processor) = (begun.elapsed(), super::processor_seconds() - processor);
    let (resident, peak) = (super::memory("VmRSS"), super::memory("VmHWM"));
    let (read, score) = alone(&stores).await;
    reader.stop().await;
    stores.close().await;
    Rescored {
        jobs,
        whole: whole.as_secs_f64(),
        processor,
        read: read.as_secs_f64(),
        score: score.as_secs_f64(),
        resident,
        peak,
    }
}

fn as_person<T>(person: Uuid, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert(PERSON_HEADER, person.to_string().parse().unwrap());
    request
}

async fn wait(tasks: &mut TasksServiceClient<aerie_rpc::Backend>, person: Uuid, task: &str) {
    let request = pb::WatchTaskRequest { task_id: task.to_owned() };
    let mut stream = tasks.watch_task(as_person(person, request)).await.unwrap().into_inner();
    let mut last = None;
    while let Some(update) = stream.message().await.unwrap() {
        last = update.task;
    }
    let task = last.expect("a task");
    assert_eq!(task.state(), pb::TaskState::Completed, "{}", task.error);
}

fn profile_of_reader() -> pb::Profile {
    pb::Profile {
        summary: "Backend engineer with eight years of Rust and Python, most of it on payment systems. Runs what she \
            builds. Not interested in blockchain."
            .to_owned(),
        resume_text: "Built the ledger of a payment company in Rust and PostgreSQL; ran it on Kubernetes. Before that \
            data pipelines in Python and Airflow, dashboards for support, on-call for three years. Taught new colleagues \
            to review code. Studied mathematics in Leipzig."
            .to_owned(),
        skills: ["Rust", "Python", "PostgreSQL", "gRPC", "Docker", "Kubernetes", "Linux"].map(str::to_owned).to_vec(),
        places: vec!["Berlin".to_owned()],
        seniority: pb::Seniority::Senior as i32,
        ..Default::default()
    }
}

/// The parts of the work without the rest: reading with counting, and scoring on all cores.
async fn alone(stores: &Stores) -> (Duration, Duration) {
    use rayon::prelude::*;
    let begun = Instant::now();
    let mut statistics = CorpusStatistics::default();
    let mut kept: Vec<Vec<u8>> = Vec::new();
    let mut tx = stores.platform().read().await.unwrap();
    catalogue::for_each_match_features(&mut tx, |_, features| {
        if let Ok(posting) = PostingFeatures::from_bytes(features) {
            statistics.add(&posting);
        }
        kept.push(features.to_vec());
        Ok(())
    })
    .await
    .unwrap();
    let read = begun.elapsed();
    let wire = profile_of_reader();
    let profile = MatchProfile {
        summary: wire.summary,
        resume_text: wire.resume_text,
        skills: wire.skills,
        places: vec![super::synthetic::home()],
        ..MatchProfile::default()
    };
    let begun = Instant::now();
    let prepared = PreparedProfile::prepare(&profile, SkillVocabulary::built_in(), &statistics);
    let now = Utc::now();
    let total: f32 = kept
        .par_iter()
        .filter_map(|bytes| PostingFeatures::from_bytes(bytes).ok())
        .map(|posting| score_with(&prepared, &posting, Extras::default(), now).total)
        .sum();
    assert!(total > 0.0);
    (read, begun.elapsed())
}
