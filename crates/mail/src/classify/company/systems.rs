//! Who sends mail on a company's behalf: the domain of these senders names no employer.

use crate::message::registrable_domain;

/// A service that sends mail for companies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HiringSystem {
    /// Its registered domain.
    pub domain: &'static str,
    /// Whether the company stands before the `@`, as in `acme@myworkday.com` and `acme+autoreply@talent.icims.com`.
    pub company_in_local_part: bool,
}

const fn by_name(domain: &'static str) -> HiringSystem {
    HiringSystem { domain, company_in_local_part: false }
}

const fn by_local_part(domain: &'static str) -> HiringSystem {
    HiringSystem { domain, company_in_local_part: true }
}

/// Hiring systems, boards, test and scheduling services, and mailbox providers.
const SYSTEMS: &[HiringSystem] = &[
    by_local_part("myworkday.com"),
    by_local_part("icims.com"),
    by_local_part("csodmail.com"),
    by_local_part("ultipro.com"),
    by_local_part("avature.net"),
    by_local_part("taleo.net"),
    by_name("adp.com"),
    by_name("applytojob.com"),
    by_name("ashbyhq.com"),
    by_name("bamboohr.com"),
    by_name("breezy.hr"),
    by_name("breezy-mail.com"),
    by_name("calendly.com"),
    by_name("codesignal.com"),
    by_name("codility.com"),
    by_name("comeet-notifications.com"),
    by_name("dice.com"),
    by_name("docusign.net"),
    by_name("eightfold.ai"),
    by_name("gem.com"),
    by_name("glassdoor.com"),
    by_name("gmail.com"),
    by_name("gmx.de"),
    by_name("goodtime.io"),
    by_name("google.com"),
    by_name("googlemail.com"),
    by_name("greenhouse.io"),
    by_name("greenhouse-mail.io"),
    by_name("hackerrankforwork.com"),
    by_name("hackerrank.com"),
    by_name("hirevue.com"),
    by_name("hotmail.com"),
    by_name("icloud.com"),
    by_name("indeed.com"),
    by_name("indeedemail.com"),
    by_name("invalidemail.com"),
    by_name("jazzhr.com"),
    by_name("jobvite.com"),
    by_name("lever.co"),
    by_name("linkedin.com"),
    by_name("modernloop.io"),
    by_name("monster.com"),
    by_name("mynexthire.com"),
    by_name("newtonsoftware.com"),
    by_name("oraclecloud.com"),
    by_name("outlook.com"),
    by_name("paylocity.com"),
    by_name("personio.com"),
    by_name("personio.de"),
    by_name("pinpointhq.com"),
    by_name("plum.io"),
    by_name("predictiveindex.com"),
    by_name("proton.me"),
    by_name("pymetrics.com"),
    by_name("recruitee.com"),
    by_name("rippling.com"),
    by_name("smartrecruiters.com"),
    by_name("successfactors.com"),
    by_name("successfactors.eu"),
    by_name("teamtailor.com"),
    by_name("teamtailor-mail.com"),
    by_name("testgorilla.com"),
    by_name("ukg.com"),
    by_name("web.de"),
    by_name("wellfound.com"),
    by_name("workable.com"),
    by_name("workablemail.com"),
    by_name("yahoo.com"),
    by_name("ziprecruiter.com"),
];

/// The service that sends from a host, if it is a known one.
pub fn hiring_system(host: &str) -> Option<HiringSystem> {
    // Oracle's recruiting cloud sends from hosts under the maker's own domain.
    if host.ends_with("cloud.oracle.com") {
        return Some(by_name("oraclecloud.com"));
    }
    let domain = registrable_domain(host)?;
    SYSTEMS.iter().find(|system| system.domain == domain).copied()
}
