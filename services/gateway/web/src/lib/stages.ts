/** The stages of a job, as `services/pipeline/src/status.rs` allows them; the server has the last word. */

import type { JobStatusJson } from "../gen/aerie/pipeline/v1/jobs_service_pb";

export type Stage =
  | "pending"
  | "approved"
  | "applied"
  | "survey"
  | "phone_screen"
  | "interviewing"
  | "offer"
  | "hired"
  | "rejected"
  | "archived";

/** In the order of a job's way. */
export const STAGES: readonly Stage[] = [
  "pending",
  "approved",
  "applied",
  "survey",
  "phone_screen",
  "interviewing",
  "offer",
  "hired",
  "rejected",
  "archived",
];

/** The columns of the board. */
export const COLUMNS: readonly Stage[] = STAGES.slice(1, 9);

const NEXT: Record<Stage, readonly Stage[]> = {
  pending: ["approved", "rejected", "archived"],
  approved: ["applied", "rejected", "archived"],
  applied: ["survey", "phone_screen", "rejected", "archived"],
  survey: ["phone_screen", "rejected", "archived"],
  phone_screen: ["interviewing", "rejected", "archived"],
  interviewing: ["offer", "rejected", "archived"],
  offer: ["hired", "rejected", "archived"],
  hired: ["archived"],
  rejected: ["archived"],
  archived: [],
};

/** Where a job may go from a stage. */
export function next(stage: Stage): readonly Stage[] {
  return NEXT[stage];
}

export function mayMove(from: Stage, to: Stage): boolean {
  return NEXT[from].includes(to);
}

/** From the wire's name; one that is not known yet counts as pending. */
export function stageOf(status: JobStatusJson | undefined): Stage {
  const name = (status ?? "").replace("JOB_STATUS_", "").toLowerCase();
  return STAGES.find((stage) => stage === name) ?? "pending";
}

/** To the wire's name. */
export function statusOf(stage: Stage): JobStatusJson {
  return `JOB_STATUS_${stage.toUpperCase()}` as JobStatusJson;
}
