//! What the addresses and pages of each hiring system look like.

use url::Url;

use super::RecognisedBoard;

/// Hosts of the systems, for finding their addresses in a page.
pub(super) const HOSTS: [&str; 21] = [
    "greenhouse.io",
    "lever.co",
    "ashbyhq.com",
    "workable.com",
    "smartrecruiters.com",
    "recruitee.com",
    "jobs.personio.de",
    "jobs.personio.com",
    "teamtailor.com",
    "bamboohr.com",
    "myworkdayjobs.com",
    "myworkdaysite.com",
    "rippling.com",
    "breezy.hr",
    "pinpointhq.com",
    "oraclecloud.com",
    "eightfold.ai",
    "icims.com",
    "governmentjobs.com",
    "jobvite.com",
    "personio.de",
];

fn sure(source: &'static str, token: impl Into<String>) -> Option<RecognisedBoard> {
    let token = token.into();
    (!token.is_empty() && token.len() <= 200).then_some(RecognisedBoard { source, token, certain: true })
}

/// The board that an address at a system's own host belongs to.
pub(super) fn by_host(url: &Url) -> Option<RecognisedBoard> {
    let host = url.host_str()?.to_ascii_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    let path: Vec<String> = url.path_segments()?.filter(|part| !part.is_empty()).map(decoded).collect();
    // Many systems put a language first: `/en-US/External`.
    let after_language = match path.split_first() {
        Some((first, rest)) if is_language(first) => rest,
        _ => &path,
    };
    let part = |number: usize| path.get(number).cloned().unwrap_or_default();
    let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());

    match host {
        "boards.greenhouse.io"
        | "job-boards.greenhouse.io"
        | "job-boards.eu.greenhouse.io"
        | "boards.eu.greenhouse.io" => match part(0).as_str() {
            "embed" => sure("greenhouse", value("for")?),
            _ => sure("greenhouse", part(0)),
        },
        "boards-api.greenhouse.io" | "api.greenhouse.io" => {
            after(&path, "boards").and_then(|token| sure("greenhouse", token))
        }
        "jobs.lever.co" => sure("lever", part(0)),
        "jobs.eu.lever.co" => sure("lever", part(0)).map(european),
        "api.lever.co" => after(&path, "postings").and_then(|token| sure("lever", token)),
        "api.eu.lever.co" => after(&path, "postings").and_then(|token| sure("lever", token)).map(european),
        "jobs.ashbyhq.com" => sure("ashby", part(0)),
        "api.ashbyhq.com" => after(&path, "job-board").and_then(|token| sure("ashby", token)),
        "apply.workable.com" => match part(0).as_str() {
            "api" => after(&path, "accounts").and_then(|token| sure("workable", token)),
            "j" => None,
            _ => sure("workable", part(0)),
        },
        "jobs.smartrecruiters.com" | "careers.smartrecruiters.com" => match part(0).as_str() {
            "oneclick-ui" => after(&path, "company").and_then(|token| sure("smartrecruiters", token)),
            "external-referrals" | "ni" | "sr-jobs" => None,
            _ => sure("smartrecruiters", part(0)),
        },
        "api.smartrecruiters.com" => after(&path, "companies").and_then(|token| sure("smartrecruiters", token)),
        "ats.rippling.com" => sure("rippling", after_language.first()?.clone()),
        "api.rippling.com" => after(&path, "board").and_then(|token| sure("rippling", token)),
        "governmentjobs.com" => match after(&path, "careers") {
            Some(agency) => sure("neogov", agency),
            None => value("agency").and_then(|agency| sure("neogov", agency)),
        },
        "jobs.jobvite.com" => match after_language.first()?.as_str() {
            "careers" => sure("jobvite", after_language.get(1)?.clone()),
            token => sure("jobvite", token),
        },
        _ => by_tenant(host, &path, after_language, &value),
    }
}

/// Systems that give each company a host of its own.
fn by_tenant(
    host: &str,
    path: &[String],
    after_language: &[String],
    value: &dyn Fn(&str) -> Option<String>,
) -> Option<RecognisedBoard> {
    let tenant = |suffix: &str| {
        let label = host.strip_suffix(suffix)?.strip_suffix('.')?;
        let reserved =
            ["www", "app", "api", "help", "support", "static", "cdn", "assets", "info", "status", "developer"];
        (!label.is_empty() && !reserved.contains(&label)).then(|| label.to_owned())
    };
    if let Some(label) = tenant("jobs.personio.de") {
        return sure("personio", label);
    }
    if tenant("jobs.personio.com").is_some() {
        return sure("personio", host);
    }
    let by_label = [
        ("recruitee.com", "recruitee"),
        ("bamboohr.com", "bamboohr"),
        ("breezy.hr", "breezy"),
        ("pinpointhq.com", "pinpoint"),
    ];
    for (suffix, source) in by_label {
        if let Some(label) = tenant(suffix).filter(|label| !label.contains('.')) {
            return sure(source, label);
        }
    }
    if let Some(label) = tenant("teamtailor.com") {
        // Regional accounts have two labels: `acme.na.teamtailor.com`.
        return sure("teamtailor", if label.contains('.') { host.to_owned() } else { label });
    }
    if let Some(label) = tenant("workable.com").filter(|label| !matches!(label.as_str(), "jobs" | "resources")) {
        return sure("workable", label);
    }
    if let Some(label) = tenant("icims.com") {
        return sure("icims", label);
    }
    if host.ends_with(".myworkdayjobs.com") {
        let site = match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["wday", "cxs", _, site, ..] => (*site).to_owned(),
            _ => after_language.first()?.clone(),
        };
        return sure("workday", format!("{host}/{site}"));
    }
    if host.ends_with("myworkdaysite.com") {
        let place = after_language.iter().position(|part| part == "recruiting")?;
        let (tenant, site) = (after_language.get(place + 1)?, after_language.get(place + 2)?);
        return sure("workday", format!("{host}/{tenant}/{site}"));
    }
    if host.ends_with(".oraclecloud.com") {
        return sure("oracle", format!("{host}/{}", after(path, "sites")?));
    }
    if let Some(label) = tenant("eightfold.ai") {
        let domain = value("domain");
        let certain = domain.is_some();
        let domain = domain.unwrap_or_else(|| format!("{label}.com"));
        return Some(RecognisedBoard { source: "eightfold", token: format!("{label}/{domain}"), certain });
    }
    None
}

/// A company's own host with the sign of a system in the query: the token is a guess from the host.
pub(super) fn by_query(url: &Url) -> Option<RecognisedBoard> {
    let token = company_label(url.host_str()?);
    let guess = |source| Some(RecognisedBoard { source, token: token.clone(), certain: false });
    let has = |name: &str| url.query_pairs().any(|(key, value)| key == name && !value.is_empty());
    match () {
        () if token.is_empty() => None,
        () if has("gh_jid") || has("gh_src") => guess("greenhouse"),
        () if has("ashby_jid") => guess("ashby"),
        () if has("lever-source") || has("lever-origin") => guess("lever"),
        () => None,
    }
}

/// Systems that serve a company's own host: told by their assets in the page.
pub(super) fn by_marks(html: &str, base: &Url) -> Option<RecognisedBoard> {
    let host = base.host_str()?;
    let seen = |marks: &[&str]| marks.iter().any(|mark| html.contains(mark));
    if seen(&["teamtailor-cdn.com", "assets.teamtailor", "scripts.teamtailor"]) {
        return sure("teamtailor", host);
    }
    if seen(&["recruiteecdn.com", "d10zminp1cyta8.cloudfront.net", "recruitee-careers"]) {
        return sure("recruitee", host);
    }
    if seen(&["assets.pinpointhq.com", "pinpointhq-assets"]) {
        return sure("pinpoint", host);
    }
    None
}

/// The label of a host that names the company: `careers.acme.co.uk` and `www.acme.com` are `acme`.
pub(super) fn company_label(host: &str) -> String {
    let mut labels: Vec<&str> = host.split('.').collect();
    labels.pop();
    if labels.len() > 1
        && labels.last().is_some_and(|label| matches!(*label, "co" | "com" | "ac" | "org" | "net" | "gov"))
    {
        labels.pop();
    }
    labels.pop().unwrap_or_default().to_ascii_lowercase()
}

fn after(path: &[String], name: &str) -> Option<String> {
    let place = path.iter().position(|part| part == name)?;
    path.get(place + 1).cloned()
}

fn european(board: RecognisedBoard) -> RecognisedBoard {
    RecognisedBoard { token: format!("eu:{}", board.token), ..board }
}

/// `en`, `en-US`, `zh-Hans`.
fn is_language(part: &str) -> bool {
    let (language, region) = part.split_once(['-', '_']).unwrap_or((part, "XX"));
    language.len() == 2
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && (2..=4).contains(&region.len())
        && region.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// A path segment without percent signs.
fn decoded(segment: &str) -> String {
    let form = segment.replace('+', "%2B");
    let pair = format!("x={form}");
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
