//! Joining what a list says of a posting with what its detail says.

use aerie_postings::RawPosting;

/// The detail's values where it has them, otherwise the list's.
pub fn merged(list: RawPosting, detail: RawPosting) -> RawPosting {
    fn full<T>(detail: Vec<T>, list: Vec<T>) -> Vec<T> {
        if detail.is_empty() { list } else { detail }
    }
    RawPosting {
        source: list.source,
        source_id: list.source_id.or(detail.source_id),
        title: detail.title.or(list.title),
        company: detail.company.or(list.company),
        url: detail.url.or(list.url),
        apply_url: detail.apply_url.or(list.apply_url),
        places: full(detail.places, list.places),
        remote: detail.remote.or(list.remote),
        remote_scope: detail.remote_scope.or(list.remote_scope),
        employment: full(detail.employment, list.employment),
        employment_text: full(detail.employment_text, list.employment_text),
        seniority_text: detail.seniority_text.or(list.seniority_text),
        salary: detail.salary.or(list.salary),
        description_html: detail.description_html.or(list.description_html),
        description_text: detail.description_text.or(list.description_text),
        snippet: list.snippet && detail.snippet,
        department: detail.department.or(list.department),
        tags: full(detail.tags, list.tags),
        language: detail.language.or(list.language),
        posted: detail.posted.or(list.posted),
        updated: detail.updated.or(list.updated),
        expires: detail.expires.or(list.expires),
        closed: list.closed || detail.closed,
    }
}
