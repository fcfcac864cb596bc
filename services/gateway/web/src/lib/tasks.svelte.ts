/** Background tasks, for the drawer and its badge. */

import type { TaskJson } from "../gen/aerie/pipeline/v1/tasks_service_pb";
import { api } from "./api";
import { events } from "./events";
import { notices } from "./notices.svelte";
import { concerns, Query } from "./query.svelte";
import { t } from "../strings";

const ACTIVE = ["TASK_STATE_QUEUED", "TASK_STATE_RUNNING", "TASK_STATE_WAITING"] as const;
const SHOWN = 30;

/** Whether a task is still to end. */
export function isActive(task: TaskJson): boolean {
  return ACTIVE.some((state) => state === task.state);
}

class Tasks {
  #query = new Query(async (signal) => {
    const [active, recent] = await Promise.all([
      api.tasks.listTasks({ states: [...ACTIVE], pageSize: 100 }, { signal, remembered: true }),
      api.tasks.listTasks({ pageSize: SHOWN }, { signal, remembered: true }),
    ]);
    // Parts of a run are shown by their run.
    const whole = (list: TaskJson[] | undefined) => (list ?? []).filter((task) => !task.parentId);
    return { active: whole(active.tasks), recent: whole(recent.tasks).filter((task) => !isActive(task)) };
  });

  active = $derived(this.#query.data?.active ?? []);
  recent = $derived(this.#query.data?.recent ?? []);
  problem = $derived(this.#query.problem);

  start(): void {
    events.listen((event) => {
      if (concerns(event, ["task."])) {
        this.#query.touch();
      }
    });
    events.watch((state) => {
      if (state === "live") {
        this.#query.touch();
      }
    });
    void this.#query.refresh();
  }

  /** The active task of a kind: the one of this id, or the only one. A task that another page began is known by its kind. */
  one(kind: string, id: string): TaskJson | undefined {
    const ofKind = this.active.filter((one) => one.kind === kind);
    return ofKind.find((one) => one.id === id) ?? (ofKind.length === 1 ? ofKind[0] : undefined);
  }

  async cancel(task: TaskJson): Promise<void> {
    try {
      await api.tasks.cancelTask({ taskId: task.id ?? "" });
    } catch (error) {
      notices.problem(t.tasks.cancelFailed, error);
    }
    this.#query.touch();
  }

  async retry(task: TaskJson): Promise<void> {
    try {
      await api.tasks.retryTask({ taskId: task.id ?? "" });
    } catch (error) {
      notices.problem(t.tasks.retryFailed, error);
    }
    this.#query.touch();
  }
}

export const tasks = new Tasks();
