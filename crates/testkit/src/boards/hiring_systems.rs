//! The answers of hiring systems: one company's board each.

use serde_json::{Value, json};

use super::{Answer, Request, xml_text};
use crate::sample::{SamplePosting, country_name};

pub(crate) fn answer(all: &[SamplePosting], request: &Request<'_>) -> Option<Answer> {
    let parts: Vec<&str> = request.path.split('/').filter(|part| !part.is_empty()).collect();
    match (request.host, parts.as_slice()) {
        ("boards-api.greenhouse.io", ["v1", "boards", token, "jobs"]) => {
            let jobs: Vec<Value> = board(all, "greenhouse", token)?.map(greenhouse).collect();
            let total = jobs.len();
            Answer::json(&json!({"jobs": jobs, "meta": {"total": total}}))
        }
        ("api.lever.co", ["v0", "postings", token]) => {
            let rows: Vec<Value> = board(all, "lever", token)?.map(lever).collect();
            // The real service pages when asked to; without parameters it gives everything.
            let skip = request.number("skip", 0);
            let limit = request.number("limit", rows.len());
            Answer::json(&rows.into_iter().skip(skip).take(limit).collect())
        }
        ("api.ashbyhq.com", ["posting-api", "job-board", token]) => {
            let jobs: Vec<Value> = board(all, "ashby", token)?.map(ashby).collect();
            Answer::json(&json!({"apiVersion": "1", "jobs": jobs}))
        }
        ("apply.workable.com", ["api", "v1", "widget", "accounts", token]) => {
            let company = board(all, "workable", token)?.next()?.company.clone();
            let jobs: Vec<Value> = board(all, "workable", token)?.map(workable).collect();
            Answer::json(&json!({"name": company.name, "description": company.about, "jobs": jobs}))
        }
        ("api.smartrecruiters.com", ["v1", "companies", token, "postings"]) => {
            let rows: Vec<Value> = board(all, "smartrecruiters", token)?.map(smartrecruiters).collect();
            let (limit, offset) = (request.number("limit", 10).min(100), request.number("offset", 0));
            let total = rows.len();
            let content: Vec<Value> = rows.into_iter().skip(offset).take(limit).collect();
            Answer::json(&json!({"offset": offset, "limit": limit, "totalFound": total, "content": content}))
        }
        ("api.smartrecruiters.com", ["v1", "companies", token, "postings", id]) => {
            let posting = board(all, "smartrecruiters", token)?.find(|posting| smart_id(posting) == *id)?;
            Answer::json(&smartrecruiters_detail(posting))
        }
        ("juniperlane.bamboohr.com", ["careers", "list"]) => {
            let rows: Vec<Value> = board(all, "bamboohr", "juniperlane")?.map(bamboohr).collect();
            Answer::json(&json!({"meta": {"totalCount": rows.len()}, "result": rows}))
        }
        ("juniperlane.bamboohr.com", ["careers", id, "detail"]) => {
            let posting = board(all, "bamboohr", "juniperlane")?.find(|posting| posting.number.to_string() == *id)?;
            Answer::json(&json!({"result": {"jobOpening": {
                "jobOpeningName": posting.title,
                "description": posting.html,
                "datePosted": posting.posted.format("%Y-%m-%d").to_string(),
                "compensation": posting.pay.map(|(low, high)| format!("${low} - ${high} per year")),
            }}}))
        }
        (host, path) => tenant_feed(all, host, path),
    }
}

/// Hiring systems that give every tenant a host of its own.
fn tenant_feed(all: &[SamplePosting], host: &str, path: &[&str]) -> Option<Answer> {
    let token = host.split('.').next()?;
    if host.ends_with(".recruitee.com") && path == ["api", "offers"] {
        let offers: Vec<Value> = board(all, "recruitee", token)?.map(recruitee).collect();
        return Answer::json(&json!({"offers": offers}));
    }
    if host.ends_with(".jobs.personio.de") && path == ["xml"] {
        let positions: String = board(all, "personio", token)?.map(personio).collect();
        return Answer::xml(format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<workzag-jobs>{positions}</workzag-jobs>"
        ));
    }
    if host.ends_with(".teamtailor.com") && path == ["jobs.json"] {
        let items: Vec<Value> = board(all, "teamtailor", token)?.map(teamtailor).collect();
        return Answer::json(&json!({"version": "https://jsonfeed.org/version/1.1", "title": token, "items": items}));
    }
    None
}

/// One company's postings; `None` when there is no such board.
fn board<'a>(
    all: &'a [SamplePosting],
    system: &'a str,
    token: &'a str,
) -> Option<impl Iterator<Item = &'a SamplePosting>> {
    let mut postings =
        all.iter().filter(move |posting| posting.company.system == system && posting.company.token == token).peekable();
    postings.peek()?;
    Some(postings)
}

fn greenhouse(posting: &SamplePosting) -> Value {
    let location = if posting.workplace == "remote" {
        format!("Remote - {}", country_name(&posting.company.country))
    } else {
        posting.place()
    };
    let id = 4_000_000 + posting.number;
    json!({
        "id": id,
        "internal_job_id": id + 1_000_000,
        "title": posting.title,
        "absolute_url": format!("https://boards.greenhouse.io/{}/jobs/{id}", posting.company.token),
        "location": {"name": location},
        "updated_at": posting.posted.to_rfc3339(),
        "first_published": posting.posted.to_rfc3339(),
        "requisition_id": format!("R-{}", posting.number),
        "company_name": posting.company.name,
        "language": "en",
        "content": xml_text(&posting.html),
        "departments": [{"id": 1, "name": posting.department, "parent_id": null, "child_ids": []}],
        "offices": [{"id": 1, "name": posting.company.city, "location": posting.place()}],
        "metadata": null,
    })
}

fn lever(posting: &SamplePosting) -> Value {
    let page = format!("https://jobs.lever.co/{}/{}", posting.company.token, posting.uuid());
    let mut row = json!({
        "id": posting.uuid(),
        "text": posting.title,
        "hostedUrl": page,
        "applyUrl": format!("{page}/apply"),
        "createdAt": posting.posted.timestamp_millis(),
        "country": posting.company.country,
        "workplaceType": if posting.workplace == "onsite" { "on-site" } else { posting.workplace },
        "categories": {
            "location": posting.place(), "allLocations": [posting.place()], "commitment": "Full-time",
            "team": posting.department, "department": posting.department,
        },
        "description": format!("<p>{}</p>", posting.company.about),
        "descriptionPlain": posting.company.about,
        "lists": [
            {"text": "Requirements", "content": posting.skills.iter().map(|skill| format!("<li>{skill}</li>")).collect::<String>()},
        ],
        "additional": posting.html,
        "additionalPlain": "",
    });
    if let Some((low, high)) = posting.pay {
        row["salaryRange"] =
            json!({"min": low, "max": high, "currency": posting.currency, "interval": "per-year-salary"});
    }
    row
}

fn ashby(posting: &SamplePosting) -> Value {
    let page = format!("https://jobs.ashbyhq.com/{}/{}", posting.company.token, posting.uuid());
    let workplace = match posting.workplace {
        "remote" => "Remote",
        "hybrid" => "Hybrid",
        _ => "OnSite",
    };
    let salary: Vec<Value> = posting
        .pay
        .iter()
        .map(|(low, high)| {
            json!({"compensationType": "Salary", "interval": "1 YEAR", "currencyCode": posting.currency,
                   "minValue": low, "maxValue": high})
        })
        .collect();
    json!({
        "id": posting.uuid(), "title": posting.title, "department": posting.department, "team": posting.department,
        "employmentType": "FullTime", "location": posting.place(), "secondaryLocations": [],
        "publishedAt": posting.posted.to_rfc3339(), "isListed": true, "isRemote": posting.workplace == "remote",
        "workplaceType": workplace,
        "address": {"postalAddress": {"addressLocality": posting.company.city, "addressRegion": posting.company.region,
                    "addressCountry": country_name(&posting.company.country)}},
        "jobUrl": page, "applyUrl": format!("{page}/application"),
        "descriptionHtml": posting.html, "descriptionPlain": "",
        "compensation": {"compensationTierSummary": null, "summaryComponents": salary},
    })
}

fn workable(posting: &SamplePosting) -> Value {
    let code = format!("{:010X}", u64::from(posting.number) * 7_919);
    json!({
        "title": posting.title, "shortcode": code, "code": "", "employment_type": "Full-time",
        "telecommuting": posting.workplace == "remote", "department": posting.department,
        "url": format!("https://apply.workable.com/j/{code}"),
        "shortlink": format!("https://apply.workable.com/j/{code}"),
        "application_url": format!("https://apply.workable.com/j/{code}/apply"),
        "published_on": posting.posted.format("%Y-%m-%d").to_string(),
        "created_at": posting.posted.format("%Y-%m-%d").to_string(),
        "country": country_name(&posting.company.country), "city": posting.company.city, "state": posting.company.region,
        "education": "", "experience": "", "function": posting.department, "industry": "",
        "locations": [{"country": country_name(&posting.company.country), "countryCode": posting.company.country,
                       "city": posting.company.city, "region": posting.company.region, "hidden": false}],
        "description": posting.html,
    })
}

fn smart_id(posting: &SamplePosting) -> String {
    format!("7439999{:08}", posting.number)
}

fn smartrecruiters(posting: &SamplePosting) -> Value {
    json!({
        "id": smart_id(posting), "uuid": posting.uuid(), "name": posting.title, "refNumber": format!("REF{}", posting.number),
        "releasedDate": posting.posted.to_rfc3339(),
        "company": {"identifier": posting.company.token, "name": posting.company.name},
        "location": {"city": posting.company.city, "region": posting.company.region,
                     "country": posting.company.country.to_lowercase(), "remote": posting.workplace == "remote",
                     "hybrid": posting.workplace == "hybrid"},
        "department": {"id": "1", "label": posting.department},
        "typeOfEmployment": {"id": "permanent", "label": "Full-time"},
        "language": {"code": "en"},
        "ref": format!("https://api.smartrecruiters.com/v1/companies/{}/postings/{}", posting.company.token, smart_id(posting)),
    })
}

fn smartrecruiters_detail(posting: &SamplePosting) -> Value {
    let mut detail = smartrecruiters(posting);
    let page = format!("https://jobs.smartrecruiters.com/{}/{}", posting.company.token, smart_id(posting));
    detail["postingUrl"] = json!(page);
    detail["applyUrl"] = json!(format!("{page}?oga=true"));
    detail["active"] = json!(true);
    detail["jobAd"] = json!({"sections": {
        "companyDescription": {"title": "Company", "text": format!("<p>{}</p>", posting.company.about)},
        "jobDescription": {"title": "Job", "text": posting.html},
        "qualifications": {"title": "Qualifications", "text": ""},
        "additionalInformation": {"title": "More", "text": ""},
    }});
    if let Some((low, high)) = posting.pay {
        detail["compensation"] = json!({"min": low, "max": high, "currency": posting.currency, "period": "YEARLY"});
    }
    detail
}

fn recruitee(posting: &SamplePosting) -> Value {
    let slug = format!("position-{}", posting.number);
    let page = format!("https://{}.recruitee.com/o/{slug}", posting.company.token);
    let stamp = posting.posted.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    json!({
        "id": posting.number, "guid": posting.uuid(), "slug": slug, "title": posting.title, "description": posting.html,
        "requirements": "", "careers_url": page, "careers_apply_url": format!("{page}/c/new"),
        "company_name": posting.company.name,
        "city": posting.company.city, "country": country_name(&posting.company.country),
        "country_code": posting.company.country, "state_name": posting.company.region, "location": posting.place(),
        "remote": posting.workplace == "remote", "hybrid": posting.workplace == "hybrid",
        "on_site": posting.workplace == "onsite", "department": posting.department,
        "employment_type_code": "fulltime_permanent", "created_at": stamp, "published_at": stamp,
        "salary": posting.pay.map(|(low, high)| json!({"min": low.to_string(), "max": high.to_string(),
                                                       "period": "year", "currency": posting.currency})),
        "tags": posting.skills, "status": "published",
    })
}

fn personio(posting: &SamplePosting) -> String {
    format!(
        "<position><id>{id}</id><subcompany>{company}</subcompany><office>{city}</office><department>{department}</department>\
         <recruitingCategory>Professional</recruitingCategory><name>{title}</name><jobDescriptions><jobDescription>\
         <name>About the role</name><value><![CDATA[{html}]]></value></jobDescription></jobDescriptions>\
         <employmentType>permanent</employmentType><seniority>experienced</seniority><schedule>full-time</schedule>\
         <createdAt>{created}</createdAt></position>",
        id = 900_000 + posting.number,
        company = xml_text(&posting.company.name),
        city = xml_text(&posting.company.city),
        department = xml_text(&posting.department),
        title = xml_text(&posting.title),
        html = posting.html,
        created = posting.posted.to_rfc3339(),
    )
}

fn teamtailor(posting: &SamplePosting) -> Value {
    let page = format!("https://{}.teamtailor.com/jobs/{}-position", posting.company.token, posting.number);
    json!({
        "id": posting.uuid(), "title": posting.title, "url": page, "date_published": posting.posted.to_rfc3339(),
        "content_html": posting.html,
        "_jobposting": {
            "@type": "JobPosting", "title": posting.title, "datePosted": posting.posted.to_rfc3339(),
            "identifier": {"@type": "PropertyValue", "value": posting.number.to_string()},
            "hiringOrganization": {"@type": "Organization", "name": posting.company.name},
            "jobLocation": [{"@type": "Place", "address": {"addressLocality": posting.company.city,
                             "addressCountry": posting.company.country}}],
            "jobLocationType": if posting.workplace == "remote" { json!("TELECOMMUTE") } else { Value::Null },
        },
    })
}

fn bamboohr(posting: &SamplePosting) -> Value {
    let kind = match posting.workplace {
        "remote" => "1",
        "hybrid" => "2",
        _ => "0",
    };
    json!({
        "id": posting.number.to_string(), "jobOpeningName": posting.title, "departmentLabel": posting.department,
        "employmentStatusLabel": "Full-Time", "location": {"city": posting.company.city, "state": posting.company.region},
        "atsLocation": {"country": country_name(&posting.company.country), "state": posting.company.region,
                        "city": posting.company.city},
        "isRemote": null, "locationType": kind,
    })
}
