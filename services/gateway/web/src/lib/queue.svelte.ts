/** The review queue: what is loaded of it, which job is looked at, and decisions that show at once. */

import type { ExplainJobResponseJson } from "../gen/aerie/pipeline/v1/match_service_pb";
import type { JobJson, ListJobsRequestJson, ListJobsResponseJson, ReviewDecisionJson } from "../gen/aerie/pipeline/v1/jobs_service_pb";
import type { CallOptions } from "./api";
import { messageOf } from "./errors";
import type { AerieEvent } from "./events";
import { asRequest, type Filters } from "./filters";

export type Decision = "approve" | "reject" | "archive";

/** What a card shows beyond its row. */
export interface Detail {
  job: JobJson;
  explanation: ExplainJobResponseJson;
}

/** The calls that the queue makes; tests bring their own. */
export interface QueueCalls {
  list(request: ListJobsRequestJson, options: CallOptions): Promise<ListJobsResponseJson>;
  detail(id: string): Promise<Detail>;
  review(id: string, decision: ReviewDecisionJson): Promise<unknown>;
  revert(id: string): Promise<unknown>;
}

/** A decision that can be taken back. */
export interface Step {
  decision: Decision;
  jobs: { job: JobJson; index: number }[];
}

const PAGE = 200;
/** The next page is asked for when fewer rows than this are left below. */
const AHEAD = 60;
const KEPT_DETAILS = 40;
const PREFETCHED = 3;
const AT_ONCE = 4;
const MOST_STEPS = 100;

export class Queue {
  jobs = $state.raw<JobJson[]>([]);
  /** All that match on the server, less what was decided here. */
  total = $state(0);
  /** Whether nothing has been read yet. */
  isFirst = $state(true);
  problem = $state("");
  /** The job that is looked at. */
  selectedId = $state("");
  /** Jobs that a bulk action would take. */
  marked = $state.raw<ReadonlySet<string>>(new Set());
  /** Jobs that came while the queue was looked at; they are not slipped under somebody's hands. */
  waiting = $state(0);
  /** Whether scores changed since the queue was read, so that its order may be another. */
  isStale = $state(false);
  steps = $state.raw<Step[]>([]);

  index = $derived(this.jobs.findIndex((job) => job.id === this.selectedId));
  selected = $derived<JobJson | undefined>(this.jobs[this.index]);
  hasMore = $state(false);

  #filters: Filters | undefined;
  #token = "";
  #loading: Promise<void> | undefined;
  #abort: AbortController | undefined;
  #details = new Map<string, Promise<Detail>>();
  /** Jobs with a call under way: their events are echoes of what is done here. */
  #busy = new Map<string, Promise<unknown>>();

  constructor(
    readonly calls: QueueCalls,
    readonly onProblem: (what: Decision | "undo", error: unknown) => void,
  ) {}

  /** Reads the queue from its beginning, keeping the place of the job that is looked at where it still is. */
  async load(filters: Filters): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.#filters = filters;
    this.#loading = undefined;
    try {
      const answer = await this.calls.list({ ...asRequest(filters), pageSize: PAGE }, { signal: abort.signal, remembered: true });
      if (abort.signal.aborted) {
        return;
      }
      this.jobs = (answer.jobs ?? []).filter((job) => !this.#busy.has(job.id ?? ""));
      this.total = answer.totalSize ?? this.jobs.length;
      this.#token = answer.nextPageToken ?? "";
      this.hasMore = this.#token !== "";
      this.problem = "";
      this.waiting = 0;
      this.isStale = false;
      const known = new Set(this.jobs.map((job) => job.id));
      this.marked = new Set([...this.marked].filter((id) => known.has(id)));
      if (!known.has(this.selectedId)) {
        this.selectedId = this.jobs[0]?.id ?? "";
      }
      this.#prefetch();
    } catch (error) {
      if (!abort.signal.aborted) {
        this.problem = messageOf(error);
      }
    } finally {
      if (!abort.signal.aborted) {
        this.isFirst = false;
      }
    }
  }

  /** Reads on when the rows up to `row` come near the end of what is loaded. */
  async reach(row: number): Promise<void> {
    if (this.hasMore && row + AHEAD > this.jobs.length) {
      await this.more();
    }
  }

  /** Reads the next page. */
  more(): Promise<void> {
    this.#loading ??= this.#next().finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  async #next(): Promise<void> {
    const [filters, abort] = [this.#filters, this.#abort];
    if (!filters || !abort || !this.hasMore) {
      return;
    }
    try {
      const request = { ...asRequest(filters), pageSize: PAGE, pageToken: this.#token };
      const answer = await this.calls.list(request, { signal: abort.signal });
      if (abort.signal.aborted) {
        return;
      }
      const known = new Set(this.jobs.map((job) => job.id));
      const added = (answer.jobs ?? []).filter((job) => !known.has(job.id) && !this.#busy.has(job.id ?? ""));
      this.jobs = this.jobs.concat(added);
      this.#token = answer.nextPageToken ?? "";
      this.hasMore = this.#token !== "";
    } catch (error) {
      if (!abort.signal.aborted) {
        this.problem = messageOf(error);
      }
    }
  }

  select(id: string): void {
    this.selectedId = id;
    this.#prefetch();
  }

  /** Looks at the job so many rows further down (or up). */
  step(by: number): void {
    const job = this.jobs[Math.max(0, Math.min(this.jobs.length - 1, this.index + by))];
    if (job?.id) {
      this.select(job.id);
      void this.reach(this.index);
    }
  }

  mark(id: string, isMarked: boolean): void {
    const marked = new Set(this.marked);
    if (isMarked) {
      marked.add(id);
    } else {
      marked.delete(id);
    }
    this.marked = marked;
  }

  markAll(isMarked: boolean): void {
    this.marked = new Set(isMarked ? this.jobs.map((job) => job.id ?? "") : []);
  }

  /** What a card shows; read ahead for the next ones. */
  detail(id: string): Promise<Detail> {
    let detail = this.#details.get(id);
    if (!detail) {
      detail = this.calls.detail(id);
      detail.catch(() => this.#details.delete(id));
      this.#details.set(id, detail);
      const oldest = this.#details.keys().next().value;
      if (this.#details.size > KEPT_DETAILS && oldest !== undefined) {
        this.#details.delete(oldest);
      }
    }
    return detail;
  }

  #prefetch(): void {
    for (const job of this.jobs.slice(this.index, this.index + PREFETCHED)) {
      // Whoever shows the card sees the failure.
      this.detail(job.id ?? "").catch(() => undefined);
    }
  }

  /** Decides about jobs: they leave the queue at once, and come back when the server refuses. */
  async decide(ids: readonly string[], decision: Decision): Promise<void> {
    const wanted = new Set(ids);
    const jobs = this.jobs.flatMap((job, index) => (wanted.has(job.id ?? "") ? [{ job, index }] : []));
    if (jobs.length === 0) {
      return;
    }
    this.#leave(wanted);
    this.steps = [...this.steps, { decision, jobs }].slice(-MOST_STEPS);
    const wire = `REVIEW_DECISION_${decision.toUpperCase()}` as ReviewDecisionJson;
    const failed = await this.#each(jobs, (id) => this.calls.review(id, wire));
    if (failed.length > 0) {
      this.#comeBack(failed.map((one) => one.item));
      this.steps = this.steps
        .map((step) => ({ ...step, jobs: step.jobs.filter((one) => !failed.some((other) => other.item === one)) }))
        .filter((step) => step.jobs.length > 0);
      this.onProblem(decision, failed[0]?.error);
    }
  }

  /** Takes the last decision back. */
  async undo(): Promise<Step | undefined> {
    const step = this.steps.at(-1);
    if (!step) {
      return undefined;
    }
    this.steps = this.steps.slice(0, -1);
    this.#comeBack(step.jobs);
    this.selectedId = step.jobs[0]?.job.id ?? this.selectedId;
    const failed = await this.#each(step.jobs, (id) => this.calls.revert(id));
    if (failed.length > 0) {
      this.#leave(new Set(failed.map((one) => one.item.job.id ?? "")));
      this.onProblem("undo", failed[0]?.error);
    }
    return step;
  }

  /** Follows what other tabs, programs and tasks do. */
  follow(event: AerieEvent): void {
    if (event.resync || event.kind === "jobs.archived" || event.kind === "jobs.purged") {
      if (this.#filters) {
        void this.load(this.#filters);
      }
    } else if (event.kind === "job.moved" && !this.#busy.has(event.subjectId)) {
      if (event.data["to"] === "pending") {
        if (!this.jobs.some((job) => job.id === event.subjectId)) {
          this.waiting += 1;
        }
      } else if (this.jobs.some((job) => job.id === event.subjectId)) {
        this.#leave(new Set([event.subjectId]));
      }
    } else if (event.kind === "jobs.added") {
      this.waiting += Number(event.data["count"] ?? 1);
    } else if (event.kind === "jobs.scored") {
      this.#details.clear();
      this.isStale = true;
    }
  }

  #leave(ids: ReadonlySet<string>): void {
    const index = this.index;
    const isGone = (job: JobJson) => ids.has(job.id ?? "");
    const after = this.jobs.slice(index + 1).find((job) => !isGone(job));
    const before = this.jobs.slice(0, Math.max(0, index)).filter((job) => !isGone(job)).at(-1);
    const left = this.jobs.filter((job) => !isGone(job));
    const isSelectedGone = ids.has(this.selectedId);
    this.total -= this.jobs.length - left.length;
    this.jobs = left;
    if (isSelectedGone) {
      this.selectedId = (after ?? before)?.id ?? "";
    }
    this.marked = new Set([...this.marked].filter((id) => !ids.has(id)));
    this.#prefetch();
    void this.reach(this.index);
  }

  #comeBack(jobs: readonly { job: JobJson; index: number }[]): void {
    const known = new Set(this.jobs.map((job) => job.id));
    const list = [...this.jobs];
    const back = jobs.filter((one) => !known.has(one.job.id));
    for (const { job, index } of back.sort((one, other) => one.index - other.index)) {
      list.splice(Math.min(index, list.length), 0, job);
    }
    this.jobs = list;
    this.total += back.length;
    if (!this.selectedId) {
      this.selectedId = list[0]?.id ?? "";
    }
  }

  /** Makes a call for each job, a few at once, each after the one before about the same job; returns what failed. */
  async #each<I extends { job: JobJson }>(items: readonly I[], call: (id: string) => Promise<unknown>): Promise<{ item: I; error: unknown }[]> {
    const failed: { item: I; error: unknown }[] = [];
    const left = items.map((item) => {
      const id = item.job.id ?? "";
      const before = this.#busy.get(id);
      return { item, id, before };
    });
    const work = async () => {
      for (let next = left.shift(); next; next = left.shift()) {
        const { item, id, before } = next;
        try {
          await before?.catch(() => undefined);
          await call(id);
        } catch (error) {
          failed.push({ item, error });
        }
      }
    };
    const all = Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, work));
    for (const item of items) {
      this.#busy.set(item.job.id ?? "", all);
    }
    await all;
    for (const item of items) {
      if (this.#busy.get(item.job.id ?? "") === all) {
        this.#busy.delete(item.job.id ?? "");
      }
    }
    return failed;
  }
}
