import { describe, expect, it } from "vitest";
import { moved, Ordering } from "../../src/lib/ordering.svelte";

describe("an order", () => {
  it("is changed by moving one entry", () => {
    expect(moved(["a", "b", "c"], 0, 2)).toEqual(["b", "c", "a"]);
    expect(moved(["a", "b", "c"], 2, 0)).toEqual(["c", "a", "b"]);
    expect(moved(["a", "b", "c"], 1, 1)).toEqual(["a", "b", "c"]);
    expect(moved(["a"], 3, 0)).toEqual(["a"]);
  });

  it("shows at once, is sent change by change, and stays while an answer of before arrives", async () => {
    const sent: string[][] = [];
    const order = new Ordering((names) => Promise.resolve(sent.push(names)), () => expect.unreachable());
    order.take(["a", "b", "c"]);
    expect(order.move(2, 1)).toBe(true);
    expect(order.move(1, 0)).toBe(true);
    expect(order.names).toEqual(["c", "a", "b"]);
    order.take(["a", "b", "c"]);
    expect(order.names).toEqual(["c", "a", "b"]);
    await order.settled();
    expect(sent).toEqual([["a", "c", "b"], ["c", "a", "b"]]);
    expect(order.names).toEqual(["c", "a", "b"]);
  });

  it("is not sent when nothing moves", async () => {
    const order = new Ordering(() => Promise.reject(new Error("sent")), () => expect.unreachable());
    order.take(["a", "b"]);
    expect([order.move(0, -1), order.move(1, 5), order.move(7, 0)]).toEqual([false, false, false]);
    await order.settled();
  });

  it("goes back to what the server has when it refuses, and only after the last change", async () => {
    const problems: unknown[] = [];
    let answers = [Promise.reject(new Error("no")), Promise.resolve()];
    const order = new Ordering(() => answers.shift()!, (error) => problems.push(error));
    order.take(["a", "b", "c"]);
    order.move(0, 1);
    order.move(0, 2);
    await order.settled();
    expect(problems.length).toBe(1);
    expect(order.names, "the second one was kept").toEqual(["a", "c", "b"]);

    answers = [Promise.reject(new Error("no"))];
    order.move(0, 2);
    await order.settled();
    expect(order.names).toEqual(["a", "c", "b"]);
    expect(problems.length).toBe(2);
  });
});
