//! Aerie as an operator runs it for many: every role a process of its own, with certificates, over PostgreSQL and NATS.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use aerie_testkit::{boards::BoardServer, nats::NatsServer, postgres::PostgresServer, small_disk::SmallDisk};
use anyhow::{Context, ensure};
use serde_json::json;
use tempfile::TempDir;

use crate::{http, program::Program, tools};

/// Long enough for a slow machine that runs other tests as well.
const START_LIMIT: Duration = Duration::from_secs(120);
const DATABASE: &str = "cluster";
/// Beyond it a process cannot start at all.
const MOST_RESTARTS: usize = 20;

/// How many processes of each kind there are.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Gateways.
    pub gateways: usize,
    /// Pipelines that answer calls.
    pub apis: usize,
    /// Pipelines that work on tasks.
    pub workers: usize,
    /// Language-model routers.
    pub routers: usize,
    /// Vision services, with a tiny model of random weights.
    pub visions: usize,
    /// Megabytes of a disk that the database has for itself, to be filled; none, for all that there is.
    pub disk: Option<u64>,
}

impl Size {
    /// One of each.
    pub const ONE: Self = Self { gateways: 1, apis: 1, workers: 1, routers: 1, visions: 0, disk: None };
    /// Two of each.
    pub const TWO: Self = Self { gateways: 2, apis: 2, workers: 2, routers: 2, visions: 0, disk: None };
}

/// All processes of an installation; killed when dropped.
#[derive(Debug)]
pub struct Cluster {
    program: Program,
    home: TempDir,
    /// The database; outlives the processes.
    pub postgres: PostgresServer,
    /// The database's own disk, where one was asked for and may be mounted.
    pub disk: Option<SmallDisk>,
    /// The bus for wake-ups; without NATS the database does that, too.
    pub nats: Option<NatsServer>,
    members: BTreeMap<String, Member>,
    variables: Vec<(String, String)>,
    /// How often a process ended before it was ready, and was started again.
    restarts: usize,
}

/// One process.
#[derive(Debug)]
struct Member {
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    /// Where it tells how it is.
    operations: u16,
    /// Where it is called.
    port: u16,
    child: Option<Child>,
    /// Whether it has said so since it was started.
    was_ready: bool,
    data: PathBuf,
}

impl Cluster {
    /// Starts everything, with settings (as environment variables) that all processes get; `None` where PostgreSQL is not
    /// installed.
    ///
    /// # Errors
    /// Something did not start; the error has what it said.
    pub fn start(program: &Program, size: Size, settings: &[(&str, &str)]) -> anyhow::Result<Option<Self>> {
        let disk = size.disk.map(SmallDisk::mount).transpose()?.flatten();
        let folder = disk.as_ref().map_or_else(std::env::temp_dir, |disk| disk.path().to_owned());
        let postgres = match PostgresServer::start_on(&folder) {
            Ok(postgres) => postgres,
            Err(error) => {
                let is_required =
                    std::env::var(aerie_testkit::postgres::REQUIRE_SERVERS).is_ok_and(|value| value == "1");
                ensure!(!is_required, "{error}");
                eprintln!("skipped: {error}");
                return Ok(None);
            }
        };
        postgres.create_database(DATABASE)?;
        let home = tempfile::tempdir()?;
        let mut variables = vec![("AERIE__STORE__URL".to_owned(), postgres.url(DATABASE))];
        variables.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let nats = NatsServer::start()?;
        if let Some(nats) = &nats {
            variables.push(("AERIE__EVENTS__BUS".to_owned(), "nats".to_owned()));
            variables.push(("AERIE__EVENTS__NATS_URL".to_owned(), nats.url()));
        }
        let mut this = Self {
            program: program.clone(),
            home,
            postgres,
            disk,
            nats,
            members: BTreeMap::new(),
            variables,
            restarts: 0,
        };
        this.run(&["certificates", "--out", &this.path("certificates")])?;
        // Every process has a data folder of its own, and all seal with one secret.
        let secret = this.path("server.secret");
        fs::write(&secret, "0123456789abcdef".repeat(4))?;
        this.variables.push(("AERIE__STORE__SECRET_FILE".to_owned(), secret));
        this.run(&["migrate", "--data-dir", &this.path("data")])?;
        this.plan(size)?;
        let names: Vec<String> = this.members.keys().cloned().collect();
        for name in &names {
            this.spawn(name)?;
        }
        for name in &names {
            this.wait_ready(name)?;
        }
        Ok(Some(this))
    }

    /// As [`Self::start`], with sample boards in place of the internet, and the demo's profile loaded.
    ///
    /// # Errors
    /// Something did not start; the error has what it said.
    pub fn with_boards(
        program: &Program,
        size: Size,
        boards: &BoardServer,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Option<Self>> {
        let sample = sample_boards(boards);
        let mut all: Vec<(&str, &str)> = sample.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        all.extend(settings);
        let Some(this) = Self::start(program, size, &all)? else { return Ok(None) };
        if !this.has_accounts() {
            this.load_profile(boards, None)?;
        }
        Ok(Some(this))
    }

    /// Whether people show tokens.
    fn has_accounts(&self) -> bool {
        self.variables.iter().any(|(name, _)| name == "AERIE__ACCOUNTS__MODE")
    }

    /// Loads the demo's profile, with a search over all sample boards, for whoever the token belongs to.
    ///
    /// # Errors
    /// It is refused.
    pub fn load_profile(&self, boards: &BoardServer, token: Option<&str>) -> anyhow::Result<()> {
        let example = self.aerie(&["profile", "example"])?;
        let profile =
            example.replace("company_boards: []", &format!("company_boards: {}", json!(boards.company_boards())));
        let path = self.path("profile.yaml");
        fs::write(&path, profile)?;
        self.aerie_as(token, &["profile", "load", &path]).map(drop)
    }

    /// Runs a command against the first gateway, as a person would, and returns what it printed.
    ///
    /// # Errors
    /// It failed.
    pub fn aerie(&self, arguments: &[&str]) -> anyhow::Result<String> {
        self.aerie_as(None, arguments)
    }

    /// As [`Self::aerie`], for whoever the token belongs to.
    ///
    /// # Errors
    /// It failed.
    pub fn aerie_as(&self, token: Option<&str>, arguments: &[&str]) -> anyhow::Result<String> {
        let data = self.data()?.display().to_string();
        let arguments = ["--data-dir", data.as_str()].into_iter().chain(arguments.iter().copied());
        let mut command = self.program.command(self.home.path(), arguments);
        let output = command.envs(token.map(|token| ("AERIE_TOKEN", token))).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    fn plan(&mut self, size: Size) -> anyhow::Result<()> {
        let mut vision = Vec::new();
        if size.visions > 0 {
            let model = self.path("tiny");
            self.run(&["vision", "random", &model])?;
            let mut visions = Vec::new();
            for number in 0..size.visions {
                let port = free_port()?;
                visions.push(port);
                let own = vec![("AERIE__VISION__LISTEN".to_owned(), format!("127.0.0.1:{port}"))];
                self.add(&format!("vision-{number}"), "vision", port, &["vision", "up", "--model", &model], own)?;
            }
            vision.push(("AERIE__VISION__ENDPOINT".to_owned(), endpoint(&visions)));
        }
        let mut routers = Vec::new();
        for number in 0..size.routers {
            let port = free_port()?;
            routers.push(port);
            let mut own = vision.clone();
            own.push(("AERIE__LLM__LISTEN".to_owned(), format!("127.0.0.1:{port}")));
            self.add(&format!("llm-router-{number}"), "llm-router", port, &["llm-router"], own)?;
        }
        let router = ("AERIE__LLM_ROUTER__ENDPOINT".to_owned(), endpoint(&routers));
        let mut apis = Vec::new();
        for number in 0..size.apis {
            let port = free_port()?;
            apis.push(port);
            let own = vec![("AERIE__PIPELINE__LISTEN".to_owned(), format!("127.0.0.1:{port}")), router.clone()];
            self.add(&format!("pipeline-api-{number}"), "pipeline", port, &["pipeline", "--api", "--scheduler"], own)?;
        }
        for number in 0..size.workers {
            let own = vec![router.clone()];
            self.add(&format!("pipeline-worker-{number}"), "pipeline", 0, &["pipeline", "--worker"], own)?;
        }
        for number in 0..size.gateways {
            let port = free_port()?;
            let mut own = vision.clone();
            own.extend([
                ("AERIE__SERVER__PORT".to_owned(), port.to_string()),
                ("AERIE__SERVER__PORT_ATTEMPTS".to_owned(), "0".to_owned()),
                ("AERIE__PIPELINE__ENDPOINT".to_owned(), endpoint(&apis)),
                router.clone(),
            ]);
            if self.has_accounts() {
                own.push(("AERIE__ACCOUNTS__HOSTS".to_owned(), format!("127.0.0.1:{port}")));
            }
            self.add(&format!("gateway-{number}"), "gateway", port, &["gateway"], own)?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        name: &str,
        holder: &str,
        port: u16,
        arguments: &[&str],
        own: Vec<(String, String)>,
    ) -> anyhow::Result<()> {
        let file = |file: &str| self.path(&format!("certificates/{file}"));
        let operations = free_port()?;
        let data = self.home.path().join(format!("data-{name}"));
        fs::create_dir_all(&data)?;
        let mut variables = self.variables.clone();
        let more = [
            ("AERIE__SERVICES__TLS__AUTHORITY", file("ca.pem")),
            ("AERIE__SERVICES__TLS__CERTIFICATE", file(&format!("{holder}.pem"))),
            ("AERIE__SERVICES__TLS__KEY", file(&format!("{holder}.key"))),
            ("AERIE__SERVICES__IDENTITY__SIGNING_KEY", file("identity.key")),
            ("AERIE__SERVICES__IDENTITY__VERIFYING_KEYS", format!("[\"{}\"]", file("identity.pub"))),
            ("AERIE__TELEMETRY__OPERATIONS_LISTEN", format!("127.0.0.1:{operations}")),
            ("AERIE__LLM__DETECT", "false".to_owned()),
        ];
        variables.extend(more.map(|(key, value)| (key.to_owned(), value)));
        variables.extend(own);
        let mut arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        arguments.extend(["--data-dir".to_owned(), data.display().to_string()]);
        let member = Member { arguments, variables, operations, port, child: None, was_ready: false, data };
        self.members.insert(name.to_owned(), member);
        Ok(())
    }

    fn path(&self, name: &str) -> String {
        self.home.path().join(name).display().to_string()
    }

    fn log_path(&self, name: &str) -> PathBuf {
        self.home.path().join(format!("{name}.log"))
    }

    fn member(&self, name: &str) -> anyhow::Result<&Member> {
        self.members.get(name).with_context(|| format!("there is no {name}"))
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = self.program.command(self.home.path(), arguments);
        let output = command.envs(self.variables.iter().cloned()).output()?;
        ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Names of the processes that begin with `kind`.
    #[must_use]
    pub fn names(&self, kind: &str) -> Vec<String> {
        self.members.keys().filter(|name| name.starts_with(kind)).cloned().collect()
    }

    /// Starts a process that does not run.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn spawn(&mut self, name: &str) -> anyhow::Result<()> {
        self.spawn_with(name, &[])
    }

    /// As [`Self::spawn`], with a clock that is wrong by so many seconds; false where libfaketime is not installed.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn spawn_with_clock(&mut self, name: &str, ahead: i64) -> anyhow::Result<bool> {
        let Some(library) = tools::faketime()? else { return Ok(false) };
        let ahead = format!("{ahead:+}s");
        let library = library.display().to_string();
        // What is told to wait waits as long as before.
        let variables = [("LD_PRELOAD", library.as_str()), ("FAKETIME", &ahead), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
        self.spawn_with(name, &variables)?;
        Ok(true)
    }

    fn spawn_with(&mut self, name: &str, more: &[(&str, &str)]) -> anyhow::Result<()> {
        let log = File::options().create(true).append(true).open(self.log_path(name))?;
        let (program, home) = (self.program.clone(), self.home.path().to_owned());
        let member = self.members.get_mut(name).with_context(|| format!("there is no {name}"))?;
        let mut command: Command = program.command(&home, &member.arguments);
        command.envs(member.variables.iter().cloned()).envs(more.iter().copied());
        command.stdout(log.try_clone()?).stderr(Stdio::from(log));
        member.child = Some(command.spawn().with_context(|| name.to_owned())?);
        member.was_ready = false;
        Ok(())
    }

    /// Waits until a process says that it is ready. One that cannot start, as when the database is away just then, is
    /// started again, as an operator's system does.
    ///
    /// # Errors
    /// It never is ready, or another one ended that was; the error has its log.
    pub fn wait_ready(&mut self, name: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let log = self.log(name);
            let member = self.members.get_mut(name).with_context(|| format!("there is no {name}"))?;
            ensure!(member.child.is_some(), "{name} was not started");
            let answer = http::get(&format!("127.0.0.1:{}", member.operations), "/readyz");
            if answer.is_ok_and(|answer| answer.status == 200) {
                member.was_ready = true;
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{name} is not ready:\n{log}");
            self.supervise()?;
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// No process that was ready has ended by itself; others run again.
    fn supervise(&mut self) -> anyhow::Result<()> {
        let mut ended = Vec::new();
        for (name, member) in &mut self.members {
            let Some(child) = &mut member.child else { continue };
            if let Some(status) = child.try_wait()? {
                ended.push((name.clone(), status, member.was_ready));
            }
        }
        for (name, status, was_ready) in ended {
            self.restarts += 1;
            let is_hopeless = was_ready || self.restarts > MOST_RESTARTS;
            ensure!(!is_hopeless, "{name} ended ({status}):\n{}", self.log(&name));
            self.spawn(&name)?;
        }
        Ok(())
    }

    /// How often a process ended before it was ready, and was started again.
    #[must_use]
    pub fn restarts(&self) -> usize {
        self.restarts
    }

    /// Sends a signal, as `kill` does: KILL, TERM, STOP, CONT.
    ///
    /// # Errors
    /// The process does not run.
    pub fn signal(&mut self, name: &str, signal: &str) -> anyhow::Result<()> {
        let member = self.members.get_mut(name).with_context(|| format!("there is no {name}"))?;
        let child = member.child.as_mut().with_context(|| format!("{name} does not run"))?;
        let status = Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status()?;
        ensure!(status.success(), "kill -{signal} {name}: {status}");
        if matches!(signal, "KILL" | "TERM") {
            child.wait()?;
            member.child = None;
        }
        Ok(())
    }

    /// Starts all roles in one more process, over the same database, and says where it listens.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_whole(&mut self) -> anyhow::Result<String> {
        let port = free_port()?;
        let own = vec![("AERIE__SERVER__PORT".to_owned(), port.to_string())];
        self.add("whole", "gateway", port, &["up"], own)?;
        self.spawn("whole")?;
        self.wait_ready("whole")?;
        Ok(format!("http://127.0.0.1:{port}"))
    }

    /// The number of a process.
    ///
    /// # Errors
    /// It does not run.
    pub fn process(&self, name: &str) -> anyhow::Result<u32> {
        Ok(self.member(name)?.child.as_ref().with_context(|| format!("{name} does not run"))?.id())
    }

    /// Where a gateway listens: `http://127.0.0.1:PORT`.
    ///
    /// # Errors
    /// There is no such gateway.
    pub fn gateway(&self, number: usize) -> anyhow::Result<String> {
        Ok(format!("http://127.0.0.1:{}", self.member(&format!("gateway-{number}"))?.port))
    }

    /// The data folder in which the first gateway notes where it listens, for other commands.
    ///
    /// # Errors
    /// There is no gateway.
    pub fn data(&self) -> anyhow::Result<&Path> {
        Ok(&self.member("gateway-0")?.data)
    }

    /// Folder for everything of this test.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs a statement in the database, past row-level security; columns parted by `|`, one line a row.
    ///
    /// # Errors
    /// The server refuses it.
    pub fn sql(&self, statement: &str) -> anyhow::Result<String> {
        Ok(self.postgres.psql(DATABASE, statement)?.trim().to_owned())
    }

    /// What a process has said.
    #[must_use]
    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(self.log_path(name)).unwrap_or_default()
    }

    /// What a process tells Prometheus.
    ///
    /// # Errors
    /// It does not answer.
    pub fn metrics(&self, name: &str) -> anyhow::Result<String> {
        Ok(http::get(&format!("127.0.0.1:{}", self.member(name)?.operations), "/metrics")?.body)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.members.values_mut().filter_map(|member| member.child.as_mut()) {
            // An error means that it has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Settings that put sample boards in the place of the internet.
#[must_use]
pub fn sample_boards(boards: &BoardServer) -> Vec<(String, String)> {
    let there = boards.aggregators();
    let elsewhere: Vec<String> = aerie_boards::all()
        .iter()
        .map(|source| source.info())
        .filter(|info| info.kind != aerie_boards::SourceKind::CompanyBoard && !there.contains(&info.name))
        .map(|info| info.name.clone())
        .collect();
    let settings = [
        ("AERIE__DISCOVERY__ENDPOINTS", json!(boards.endpoints()).to_string()),
        ("AERIE__DISCOVERY__PER_HOST_INTERVAL_MS", "0".to_owned()),
        // No test may ask the real internet.
        ("AERIE__DISCOVERY__DISABLED_SOURCES", json!(elsewhere).to_string()),
        ("AERIE__RESEARCH__SEARXNG", "off".to_owned()),
    ];
    settings.map(|(key, value)| (key.to_owned(), value)).into()
}

fn endpoint(ports: &[u16]) -> String {
    let places: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    format!("https://{}", places.join(","))
}

/// A port of this machine that nobody had a moment ago.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
