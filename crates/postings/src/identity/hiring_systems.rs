//! Keys of postings on known hiring systems, by host and path.
//!
//! Every rule returns `None` unless the address has the exact shape of a single posting, so that a board's start page
//! or a search never gets a posting's key.

use url::Url;

/// Hosts (or their last labels) on which presentation parameters are known to be cosmetic.
const HIRING_HOSTS: [&str; 16] = [
    "greenhouse.io",
    "lever.co",
    "ashbyhq.com",
    "myworkdayjobs.com",
    "myworkdaysite.com",
    "smartrecruiters.com",
    "workable.com",
    "icims.com",
    "jobs.personio.de",
    "jobs.personio.com",
    "bamboohr.com",
    "oraclecloud.com",
    "rippling.com",
    "linkedin.com",
    "indeed.com",
    "recruitee.com",
];

/// Whether the host belongs to a hiring system of the table.
pub(super) fn is_hiring_host(host: &str) -> bool {
    HIRING_HOSTS.iter().any(|known| is_within(host, known)) || is_indeed(host)
}

/// Whether `host` is `domain` or one of its subdomains.
fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Indeed has a domain per country (`de.indeed.com`, `indeed.co.uk`).
fn is_indeed(host: &str) -> bool {
    host.split('.').any(|label| label == "indeed") && host.split('.').count() <= 4
}

/// An address cut to what the rules look at.
struct Address<'a> {
    url: &'a Url,
    host: &'a str,
    /// Path parts that are not empty.
    parts: Vec<&'a str>,
}

impl<'a> Address<'a> {
    fn new(url: &'a Url) -> Option<Self> {
        let host = url.host_str()?;
        let host = host.strip_prefix("www.").unwrap_or(host);
        let parts = url.path().split('/').filter(|part| !part.is_empty()).collect();
        Some(Self { url, host, parts })
    }

    /// The first value of a parameter that `read` accepts.
    fn query(&self, name: &str, read: impl Fn(&str) -> Option<String>) -> Option<String> {
        let values = self.url.query_pairs().filter(|(found, _)| found.eq_ignore_ascii_case(name));
        values.filter_map(|(_, value)| read(value.trim())).next()
    }

    fn part(&self, index: usize) -> Option<&'a str> {
        self.parts.get(index).copied()
    }

    /// The part behind the first part with this name.
    fn part_after(&self, name: &str) -> Option<&'a str> {
        let at = self.parts.iter().position(|part| part.eq_ignore_ascii_case(name))?;
        self.part(at + 1)
    }

    /// The host's first label when the host is a direct subdomain of `domain`.
    fn tenant(&self, domain: &str) -> Option<&'a str> {
        let tenant = self.host.strip_suffix(domain)?.strip_suffix('.')?;
        (!tenant.is_empty()).then_some(tenant)
    }
}

/// The key of a posting on a known hiring system.
pub(super) fn key(url: &Url) -> Option<String> {
    let address = Address::new(url)?;
    greenhouse(&address)
        .or_else(|| lever(&address))
        .or_else(|| ashby(&address))
        .or_else(|| workday(&address))
        .or_else(|| smart_recruiters(&address))
        .or_else(|| workable(&address))
        .or_else(|| icims(&address))
        .or_else(|| personio(&address))
        .or_else(|| bamboo_hr(&address))
        .or_else(|| oracle(&address))
        .or_else(|| rippling(&address))
        .or_else(|| linked_in(&address))
        .or_else(|| indeed(&address))
        .or_else(|| jibe(&address))
}

/// The one address of a posting where the system has a form that always opens it; others keep theirs.
pub(super) fn page(url: &Url) -> Option<String> {
    let address = Address::new(url)?;
    if let Some(key) = linked_in(&address) {
        return Some(format!("https://www.linkedin.com/jobs/view/{}/", key.strip_prefix("linkedin:")?));
    }
    let key = indeed(&address)?;
    Some(format!("https://{}/viewjob?jk={}", url.host_str()?, key.strip_prefix("indeed:")?))
}

fn greenhouse(address: &Address<'_>) -> Option<String> {
    let on_greenhouse = is_within(address.host, "greenhouse.io");
    let by_path = address.part_after("jobs").filter(|_| on_greenhouse).and_then(digits);
    let by_token = || on_greenhouse.then(|| address.query("token", digits)).flatten();
    let number = by_path.or_else(|| address.query("gh_jid", digits)).or_else(by_token)?;
    Some(format!("greenhouse:{number}"))
}

fn lever(address: &Address<'_>) -> Option<String> {
    if !matches!(address.host, "jobs.lever.co" | "jobs.eu.lever.co") {
        return None;
    }
    Some(format!("lever:{}", uuid(address.part(1)?)?))
}

fn ashby(address: &Address<'_>) -> Option<String> {
    let by_path = || (address.host == "jobs.ashbyhq.com").then(|| address.part(1).and_then(uuid)).flatten();
    Some(format!("ashby:{}", address.query("ashby_jid", uuid).or_else(by_path)?))
}

/// `{tenant}.wd{n}.myworkdayjobs.com/[{locale}/]{site}/job/[{place}/]{slug}_{requisition}[-{k}][/apply]`, also with
/// `/details/` for `/job/`, and `wd{n}.myworkdaysite.com/[{locale}/]recruiting/{tenant}/{site}/job/…`.
fn workday(address: &Address<'_>) -> Option<String> {
    let tenant = if is_within(address.host, "myworkdayjobs.com") {
        address.tenant("myworkdayjobs.com")?.split('.').next()?
    } else if is_within(address.host, "myworkdaysite.com") {
        address.part_after("recruiting")?
    } else {
        return None;
    };
    let at = address
        .parts
        .iter()
        .position(|part| part.eq_ignore_ascii_case("job") || part.eq_ignore_ascii_case("details"))?;
    let behind = address.parts.get(at + 1..)?;
    let last = behind
        .iter()
        .rev()
        .find(|part| !part.eq_ignore_ascii_case("apply") && !part.to_lowercase().starts_with("applymanually"))?;
    let (_, requisition) = last.split_once('_')?;
    let requisition = requisition.to_lowercase();
    let requisition = without_counter(&requisition);
    (!requisition.is_empty()).then(|| format!("workday:{}:{requisition}", tenant.to_lowercase()))
}

/// Workday serves the first posting of a requisition with and without `-1`. Higher counters are further postings of
/// it, in other places or languages, and stay apart.
fn without_counter(requisition: &str) -> &str {
    match requisition.strip_suffix("-1") {
        Some(base) if base.bytes().filter(u8::is_ascii_digit).count() >= 3 && !is_year(base) => base,
        _ => requisition,
    }
}

/// "2024" in "2024-1" is a year rather than a requisition.
fn is_year(text: &str) -> bool {
    text.len() == 4 && (text.starts_with("19") || text.starts_with("20"))
}

fn smart_recruiters(address: &Address<'_>) -> Option<String> {
    if !matches!(address.host, "jobs.smartrecruiters.com" | "careers.smartrecruiters.com") {
        return None;
    }
    let found =
        address.parts.iter().skip(1).find_map(|part| digits(part.split('-').next()?).filter(|id| id.len() > 6))?;
    Some(format!("smartrecruiters:{found}"))
}

fn workable(address: &Address<'_>) -> Option<String> {
    let on_board = address.host == "apply.workable.com" || address.tenant("workable.com").is_some();
    let code = address.part_after("j").filter(|_| on_board)?;
    is_code(code).then(|| format!("workable:{}", code.to_lowercase()))
}

fn icims(address: &Address<'_>) -> Option<String> {
    let tenant = address.tenant("icims.com")?;
    Some(format!("icims:{}:{}", tenant.to_lowercase(), digits(address.part_after("jobs")?)?))
}

fn personio(address: &Address<'_>) -> Option<String> {
    let tenant = address.tenant("jobs.personio.de").or_else(|| address.tenant("jobs.personio.com"))?;
    Some(format!("personio:{tenant}:{}", digits(address.part_after("job")?)?))
}

fn bamboo_hr(address: &Address<'_>) -> Option<String> {
    let tenant = address.tenant("bamboohr.com")?;
    let number = match address.part_after("careers") {
        Some(number) => digits(number)?,
        None if address.part(0) == Some("jobs") => address.query("id", digits)?,
        None => return None,
    };
    Some(format!("bamboohr:{tenant}:{number}"))
}

fn oracle(address: &Address<'_>) -> Option<String> {
    if !is_within(address.host, "oraclecloud.com") {
        return None;
    }
    address.part_after("sites")?;
    let number = address.part_after("job").or_else(|| address.part_after("requisitions"))?;
    let number = if number == "preview" { address.part_after("preview")? } else { number };
    is_code(number).then(|| format!("oracle:{}:{}", address.host, number.to_lowercase()))
}

fn rippling(address: &Address<'_>) -> Option<String> {
    if address.host != "ats.rippling.com" {
        return None;
    }
    Some(format!("rippling:{}", uuid(address.part_after("jobs")?)?))
}

fn linked_in(address: &Address<'_>) -> Option<String> {
    if !is_within(address.host, "linkedin.com") {
        return None;
    }
    let by_path = || {
        let part = address.part_after("view").or_else(|| address.part_after("jobPosting"))?;
        digits(part.rsplit('-').next()?)
    };
    let number = by_path().or_else(|| address.query("currentJobId", digits))?;
    Some(format!("linkedin:{number}"))
}

fn indeed(address: &Address<'_>) -> Option<String> {
    if !is_indeed(address.host) {
        return None;
    }
    let key = |text: &str| {
        let is_key = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_key.then(|| text.to_lowercase())
    };
    let found = address.query("jk", key).or_else(|| address.query("vjk", key))?;
    Some(format!("indeed:{found}"))
}

/// `{tenant}.jibeapply.com/[{section}/]jobs/{n}`.
fn jibe(address: &Address<'_>) -> Option<String> {
    let tenant = address.tenant("jibeapply.com")?;
    Some(format!("jibe:{}:{}", tenant.to_lowercase(), digits(address.part_after("jobs")?)?))
}

/// A number written with digits only.
fn digits(text: &str) -> Option<String> {
    let is_number = !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.to_owned())
}

/// A UUID in its usual form, in lower case.
fn uuid(text: &str) -> Option<String> {
    let is_uuid = text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    is_uuid.then(|| text.to_lowercase())
}

/// A short code of letters and digits with at least one digit.
fn is_code(text: &str) -> bool {
    text.len() <= 40
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && text.bytes().any(|byte| byte.is_ascii_digit())
}
