import { describe, expect, it } from "vitest";
import { Growing, wordsOf } from "../../src/lib/growing.svelte";
import { surroundings as fake } from "./sources";

const running = (draft: string, payload: object = {}) => ({ task: { state: "TASK_STATE_RUNNING", draft, payload } });

function followed() {
  const world = fake();
  const growing = new Growing(world.surroundings);
  growing.follow("a");
  return { growing, ...world };
}

describe("a growing text", () => {
  it("is what the task's stream says of the one task that is followed", () => {
    const { growing, sources, last } = followed();
    expect(last().message).toEqual({ taskId: "a" });
    last().send(running("Dear team", { wish: [1, "warmer"] }));
    expect(growing.text).toBe("Dear team");
    expect(growing.payload["wish"]).toEqual([1, "warmer"]);
    growing.follow("a");
    expect(sources.length).toBe(1);
    growing.follow("b");
    expect([sources[0]!.isClosed, growing.text]).toEqual([true, ""]);
    expect(last().message).toEqual({ taskId: "b" });
  });

  it("is replaced by a shorter one, and by nothing where there is nothing to show", () => {
    const { growing, last } = followed();
    last().send(running("I led 300 engineers"));
    last().send(running("I"));
    expect(growing.text).toBe("I");
    last().send(running(""));
    expect(growing.text).toBe("");
  });

  it.each(["TASK_STATE_COMPLETED", "TASK_STATE_FAILED", "TASK_STATE_CANCELLED"])("goes when the task is over: %s", (state) => {
    const { growing, waits, last } = followed();
    last().send(running("Dear team"));
    last().send({ task: { state } });
    expect([growing.text, last().isClosed]).toEqual(["", true]);
    last().fail("end");
    expect(waits.length).toBe(0);
  });

  it("stays while a broken stream is opened again, and is not followed after a stop", () => {
    const { growing, sources, waits, last } = followed();
    last().send(running("Dear team"));
    last().fail();
    expect([growing.text, last().isClosed]).toEqual(["Dear team", true]);
    waits[0]!.run();
    last().fail();
    expect(waits.map((wait) => wait.milliseconds)).toEqual([1_000, 2_000]);
    growing.stop();
    expect([growing.text, waits[1]!.isCancelled, sources.length]).toEqual(["", true, 2]);
  });

  it("is not confused by what is no message", () => {
    const { growing, last } = followed();
    last().send(running("Dear team"));
    last().onmessage?.(new MessageEvent("message", { data: "<html>" }));
    last().send({});
    expect(growing.text).toBe("Dear team");
  });

  it("tells its length in steps, not by every word", () => {
    const { growing, last } = followed();
    const said: number[] = [];
    for (let words = 1; words <= 120; words += 1) {
      last().send(running("word ".repeat(words)));
      if (said.at(-1) !== growing.words) {
        said.push(growing.words);
      }
    }
    expect(said).toEqual([0, 50, 100]);
    expect(wordsOf(" one\n two ")).toBe(2);
  });
});
