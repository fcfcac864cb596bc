import { describe, expect, it } from "vitest";
import { EventConnection, parse, type AerieEvent, type StreamState, type Surroundings } from "../../src/lib/events";

class FakeSource {
  readyState = 0;
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent<string>) => void) | null = null;
  listeners = new Map<string, (event: Event) => void>();
  isClosed = false;

  constructor(readonly url: string) {}

  addEventListener(type: string, listener: (event: Event) => void): void {
    this.listeners.set(type, listener);
  }

  close(): void {
    this.isClosed = true;
  }

  open(): void {
    this.onopen?.(new Event("open"));
  }

  send(message: object): void {
    this.onmessage?.(new MessageEvent("message", { data: JSON.stringify(message) }));
  }

  fail(type = "error"): void {
    this.listeners.get(type)?.(new Event(type));
  }

  get message(): Record<string, unknown> {
    return JSON.parse(new URL(this.url, "http://x").searchParams.get("message") ?? "null") as Record<string, unknown>;
  }
}

function world() {
  const sources: FakeSource[] = [];
  const waits: { run: () => void; milliseconds: number; isCancelled: boolean }[] = [];
  const surroundings: Surroundings = {
    open: (url) => {
      const source = new FakeSource(url);
      sources.push(source);
      return source;
    },
    wait: (run, milliseconds) => {
      const wait = { run, milliseconds, isCancelled: false };
      waits.push(wait);
      return () => (wait.isCancelled = true);
    },
  };
  const events: AerieEvent[] = [];
  const states: StreamState[] = [];
  const connection = new EventConnection((event) => events.push(event), (state) => states.push(state), surroundings);
  return { connection, sources, waits, events, states, last: () => sources.at(-1) as FakeSource };
}

describe("the event stream", () => {
  it("begins with what happens from now on, or after a number", () => {
    const { connection, last } = world();
    connection.start();
    expect(last().message).toEqual({});
    connection.start(41);
    expect(last().message).toEqual({ afterSequence: "41" });
  });

  it("goes on after the last event when it was cut off", () => {
    const { connection, last, waits, states, events } = world();
    connection.start();
    last().open();
    last().send({ sequence: "7", kind: "job.moved", subjectId: "a", data: { to: "applied" } });
    last().fail();
    expect(states).toEqual(["connecting", "live", "broken"]);
    waits[0]?.run();
    expect(last().message).toEqual({ afterSequence: "7" });
    expect(events.map((event) => [event.sequence, event.data["to"]])).toEqual([[7, "applied"]]);
  });

  it("delivers an event once, however often it comes", () => {
    const { connection, last, events } = world();
    connection.start(5);
    for (const sequence of ["5", "6", "6", "7"]) {
      last().send({ sequence, kind: "job.moved" });
    }
    expect(events.map((event) => event.sequence)).toEqual([6, 7]);
  });

  it("waits longer from failure to failure, and short again after a success", () => {
    const { connection, last, waits } = world();
    connection.start();
    for (let time = 0; time < 8; time += 1) {
      last().fail();
      waits.at(-1)?.run();
    }
    expect(waits.map((wait) => wait.milliseconds)).toEqual([500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
    last().open();
    last().fail("end");
    expect(waits.at(-1)?.milliseconds).toBe(500);
  });

  it("ignores the death of a connection that it gave up", () => {
    const { connection, sources, waits } = world();
    connection.start();
    connection.reconnect();
    expect(sources[0]?.isClosed).toBe(true);
    sources[0]?.fail();
    expect(waits).toEqual([]);
  });

  it("passes on the mark that events were missed", () => {
    const { connection, last, events } = world();
    connection.start(900);
    last().send({ sequence: "3", resync: true });
    expect(events).toMatchObject([{ resync: true }]);
    expect(connection.last).toBe(3);
  });

  it("takes nothing from text that is no message", () => {
    expect(parse("{")).toBeUndefined();
    expect(parse('{"kind":"task.progress"}')).toMatchObject({ sequence: 0, kind: "task.progress", data: {}, resync: false });
  });
});
