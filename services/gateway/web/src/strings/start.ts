/** The first run. */

import { jobs } from "./count";

export const start = {
  start: {
    title: "Welcome to Aerie",
    steps: "Steps",
    stepNames: { welcome: "Welcome", you: "You", search: "Search", models: "Models", done: "Go" },
    lead: "Aerie finds openings on many boards, ranks them against what you can and want, and keeps track of your applications. You decide; it never applies, sends or moves anything by itself.",
    promises: [
      "Your data lies encrypted in a folder of your own on this machine.",
      "Nothing leaves it but the requests to the boards, and what you switch on.",
      "No language model is needed.",
    ],
    found: "What was found here",
    ready: "All services are running.",
    notReady: "Some services are not ready yet; Settings, System says which.",
    models: (names: string) => `Language models: ${names}.`,
    noModels: "No language model; Aerie works without one.",
    vision: "Screenshots are read on this machine.",
    noVision: "No vision model; text works without one.",
    begin: "Begin",
    sample: "Look around with sample data",
    sampleHint: "Adds an invented person and a dozen invented openings. Delete them later in Settings, Data.",
    sampleDone: (count: number) => `${jobs(count)} to look at`,
    sampleFailed: "The sample data could not be added.",
    aboutYou: "About you",
    whatFor: "What you look for",
    remote: "Remote",
    boards: "Boards of single companies can be added under Settings, Sources.",
    next: "Save and go on",
    back: "Back",
    allSet: "All set",
    allSetText: "Aerie now asks the boards for what you look for. You see the progress on the first page, and the jobs in the review queue.",
    addBoards: "Add companies' boards first",
  },
};
