//! The answers of aggregators: postings of many companies, most of them seen on a company's own board too.

use serde_json::{Value, json};

use super::{Answer, Request, xml_text};
use crate::sample::{SamplePosting, country_name};

/// Which of the syndicated postings an aggregator lists: not all the same, and not all different.
fn listed(all: &[SamplePosting], slot: u32) -> impl Iterator<Item = &SamplePosting> {
    all.iter().filter(move |posting| posting.syndicated && !(posting.number / 3 + slot).is_multiple_of(3))
}

pub(crate) fn answer(all: &[SamplePosting], request: &Request<'_>) -> Option<Answer> {
    match (request.host, request.path.trim_end_matches('/')) {
        ("remoteok.com", "api") => {
            let mut rows = vec![
                json!({"last_updated": request.now.timestamp(), "legal": "Sample data; link back to the source."}),
            ];
            rows.extend(listed(all, 0).map(remoteok));
            Answer::json(&Value::Array(rows))
        }
        ("remotive.com", "api/remote-jobs") => {
            let jobs: Vec<Value> = listed(all, 1).map(remotive).collect();
            Answer::json(&json!({"0-legal-notice": "Sample data.", "job-count": jobs.len(), "jobs": jobs}))
        }
        ("www.arbeitnow.com", "api/job-board-api") => {
            let page = request.number("page", 1).max(1);
            let data: Vec<Value> = listed(all, 2).skip((page - 1) * 100).take(100).map(arbeitnow).collect();
            Answer::json(
                &json!({"data": data, "links": {"next": null}, "meta": {"current_page": page, "per_page": 100}}),
            )
        }
        ("himalayas.app", "jobs/api") => {
            let (limit, offset) = (request.number("limit", 20).min(20), request.number("offset", 0));
            let total = listed(all, 0).count();
            let jobs: Vec<Value> = listed(all, 0).skip(offset).take(limit).map(himalayas).collect();
            Answer::json(&json!({"jobs": jobs, "totalCount": total, "offset": offset, "limit": limit}))
        }
        ("jobicy.com", "api/v2/remote-jobs") => {
            let jobs: Vec<Value> = listed(all, 1).take(request.number("count", 50).min(100)).map(jobicy).collect();
            Answer::json(&json!({"jobCount": jobs.len(), "jobs": jobs}))
        }
        ("weworkremotely.com", "remote-jobs.rss") => {
            let items: String = listed(all, 2).map(weworkremotely).collect();
            Answer::xml(format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\"><channel><title>Remote jobs</title>\
                 <link>https://weworkremotely.com</link><description>Sample</description>{items}</channel></rss>"
            ))
        }
        ("hn.algolia.com", "api/v1/search_by_date") => Answer::json(&json!({"hits": [
            {"objectID": "40000000", "title": format!("Ask HN: Who is hiring? ({})", request.now.format("%B %Y")),
             "created_at": request.now.to_rfc3339(), "created_at_i": request.now.timestamp(), "author": "whoishiring"},
        ], "nbHits": 1})),
        ("hn.algolia.com", "api/v1/items/40000000") => {
            let children: Vec<Value> = listed(all, 1).step_by(2).map(hackernews).collect();
            Answer::json(&json!({"id": 40_000_000, "type": "story", "author": "whoishiring",
                "title": format!("Ask HN: Who is hiring? ({})", request.now.format("%B %Y")), "children": children}))
        }
        _ => None,
    }
}

fn remoteok(posting: &SamplePosting) -> Value {
    let slug = format!("remote-position-{}", posting.number);
    let (low, high) = posting.pay.unwrap_or((0, 0));
    json!({
        "id": posting.number.to_string(), "slug": slug, "epoch": posting.posted.timestamp(),
        "date": posting.posted.to_rfc3339(), "company": posting.company.name, "company_logo": "", "position": posting.title,
        "tags": posting.skills, "description": posting.html, "location": posting.place(),
        "apply_url": format!("https://remoteok.com/remote-jobs/{slug}"), "salary_min": low, "salary_max": high,
        "url": format!("https://remoteok.com/remote-jobs/{slug}"),
    })
}

fn remotive(posting: &SamplePosting) -> Value {
    json!({
        "id": posting.number, "url": format!("https://remotive.com/remote-jobs/software-dev/position-{}", posting.number),
        "title": posting.title, "company_name": posting.company.name, "category": posting.department,
        "tags": posting.skills, "job_type": "full_time",
        "publication_date": posting.posted.format("%Y-%m-%dT%H:%M:%S").to_string(),
        "candidate_required_location": posting.place(),
        "salary": posting.pay.map(|(low, high)| format!("{} {}k - {}k", posting.currency, low / 1000, high / 1000)).unwrap_or_default(),
        "description": posting.html,
    })
}

fn arbeitnow(posting: &SamplePosting) -> Value {
    let slug = format!("position-{}", posting.number);
    json!({
        "slug": slug, "company_name": posting.company.name, "title": posting.title, "description": xml_text(&posting.html),
        "remote": posting.workplace == "remote", "url": format!("https://www.arbeitnow.com/jobs/companies/{slug}"),
        "tags": [posting.department], "job_types": ["Full Time"], "location": posting.company.city,
        "created_at": posting.posted.timestamp(),
    })
}

fn himalayas(posting: &SamplePosting) -> Value {
    let page = format!("https://himalayas.app/companies/{}/jobs/position-{}", posting.company.token, posting.number);
    json!({
        "title": posting.title, "excerpt": posting.company.about, "companyName": posting.company.name,
        "companySlug": posting.company.token, "employmentType": "Full Time",
        "minSalary": posting.pay.map(|pay| pay.0), "maxSalary": posting.pay.map(|pay| pay.1), "currency": posting.currency,
        "seniority": [], "locationRestrictions": [country_name(&posting.company.country)], "timezoneRestrictions": [],
        "categories": [posting.department], "description": posting.html, "pubDate": posting.posted.timestamp(),
        "expiryDate": posting.posted.timestamp() + 60 * 86_400, "applicationLink": page, "guid": page,
    })
}

fn jobicy(posting: &SamplePosting) -> Value {
    json!({
        "id": posting.number, "url": format!("https://jobicy.com/jobs/{}-position", posting.number),
        "jobSlug": format!("{}-position", posting.number), "jobTitle": xml_text(&posting.title),
        "companyName": xml_text(&posting.company.name), "jobIndustry": [xml_text(&posting.department)], "jobType": ["Full-Time"],
        "jobGeo": country_name(&posting.company.country), "jobLevel": "Any", "jobExcerpt": posting.company.about,
        "jobDescription": posting.html, "pubDate": posting.posted.format("%Y-%m-%d %H:%M:%S").to_string(),
        "salaryMin": posting.pay.map(|pay| pay.0), "salaryMax": posting.pay.map(|pay| pay.1),
        "salaryCurrency": posting.currency, "salaryPeriod": "yearly",
    })
}

fn weworkremotely(posting: &SamplePosting) -> String {
    format!(
        "<item><title>{company}: {title}</title><region>{place}</region><category>{department}</category>\
         <type>Full-Time</type><description>{html}</description><pubDate>{date}</pubDate>\
         <guid>https://weworkremotely.com/remote-jobs/position-{number}</guid>\
         <link>https://weworkremotely.com/remote-jobs/position-{number}</link></item>",
        company = xml_text(&posting.company.name),
        title = xml_text(&posting.title),
        place = xml_text(&posting.place()),
        department = xml_text(&posting.department),
        html = xml_text(&posting.html),
        date = posting.posted.to_rfc2822(),
        number = posting.number,
    )
}

fn hackernews(posting: &SamplePosting) -> Value {
    let place = if posting.workplace == "remote" { "REMOTE" } else { "ONSITE" };
    let pay = posting
        .pay
        .map(|(low, high)| format!(" | {} {}k-{}k", posting.currency, low / 1000, high / 1000))
        .unwrap_or_default();
    json!({
        "id": 40_000_000 + posting.number, "author": "sample", "created_at": posting.posted.to_rfc3339(),
        "created_at_i": posting.posted.timestamp(), "parent_id": 40_000_000, "type": "comment", "children": [],
        "text": format!(
            "{} | {} | {} | {place}{pay} | https:&#x2F;&#x2F;jobs.{}.example&#x2F;p{}<p>{}<p>We use {}.",
            xml_text(&posting.company.name), xml_text(&posting.title), xml_text(&posting.place()),
            posting.company.token.to_lowercase(), posting.number, xml_text(&posting.company.about), posting.skills.join(", "),
        ),
    })
}
