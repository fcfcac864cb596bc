import { describe, expect, it } from "vitest";
import { readFilters } from "../../src/lib/filters";
import { Queue, type QueueCalls } from "../../src/lib/queue.svelte";
import type { JobJson } from "../../src/gen/aerie/pipeline/v1/jobs_service_pb";

const filters = readFilters(new URLSearchParams());

function jobsFrom(first: number, count: number): JobJson[] {
  return Array.from({ length: count }, (_, index) => ({ id: `j${first + index}`, posting: { title: `Job ${first + index}` } }));
}

/** A server with so many jobs; calls can be held back and made to fail. */
function world(total: number) {
  const calls: string[] = [];
  const failing = new Set<string>();
  const problems: string[] = [];
  let hold: Promise<void> = Promise.resolve();
  const server: QueueCalls = {
    list: async (request) => {
      const first = Number(request.pageToken ?? 0);
      const size = Math.min(request.pageSize ?? 50, total - first);
      calls.push(`list ${first}`);
      const end = first + size;
      return { jobs: jobsFrom(first, size), totalSize: total, nextPageToken: end < total ? String(end) : "" };
    },
    detail: async (id) => {
      calls.push(`detail ${id}`);
      return { job: { id }, explanation: {} };
    },
    review: async (id, decision) => {
      calls.push(`${decision} ${id}`);
      await hold;
      if (failing.has(id)) {
        throw new Error(`${id} was refused`);
      }
    },
    revert: async (id) => {
      calls.push(`revert ${id}`);
      if (failing.has(id)) {
        throw new Error(`${id} was refused`);
      }
    },
  };
  const queue = new Queue(server, (what, error) => problems.push(`${what}: ${(error as Error).message}`));
  return { queue, calls, failing, problems, hold: (until: Promise<void>) => (hold = until) };
}

const event = (kind: string, subjectId = "", data: Record<string, unknown> = {}) => ({
  sequence: 1, kind, subjectId, time: "", data, resync: false,
});

describe("the review queue", () => {
  it("shows a decision at once, before the server has answered", async () => {
    const { queue, hold } = world(3);
    await queue.load(filters);
    let release = () => {};
    hold(new Promise((resolve) => (release = resolve)));
    const decided = queue.decide(["j0"], "approve");
    expect(queue.jobs.map((job) => job.id)).toEqual(["j1", "j2"]);
    expect([queue.selectedId, queue.total]).toEqual(["j1", 2]);
    release();
    await decided;
    expect(queue.jobs.length).toBe(2);
  });

  it("puts a job back where it was when the server refuses", async () => {
    const { queue, failing, problems } = world(4);
    await queue.load(filters);
    failing.add("j1");
    queue.select("j1");
    await queue.decide(["j1"], "reject");
    expect(queue.jobs.map((job) => job.id)).toEqual(["j0", "j1", "j2", "j3"]);
    expect([queue.total, queue.steps.length]).toEqual([4, 0]);
    expect(problems).toEqual(["reject: j1 was refused"]);
  });

  it("takes decisions back one after the other", async () => {
    const { queue, calls } = world(4);
    await queue.load(filters);
    await queue.decide(["j0"], "approve");
    await queue.decide(["j2", "j3"], "archive");
    await queue.undo();
    expect(queue.jobs.map((job) => job.id)).toEqual(["j1", "j2", "j3"]);
    await queue.undo();
    expect(queue.jobs.map((job) => job.id)).toEqual(["j0", "j1", "j2", "j3"]);
    expect(queue.selectedId).toBe("j0");
    expect(calls.filter((call) => call.startsWith("revert"))).toEqual(["revert j2", "revert j3", "revert j0"]);
    expect(await queue.undo()).toBeUndefined();
  });

  it("sends an undo only after the decision that it takes back", async () => {
    const { queue, calls, hold } = world(2);
    await queue.load(filters);
    let release = () => {};
    hold(new Promise((resolve) => (release = resolve)));
    const decided = queue.decide(["j0"], "approve");
    const undone = queue.undo();
    expect(calls).not.toContain("revert j0");
    release();
    await Promise.all([decided, undone]);
    expect(calls.indexOf("revert j0")).toBeGreaterThan(calls.indexOf("REVIEW_DECISION_APPROVE j0"));
  });

  it("reads on when the rows come near the end, and never the same page twice", async () => {
    const { queue, calls } = world(500);
    await queue.load(filters);
    await queue.reach(20);
    expect(queue.jobs.length).toBe(200);
    await Promise.all([queue.reach(190), queue.reach(195)]);
    expect(queue.jobs.length).toBe(400);
    await queue.reach(399);
    await queue.reach(499);
    expect([queue.jobs.length, queue.hasMore]).toEqual([500, false]);
    expect(calls.filter((call) => call.startsWith("list"))).toEqual(["list 0", "list 200", "list 400"]);
  });

  it("follows what is decided elsewhere", async () => {
    const { queue } = world(3);
    await queue.load(filters);
    queue.follow(event("job.moved", "j0", { from: "pending", to: "approved" }));
    expect(queue.jobs.map((job) => job.id)).toEqual(["j1", "j2"]);
    queue.follow(event("jobs.added", "", { count: 7 }));
    expect([queue.waiting, queue.jobs.length]).toEqual([7, 2]);
    queue.follow(event("jobs.scored"));
    expect([queue.waiting, queue.isStale]).toEqual([7, true]);
    await queue.load(filters);
    expect([queue.waiting, queue.isStale]).toEqual([0, false]);
  });

  it("reads a card once and the next ones ahead", async () => {
    const { queue, calls } = world(10);
    await queue.load(filters);
    await queue.detail("j0");
    expect(calls.filter((call) => call.startsWith("detail"))).toEqual(["detail j0", "detail j1", "detail j2"]);
    queue.step(1);
    await queue.detail("j1");
    expect(calls.filter((call) => call === "detail j1").length).toBe(1);
  });

  it("marks jobs for a bulk action and forgets those that are gone", async () => {
    const { queue } = world(5);
    await queue.load(filters);
    queue.markAll(true);
    queue.mark("j4", false);
    await queue.decide([...queue.marked], "reject");
    expect([queue.jobs.map((job) => job.id), queue.marked.size]).toEqual([["j4"], 0]);
  });

  it("stays at either end", async () => {
    const { queue } = world(2);
    await queue.load(filters);
    queue.step(-1);
    expect(queue.selectedId).toBe("j0");
    queue.step(5);
    expect(queue.selectedId).toBe("j1");
    await queue.decide(["j1"], "approve");
    await queue.decide(["j0"], "approve");
    expect([queue.selectedId, queue.selected]).toEqual(["", undefined]);
  });
});
