/** Figures of how applications go. */

import { plural } from "./count";

export const insights = {
  insights: {
    intro: "How your applications go. A job counts as answered once it moved on from applied.",
    csv: "Export CSV",
    json: "Export JSON",
    exportFailed: "The export failed.",
    applications: "Applications",
    answered: "Answered",
    positive: "Led to a conversation",
    toAnswer: "Until the first answer",
    days: (days: number) => plural(Math.round(days * 10) / 10, "day", "days"),
    rate: (percent: number) => `${percent} %`,
    funnel: "Funnel",
    funnelSummary: (approved: number, applied: number, hired: number) => `${approved} approved, ${applied} applied for, ${hired} hired.`,
    reached: "Jobs that ever reached the stage",
    bySource: "Answers by source",
    bySourceSummary: "Where applications are answered.",
    byScore: "Answers by score",
    byScoreSummary: "Whether a high score means a better chance.",
    nothingSent: "Nothing was applied for yet.",
    times: "Time in a stage",
    timesSummary: "Middle number of days before a job moved on.",
    noTimes: "No job has moved on yet.",
    medianDays: "Median days",
    weeks: "Activity by week",
    week: "Week of",
    weeksSummary: (weeks: number, reviewed: number, applied: number, talks: number) =>
      `In ${plural(weeks, "week", "weeks")}: ${reviewed} reviewed, ${applied} applied for, ${talks} led to a conversation.`,
    series: {
      reviewed: "Reviewed",
      applied: "Applied",
      conversations: "Conversations",
      offers: "Offers",
      rejections: "Rejections",
    },
    table: "As a table",
    note: "Answered",
  },
};
