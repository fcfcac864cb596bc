//! The demo killed without warning at any moment, and started again, ends where an undisturbed one ends.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    env,
    fmt::Debug,
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Command, Stdio},
    str::FromStr,
    thread,
    time::{Duration, Instant},
};

use aerie_store::{Stores, StoresConfig, accounts, catalogue, jobs};
use aerie_tests::{moments::Moments, program::Program};
use anyhow::{Context, ensure};
use serde_json::{Value, json};

/// Kills, unless `AERIE_TEST_KILLS` says otherwise.
const USUAL_KILLS: u32 = 6;

/// Longer than any run here takes: whoever waits for the lease of a killed process is found out.
const LEASE_SECONDS: &str = "600";

/// A demo's home.
struct Home {
    folder: PathBuf,
}

impl Home {
    /// A home that was never used.
    fn new(folder: PathBuf) -> anyhow::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// Another one whose boards stand at a free port and speak of the same days as this one's: they date their
    /// postings back from the first start.
    fn twin(&self, folder: PathBuf) -> anyhow::Result<Self> {
        let note: Value = serde_json::from_slice(&fs::read(self.folder.join("demo.json"))?)?;
        let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let twin = Self::new(folder)?;
        let note = json!({ "first_start": note["first_start"], "board_port": free });
        fs::write(twin.folder.join("demo.json"), note.to_string())?;
        Ok(twin)
    }

    fn command(&self, program: &Program) -> Command {
        let mut command = program.command(&self.folder, ["demo", "--exit", "--json", "--home"]);
        command.arg(&self.folder).env("AERIE__TASKS__LEASE_SECONDS", LEASE_SECONDS);
        command
    }

    /// A start that is left alone.
    fn complete(&self, program: &Program) -> anyhow::Result<Value> {
        let output = self.command(program).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// A start that is killed after a while; whether it was not over by then.
    fn killed(&self, program: &Program, after: Duration) -> anyhow::Result<bool> {
        let mut child = self.command(program).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        thread::sleep(after);
        // SIGKILL: the program cannot notice.
        child.kill()?;
        let status = child.wait()?;
        ensure!(status.code().is_none_or(|code| code == 0), "the demo failed: {status}");
        Ok(status.code().is_none())
    }

    /// What lies in the stores.
    async fn stored(&self) -> anyhow::Result<Stored> {
        let config =
            StoresConfig { url: "embedded".to_owned(), data: self.folder.clone(), migrate: false, connections: 2 };
        let stores = Stores::open(config).await?;
        let mut tx = stores.platform().read().await?;
        let mut stored = Stored { fingerprint: catalogue::fingerprint(&mut tx).await?, ..Stored::default() };
        let mut urls = HashMap::new();
        for posting in catalogue::documents_after(&mut tx, None, i64::MAX).await? {
            let mut links: Vec<String> =
                posting.links.iter().map(|link| format!("{} {}", link.source, link.url)).collect();
            links.sort();
            urls.insert(posting.id, posting.posting.url.clone());
            stored.merged.insert(posting.posting.url, links);
        }
        for person in accounts::people(&mut tx).await? {
            let mut tx = stores.person(person.id).await?.read().await?;
            for pair in jobs::possible_duplicates(&mut tx, i64::MAX).await? {
                let mut pair = [pair.left, pair.right].map(|id| urls.get(&id).cloned().unwrap_or_default());
                pair.sort();
                stored.possible.insert(pair);
            }
        }
        drop(tx);
        stores.close().await;
        Ok(stored)
    }
}

/// What lies in a home's stores, without ids and times.
#[derive(Debug, Default, PartialEq)]
struct Stored {
    /// Of everything in the catalogue.
    fingerprint: String,
    /// Where each posting was seen.
    merged: BTreeMap<String, Vec<String>>,
    /// Pairs that the person is asked about.
    possible: BTreeSet<[String; 2]>,
}

impl Stored {
    fn same_as(&self, found: &Self) -> anyhow::Result<()> {
        let different = differences(&self.merged, &found.merged);
        ensure!(different.is_empty(), "{} postings differ:\n{}", different.len(), different.join("\n"));
        let different: Vec<_> = self.possible.symmetric_difference(&found.possible).collect();
        ensure!(different.is_empty(), "possible duplicates differ: {different:#?}");
        ensure!(self.fingerprint == found.fingerprint, "the catalogue's fingerprint differs");
        Ok(())
    }
}

/// What a person sees of each job, by its address, without ids and times.
fn queue(output: &Value) -> anyhow::Result<BTreeMap<String, Value>> {
    let jobs = output["jobs"].as_array().context("jobs")?;
    let mut queue = BTreeMap::new();
    for job in jobs {
        let posting = &job["posting"];
        let mut links: Vec<String> = posting["links"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|link| format!("{} {}", link["source"], link["url"]))
            .collect();
        links.sort();
        let seen = json!({
            "title": posting["title"],
            "company": posting["company"],
            "places": posting["places"],
            "salary": posting["salary"],
            "status": job["status"],
            "links": links,
        });
        let url = posting["url"].as_str().context("a job without an address")?.to_owned();
        ensure!(job["score"]["total"].is_number(), "{url} has no score");
        ensure!(queue.insert(url.clone(), seen).is_none(), "{url} is in the queue twice");
    }
    Ok(queue)
}

/// Where two queues differ, for people.
fn differences<T: Debug + PartialEq>(left: &BTreeMap<String, T>, right: &BTreeMap<String, T>) -> Vec<String> {
    let keys = left.keys().chain(right.keys().filter(|key| !left.contains_key(*key)));
    keys.filter(|key| left.get(*key) != right.get(*key))
        .map(|key| format!("{key}\n  {:?}\n  {:?}", left.get(key), right.get(key)))
        .collect()
}

fn number(run: &Value, name: &str) -> i64 {
    // Zeros are left out of the JSON form.
    run["run"][name].as_i64().unwrap_or_default()
}

#[tokio::test]
async fn a_killed_demo_ends_where_an_undisturbed_one_ends() -> anyhow::Result<()> {
    let Some(program) = Program::find()? else { return Ok(()) };
    let kills = setting("AERIE_TEST_KILLS", USUAL_KILLS)?;
    let seed = setting("AERIE_TEST_SEED", 1_u64)?;
    let folder = tempfile::tempdir()?;

    let calm = Home::new(folder.path().join("calm"))?;
    let begun = Instant::now();
    let undisturbed = calm.complete(&program)?;
    let duration = begun.elapsed();
    let wanted = queue(&undisturbed)?;
    ensure!(wanted.len() > 100 && number(&undisturbed, "newPostings") > 300, "the demo found too little");
    let calm_store = calm.stored().await?;
    ensure!(!calm_store.possible.is_empty(), "the demo has no possible duplicates");
    let wanted = Wanted { queue: wanted, stored: calm_store };

    // Each kill is of a home that was never started, or of one that was killed before: both are what happens.
    let (mut moments, mut longest) = (Moments(seed), duration);
    let mut home = calm.twin(folder.path().join("killed-0"))?;
    let (mut kill, mut starts) = (0, 0);
    while kill < kills {
        let after = moments.next(longest);
        let killed = home.killed(&program, after)?;
        println!("{} after {} ms", if killed { "killed" } else { "over" }, after.as_millis());
        starts += 1;
        if killed {
            kill += 1;
        } else {
            // This start was faster than the calm one. Bit by bit, so that late moments come up too.
            longest = longest.mul_f64(0.95);
        }
        if !killed || kill % 2 == 0 || kill == kills {
            same_in_the_end(&program, &home, &wanted)
                .await
                .with_context(|| format!("seed {seed}, kill {kill} after {} ms", after.as_millis()))?;
            home = calm.twin(folder.path().join(format!("killed-{starts}")))?;
        }
    }
    Ok(())
}

/// A number that the environment may set.
fn setting<T: FromStr>(name: &str, usual: T) -> anyhow::Result<T> {
    match env::var(name) {
        Ok(text) => text.parse().ok().with_context(|| format!("{name} is {text:?} and not a number")),
        Err(_) => Ok(usual),
    }
}

/// How an undisturbed demo ends.
struct Wanted {
    queue: BTreeMap<String, Value>,
    stored: Stored,
}

/// Lets a killed home come to its end and compares everything; then another start must find nothing.
async fn same_in_the_end(program: &Program, home: &Home, wanted: &Wanted) -> anyhow::Result<()> {
    let resumed = home.complete(program)?;
    let different = differences(&wanted.queue, &queue(&resumed)?);
    ensure!(different.is_empty(), "{} jobs differ:\n{}", different.len(), different.join("\n"));
    wanted.stored.same_as(&home.stored().await?)?;

    let again = home.complete(program)?;
    let counted = ["newPostings", "newJobs", "scoredJobs"].map(|name| number(&again, name));
    ensure!(counted == [0, 0, 0], "another start found new postings, new jobs, scored jobs: {counted:?}");
    ensure!(queue(&again)? == wanted.queue, "another start changed the queue");
    wanted.stored.same_as(&home.stored().await?).context("after another start")
}
