/** Texts of deleting everything. */

export const deleting = {
  deleting: {
    title: "Delete everything",
    intro: "All that Aerie keeps of you goes, for good: jobs, letters, mails, files, connections to other programs, your account. Postings stay, as they are everybody's.",
    look: "Delete everything…",
    never: "Keep it",
    goes: "What goes",
    groups: {
      jobs: "Jobs",
      materials: "Letters, answers, briefs and practice",
      mails: "Mails",
      mailAccounts: "Mail accounts with their passwords",
      dates: "Appointments and reminders",
      contacts: "Contacts",
      surveys: "Surveys",
      searches: "Searches",
      integrations: "Integrations with their credentials",
      keys: "API keys and sessions",
      rest: "Other entries: profile, history, tasks, scores",
    },
    backup: "Make a backup first",
    noBackup: "This server keeps everybody in one database, of which no backup can be made here. Export what you need first.",
    typeWords: (words: string) => `Type “${words}” to confirm`,
    confirm: "Delete all of it for good",
    working: "Deleting…",
  },
};
