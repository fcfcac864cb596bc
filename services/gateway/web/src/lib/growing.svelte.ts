/** The text that a task writes, as far as it has come. The stream of the task tells it; nothing of it is kept. */

import type { TaskJson } from "../gen/aerie/pipeline/v1/tasks_service_pb";
import { browser, type Source, type Surroundings } from "./events";

const PATH = "/aerie.pipeline.v1.TasksService/WatchTask";
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 15_000;
/** Words after which it is said again how far the text has come: each word would be a flood. */
const WORDS = 50;
const ENDED: readonly unknown[] = ["TASK_STATE_COMPLETED", "TASK_STATE_FAILED", "TASK_STATE_CANCELLED"];

/** How many words a text has. */
export function wordsOf(text: string): number {
  return text.split(/\s+/).filter(Boolean).length;
}

/** Follows one task at a time. */
export class Growing {
  /** The text; empty while there is nothing to show. */
  text = $state("");
  /** What the task was asked for, as its payload says. */
  payload = $state.raw<Record<string, unknown>>({});
  /** How many words there were when it was last worth saying, in steps of fifty. */
  words = $derived(Math.floor(wordsOf(this.text) / WORDS) * WORDS);
  #task = "";
  #source: Source | undefined;
  #cancel: (() => void) | undefined;
  #wait = FIRST_WAIT;

  constructor(readonly surroundings: Surroundings = browser) {}

  /** Follows this task from now on; none with an empty id. */
  follow(task: string): void {
    if (task === this.#task) {
      return;
    }
    this.stop();
    this.#task = task;
    if (task) {
      this.#open();
    }
  }

  stop(): void {
    this.#drop();
    this.#task = "";
    this.#wait = FIRST_WAIT;
    this.text = "";
    this.payload = {};
  }

  #open(): void {
    const message = JSON.stringify({ taskId: this.#task });
    const source = this.surroundings.open(`${PATH}?message=${encodeURIComponent(message)}`);
    this.#source = source;
    source.onopen = () => (this.#wait = FIRST_WAIT);
    source.onmessage = (event) => this.#take(event.data);
    source.addEventListener("end", () => source === this.#source && this.#drop());
    source.addEventListener("error", () => this.#broken(source));
  }

  #take(message: string): void {
    const task = read(message);
    if (!task) {
      return;
    }
    const isOver = ENDED.includes(task.state);
    this.payload = (task.payload as Record<string, unknown> | undefined) ?? {};
    // What was written stands in the version that the page reads now.
    this.text = isOver ? "" : (task.draft ?? "");
    if (isOver) {
      this.#drop();
    }
  }

  /** The text stays: what comes next replaces it. */
  #broken(source: Source): void {
    if (source !== this.#source) {
      return;
    }
    this.#drop();
    this.#cancel = this.surroundings.wait(() => this.#open(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
  }

  #drop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#source?.close();
    this.#source = undefined;
  }
}

function read(message: string): TaskJson | undefined {
  try {
    return (JSON.parse(message) as { task?: TaskJson }).task;
  } catch {
    return undefined;
  }
}
