/** Every page of the app, for what is checked on all of them. */
export function pages(job: string): Record<string, string> {
  return {
    home: "/",
    review: "/review",
    board: "/board",
    job: `/jobs/${job}`,
    course: `/jobs/${job}/course`,
    letter: `/jobs/${job}/letter`,
    "job-resume": `/jobs/${job}/resume`,
    research: `/jobs/${job}/research`,
    "job-mail": `/jobs/${job}/mail`,
    "job-surveys": `/jobs/${job}/surveys`,
    surveys: "/surveys",
    insights: "/insights",
    profile: "/settings/profile",
    searches: "/settings/searches",
    sources: "/settings/sources",
    models: "/settings/models",
    data: "/settings/data",
    appearance: "/settings/appearance",
    system: "/settings/system",
    start: "/start",
    "start-you": "/start/you",
    "start-search": "/start/search",
    missing: "/nothing",
  };
}
