/** What the server says of two mails about a job that was applied for: one certain, with a date, and one a guess. */
export function suggestions(job: string, company: string, title: string) {
  return ["a", "b"].map((id) => ({
    id,
    jobId: job,
    company,
    title,
    jobStatus: "JOB_STATUS_APPLIED",
    status: "JOB_STATUS_PHONE_SCREEN",
    legalStatuses: ["JOB_STATUS_SURVEY", "JOB_STATUS_PHONE_SCREEN", "JOB_STATUS_REJECTED", "JOB_STATUS_ARCHIVED"],
    label: id === "a" ? "MAIL_LABEL_INTERVIEW_SCHEDULED" : "MAIL_LABEL_POSITIVE_RESPONSE",
    certain: id === "a",
    confidence: id === "a" ? 0.97 : 0.6,
    labelledBy: "rules",
    evidence: id === "a" ? "We would like to invite you to a first call." : "Your profile looks interesting.",
    subject: `Your application ${id}`,
    ...(id === "a" ? { event: { title: "First call", localTime: "2031-05-06T10:30:00", timeZone: "" } } : {}),
    state: "SUGGESTION_STATE_OPEN",
  }));
}
