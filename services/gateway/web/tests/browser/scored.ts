import { vi } from "vitest";
import { call } from "./world";

/** Waits until nothing is scored any more: another order of the queue would surprise the tests that look at it. */
export async function scored(url: string): Promise<void> {
  await vi.waitFor(async () => {
    const active = ["TASK_STATE_QUEUED", "TASK_STATE_RUNNING", "TASK_STATE_WAITING"];
    const { tasks } = await call<{ tasks?: { kind: string }[] }>(url, "TasksService/ListTasks", { states: active, pageSize: 100 });
    if (tasks?.some((task) => task.kind === "match.rescore")) {
      throw new Error("jobs are still being scored");
    }
  }, 30_000);
}
