/** Queues of background work, out of the measurements that the server gives in the form of Prometheus. */

/** Unfinished work of one kind. */
export interface Queue {
  kind: string;
  /** Tasks by state: "queued", "running". */
  states: Record<string, number>;
  /** Tasks whose time has come and that nobody works on. */
  due: number;
  /** Seconds that the first of them has waited. */
  oldest: number;
}

const LINE = /^(aerie_tasks_depth|aerie_tasks_due|aerie_tasks_oldest_due_seconds)\{([^}]*)\} (\S+)$/;
const LABEL = /(\w+)="([^"\\]*)"/g;
const MOST = 200;

/** Reads the queues; lines that say something else are left. */
export function queuesOf(text: string): Queue[] {
  const found = new Map<string, Queue>();
  for (const line of text.split("\n")) {
    const [, name, labels, written] = LINE.exec(line) ?? [];
    const named = new Map([...(labels ?? "").matchAll(LABEL)].map((label) => [label[1], label[2] ?? ""] as const));
    const kind = named.get("kind");
    const value = Number(written);
    if (!kind || !Number.isFinite(value) || (!found.has(kind) && found.size >= MOST)) {
      continue;
    }
    const queue = found.get(kind) ?? { kind, states: {}, due: 0, oldest: 0 };
    found.set(kind, queue);
    if (name === "aerie_tasks_depth") {
      queue.states[named.get("state") ?? ""] = value;
    } else if (name === "aerie_tasks_due") {
      queue.due = value;
    } else {
      queue.oldest = value;
    }
  }
  const isThere = (queue: Queue) => queue.due > 0 || Object.values(queue.states).some((value) => value > 0);
  return [...found.values()].filter(isThere).sort((one, other) => one.kind.localeCompare(other.kind));
}

/** The queues as they are; nothing where the server keeps its measurements to itself. */
export async function queues(signal: AbortSignal): Promise<Queue[] | undefined> {
  const response = await fetch("/metrics", { signal }).catch(() => undefined);
  return response?.ok ? queuesOf(await response.text()) : undefined;
}
