/** Something that was read from the server and is read again when an event says that it changed. */

import { onDestroy } from "svelte";
import { events, type AerieEvent } from "./events";
import { ApiError, messageOf } from "./errors";

/** Events come in bursts; one reading answers a whole burst. */
const SETTLE = 120;
/** But a burst that does not end must not keep the page from being updated. */
const LONGEST = 1_000;

export class Query<T> {
  /** What was read last. */
  data = $state.raw<T | undefined>();
  /** Why the last reading failed. */
  problem = $state("");
  /** Whether the server said that there is no such thing. */
  isMissing = $state(false);
  /** Whether it was never read yet. */
  isFirst = $state(true);
  #load: (signal: AbortSignal) => Promise<T>;
  #abort: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #due = 0;

  constructor(load: (signal: AbortSignal) => Promise<T>) {
    this.#load = load;
  }

  /** Reads now. A reading that is under way is given up. */
  async refresh(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = 0;
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    try {
      const data = await this.#load(abort.signal);
      if (!abort.signal.aborted) {
        this.data = data;
        this.problem = "";
        this.isMissing = false;
      }
    } catch (error) {
      if (!abort.signal.aborted) {
        // An id that cannot be one is as little there as one that is gone.
        this.isMissing = error instanceof ApiError && ["not_found", "invalid_argument"].includes(error.code);
        this.problem = messageOf(error);
      }
    } finally {
      if (!abort.signal.aborted) {
        this.isFirst = false;
      }
    }
  }

  /** Reads soon. */
  touch(): void {
    const now = Date.now();
    this.#due ||= now + LONGEST;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.refresh(), Math.max(0, Math.min(SETTLE, this.#due - now)));
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
  }
}

/** Whether an event is one of these kinds, by prefix, or says that everything may have changed. */
export function concerns(event: AerieEvent, kinds: readonly string[]): boolean {
  return event.resync || kinds.some((kind) => event.kind.startsWith(kind));
}

/**
 * A query that lives with the component: read at once, read again after events of these kinds and after the stream was
 * away. `about` narrows that to events about one thing.
 */
export function live<T>(
  kinds: readonly string[],
  load: (signal: AbortSignal) => Promise<T>,
  about?: () => string,
): Query<T> {
  const query = new Query(load);
  const isMine = (event: AerieEvent) =>
    concerns(event, kinds) && (event.resync || !about || event.subjectId === "" || event.subjectId === about());
  const unlisten = events.listen((event) => {
    if (isMine(event)) {
      query.touch();
    }
  });
  let wasAway = false;
  let isFirst = true;
  const unwatch = events.watch((state) => {
    if (state === "broken") {
      wasAway = true;
    } else if (state === "live") {
      // What happened between the first reading and the opening of the stream, or while it was away, was not told.
      if (wasAway || !isFirst) {
        query.touch();
      }
      wasAway = false;
    }
    isFirst = false;
  });
  onDestroy(() => {
    unlisten();
    unwatch();
    query.stop();
  });
  void query.refresh();
  return query;
}
