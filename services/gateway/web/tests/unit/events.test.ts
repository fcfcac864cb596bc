import { describe, expect, it } from "vitest";
import { EventConnection, parse, type AerieEvent, type StreamState } from "../../src/lib/events";
import { surroundings as fake } from "./sources";

function world() {
  const { sources, waits, surroundings, last } = fake();
  const events: AerieEvent[] = [];
  const states: StreamState[] = [];
  const connection = new EventConnection((event) => events.push(event), (state) => states.push(state), surroundings);
  return { connection, sources, waits, events, states, last };
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
