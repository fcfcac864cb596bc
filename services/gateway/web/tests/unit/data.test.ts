import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { account } from "../../src/lib/account.svelte";
import { backupName, collect, createBackup, EventCutter } from "../../src/lib/backup";
import { size } from "../../src/lib/format";
import { PUT_AWAY, WAITING } from "../../src/lib/mails";
import { queuesOf } from "../../src/lib/measures";

afterEach(() => vi.unstubAllGlobals());

function stream(...texts: string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      texts.forEach((text) => controller.enqueue(encoder.encode(text)));
      controller.close();
    },
  });
}

const piece = (text: string) => `data: ${JSON.stringify({ content: btoa(text) })}\n\n`;
const END = "event: end\ndata: {}\n\n";

describe("a backup", () => {
  it("is put together of pieces, however they are cut on the way", async () => {
    const whole = `retry: 2000\n\n${piece("first ")}: still here\n\n${piece("second")}${END}`;
    for (const at of [1, 13, 20, 40, whole.length - 3]) {
      const told: number[] = [];
      const blob = await collect(stream(whole.slice(0, at), whole.slice(at)), (bytes) => told.push(bytes));
      const text = await new Promise((resolve) => {
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result);
        reader.readAsText(blob);
      });
      expect(text).toBe("first second");
      expect(told).toEqual([6, 12]);
    }
  });

  it("that breaks off, is too large or fails is none", async () => {
    await expect(collect(stream(piece("half")), () => undefined)).rejects.toThrow(/broke off/);
    await expect(collect(stream(piece("too large"), END), () => undefined, 5)).rejects.toThrow(/aerie backup create/);
    const failure = `event: error\ndata: ${JSON.stringify({ code: "resource_exhausted", message: "the disk is full" })}\n\n`;
    await expect(collect(stream(piece("half"), failure), () => undefined)).rejects.toThrow("The disk is full.");
    expect(() => new EventCutter(10).take("data: much more than that")).toThrow(/more in one piece/);
  });

  it("is asked for with the passphrase in the body, and a refusal says why", async () => {
    const asked = vi.fn((_address: string, _init: RequestInit) => Promise.resolve(new Response(JSON.stringify({ code: "invalid_argument", message: "the passphrase is short" }), { status: 400 })));
    vi.stubGlobal("fetch", asked);
    await expect(createBackup("überall zehn", () => undefined, new AbortController().signal)).rejects.toThrow("The passphrase is short.");
    const [address, request] = asked.mock.calls[0]!;
    expect(address).toBe("/aerie.pipeline.v1.MovingService/CreateBackup");
    expect(request.body).toBe('{"passphrase":"überall zehn"}');
    expect((request.headers as Record<string, string>)["accept"]).toBe("text/event-stream");
  });

  it("shows where to sign in when nobody is signed in any more", async () => {
    const refusal = { code: "unauthenticated", message: "x", details: [{ type: "google.rpc.ErrorInfo", debug: { reason: "R", metadata: { sign_in: "/auth/login" } } }] };
    vi.stubGlobal("fetch", () => Promise.resolve(new Response(JSON.stringify(refusal), { status: 401 })));
    await expect(createBackup("ten letters", () => undefined, new AbortController().signal)).rejects.toThrow();
    expect([account.isMissing, account.login]).toEqual([true, "/auth/login"]);
    account.isMissing = false;
  });

  it("has the day in its name, and sizes are readable", () => {
    expect(backupName(new Date(2026, 2, 4))).toBe("aerie-2026-03-04.aerie");
    expect([0, 1_023, 1_536, 5_242_880, 120 * 1024 ** 3].map(size)).toEqual(["0 B", "1,023 B", "1.5 KiB", "5 MiB", "120 GiB"]);
  });
});

describe("queues", () => {
  it("are read from measurements, without those that are empty", () => {
    const text = [
      "# TYPE aerie_tasks_depth gauge",
      'aerie_tasks_depth{kind="discovery.run",state="queued"} 2',
      'aerie_tasks_depth{kind="discovery.run",state="running"} 1',
      'aerie_tasks_due{kind="discovery.run"} 2',
      'aerie_tasks_oldest_due_seconds{kind="discovery.run"} 12.5',
      'aerie_tasks_depth{kind="mail.sync",state="queued"} 0',
      'aerie_tasks_due{kind="broken"} NaN',
      'aerie_rpc_server_seconds_bucket{service="x",le="1"} 4',
    ].join("\n");
    expect(queuesOf(text)).toEqual([{ kind: "discovery.run", states: { queued: 2, running: 1 }, due: 2, oldest: 12.5 }]);
  });
});

describe("mails without a job", () => {
  it("are in one of two lists whatever they are about", () => {
    const proto = readFileSync("../../../proto/aerie/pipeline/v1/mail_service.proto", "utf8");
    const labels = [...proto.matchAll(/^ {2}(MAIL_LABEL_\w+) = [1-9]/gm)].map((found) => found[1]);
    expect(labels.length).toBe(9);
    expect([...WAITING, ...PUT_AWAY].sort()).toEqual(labels.sort());
  });
});
