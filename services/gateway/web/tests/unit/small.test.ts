import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Board } from "../../src/lib/board.svelte";
import { account, forgeryToken } from "../../src/lib/account.svelte";
import { api } from "../../src/lib/api";
import { base64Of, blobOf } from "../../src/lib/bytes";
import { connection } from "../../src/lib/connection.svelte";
import { inGroups } from "../../src/lib/deleting";
import { Draft } from "../../src/lib/draft.svelte";
import { failureOf } from "../../src/lib/errors";
import { asRequest, readFilters, writeFilters } from "../../src/lib/filters";
import { ago, pay, whereOf } from "../../src/lib/format";
import { match } from "../../src/lib/routes";
import { shortcuts } from "../../src/lib/shortcuts.svelte";
import { mayMove, stageOf, STAGES, statusOf } from "../../src/lib/stages";
import { scriptAddress } from "../../src/lib/trusted";
import { reveal, slice } from "../../src/lib/window";

describe("addresses", () => {
  it("name pages with what they show", () => {
    expect(match("/")).toEqual({ page: "home", parameters: {} });
    expect(match("/jobs/0190/surveys")).toEqual({ page: "job", parameters: { id: "0190", part: "surveys" } });
    expect(match("/settings")).toEqual({ page: "settings", parameters: {} });
    for (const missing of ["/jobs", "/jobs/1/2/3", "/nothing", "/jobs/%E0%A4%A"]) {
      expect(match(missing).page).toBe("missing");
    }
  });
});

describe("scripts that the app starts by itself", () => {
  it("are the service worker and the reader of PDF, from this server", () => {
    expect(scriptAddress("/sw.js")).toBe("/sw.js");
    expect(scriptAddress("/assets/pdf.worker.min-B8dHURtp.js")).toBe("/assets/pdf.worker.min-B8dHURtp.js");
    for (const foreign of ["https://evil.example/sw.js", "//evil.example/sw.js", "/assets/other.js", "/sw.js/../x.js", "blob:x", "/assets/pdf.worker/../../x.js"]) {
      expect(() => scriptAddress(foreign), foreign).toThrow(TypeError);
    }
  });
});

describe("filters", () => {
  it("survive the way through an address", () => {
    const search = new URLSearchParams("q=rust&min=40&where=remote,on_site&from=lever&sort=new");
    const filters = readFilters(search);
    const written = Object.entries(writeFilters(filters)).filter((one): one is [string, string] => one[1] !== undefined);
    expect(readFilters(new URLSearchParams(written))).toEqual(filters);
    expect(asRequest(filters)).toEqual({
      statuses: ["JOB_STATUS_PENDING"],
      orderBy: "create_time desc",
      query: "rust",
      minimumScore: 40,
      remoteKinds: ["REMOTE_KIND_REMOTE", "REMOTE_KIND_ON_SITE"],
      sources: ["lever"],
    });
  });

  it("leave out what an address cannot mean", () => {
    expect(readFilters(new URLSearchParams("min=abc&where=moon&sort=random"))).toEqual(readFilters(new URLSearchParams()));
    expect(readFilters(new URLSearchParams("min=900")).minimum).toBe(100);
  });
});

describe("stages", () => {
  it("allow the moves that the server allows", () => {
    // The server's table, read from its source: the two must not drift apart.
    const source = readFileSync("../../pipeline/src/status.rs", "utf8");
    const snake = (name: string) => name.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
    const table = source.slice(source.indexOf("pub fn next"));
    let seen = 0;
    for (const stage of STAGES) {
      const name = stage.split("_").map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join("");
      const list = new RegExp(`Self::${name} => &\\[([^\\]]*)\\]`).exec(table)?.[1];
      expect(list, stage).toBeDefined();
      const legal = [...(list ?? "").matchAll(/Self::(\w+)/g)].map((found) => snake(found[1] ?? ""));
      expect(STAGES.filter((to) => mayMove(stage, to)).sort()).toEqual(legal.sort());
      expect(stageOf(statusOf(stage))).toBe(stage);
      seen += legal.length;
    }
    expect(seen).toBeGreaterThan(15);
  });
});

describe("the board", () => {
  const columns = () => [
    { status: "JOB_STATUS_APPLIED" as const, cards: [{ job: { id: "a" } }, { job: { id: "b" } }], totalSize: 2 },
    { status: "JOB_STATUS_SURVEY" as const, cards: [], totalSize: 0 },
  ];
  const shown = (board: Board) => Object.fromEntries(board.columns.map((column) => [column.stage, column.cards.map((card) => card.id)]));

  it("shows a move at once and takes it back when the server refuses", async () => {
    const problems: unknown[] = [];
    let refuse = () => {};
    const board = new Board(
      { move: () => new Promise((_, reject) => (refuse = () => reject(new Error("no")))), revert: async () => {} },
      (error) => problems.push(error),
    );
    board.take(columns(), { jobs: [{ id: "c" }], totalSize: 1 });
    const moved = board.move("a", "survey");
    expect(shown(board)).toMatchObject({ approved: ["c"], applied: ["b"], survey: ["a"] });
    refuse();
    expect(await moved).toBe(false);
    expect(shown(board)).toMatchObject({ applied: ["a", "b"], survey: [] });
    expect(problems.length).toBe(1);
  });

  it("keeps a move until the server's next word", async () => {
    const board = new Board({ move: async () => {}, revert: async () => {} }, () => {});
    board.take(columns(), {});
    expect(await board.move("b", "survey")).toBe(true);
    expect(shown(board)).toMatchObject({ applied: ["a"], survey: ["b"] });
    expect(board.columns.find((column) => column.stage === "survey")?.total).toBe(1);
  });
});

describe("a long list", () => {
  it("draws what is seen and a margin", () => {
    expect(slice(10_000, 80, 0, 800)).toEqual({ first: 0, end: 18, top: 0, height: 800_000 });
    expect(slice(10_000, 80, 400_000, 800)).toMatchObject({ first: 4992, end: 5018 });
    expect(slice(3, 80, 99_999, 800)).toMatchObject({ first: 0, end: 3 });
    expect(slice(0, 80, 0, 800)).toEqual({ first: 0, end: 0, top: 0, height: 0 });
  });

  it("scrolls no further than needed", () => {
    expect(reveal(5, 80, 0, 800)).toBe(0);
    expect(reveal(10, 80, 0, 800)).toBe(80);
    expect(reveal(2, 80, 800, 800)).toBe(160);
  });
});

describe("what people read", () => {
  it("says pay as short as it can", () => {
    const year = { currency: "EUR", period: "PAY_PERIOD_YEAR" as const };
    expect(pay({ minimum: 80000, maximum: 95000, ...year })).toBe("80–95k EUR a year");
    expect(pay({ minimum: 42.5, currency: "USD", period: "PAY_PERIOD_HOUR" })).toBe("from 42.5 USD an hour");
    expect(pay({ maximum: 50000, ...year, predicted: true })).toBe("up to 50k EUR a year (estimated)");
    expect(pay({ ...year })).toBe("");
    expect(pay(undefined)).toBe("");
  });

  it("says where, and how far away in time", () => {
    expect(whereOf({ places: [{ city: "Berlin", country: "DE" }, { city: "Paris" }], remoteKind: "REMOTE_KIND_HYBRID" })).toBe("Berlin, Germany +1 · Hybrid");
    const now = new Date("2026-03-03T12:00:00Z");
    expect(ago("2026-03-03T09:00:00Z", now)).toBe("3 hours ago");
    expect(ago("2026-03-04T13:00:00Z", now)).toBe("tomorrow");
    expect(ago(undefined, now)).toBe("");
  });
});

describe("files and errors", () => {
  it("goes through base64 unchanged", async () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 31) % 256);
    const text = await base64Of({ arrayBuffer: async () => bytes.buffer } as Blob);
    const back = blobOf(text, "image/png");
    expect([back.size, back.type]).toEqual([70_000, "image/png"]);
    expect(Uint8Array.from(atob(text), (character) => character.charCodeAt(0))).toEqual(bytes);
  });

  it("says what the server said, field by field", async () => {
    const body = {
      code: "invalid_argument",
      message: "the request is wrong",
      details: [
        { type: "google.rpc.ErrorInfo", debug: { reason: "FIELDS_INVALID" } },
        { type: "google.rpc.BadRequest", debug: { fieldViolations: [{ field: "job.notes", description: "is too long" }] } },
      ],
    };
    const error = await failureOf(new Response(JSON.stringify(body), { status: 400 }));
    expect([error.code, error.reason, error.message]).toEqual(["invalid_argument", "FIELDS_INVALID", "Job.notes is too long."]);
    expect((await failureOf(new Response("<html>", { status: 502 }))).message).toBe("The server answered 502.");
  });
});

describe("a form", () => {
  it("is not overwritten while it is edited, and knows when it was saved", async () => {
    const draft = new Draft<{ name: string }>();
    draft.take({ name: "a" });
    draft.value = { name: "b" };
    draft.take({ name: "from elsewhere" });
    expect([draft.value.name, draft.isChanged]).toEqual(["b", true]);
    await draft.save(async () => Promise.reject(new Error("no")));
    expect([draft.problem, draft.isChanged]).toEqual(["No.", true]);
    await draft.save(async (value) => value);
    expect([draft.isChanged, draft.isSaved]).toEqual([false, true]);
    draft.take({ name: "c" });
    expect(draft.value.name).toBe("c");
  });
});

describe("keys", () => {
  const press = (key: string, target?: HTMLElement) => {
    const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
    Object.defineProperty(event, "target", { value: target ?? document.body });
    shortcuts.press(event);
    return event.defaultPrevented;
  };

  it("belong to the page last, work in pairs, and are never taken from somebody who writes", () => {
    const pressed: string[] = [];
    const key = (name: string) => ({ label: name, run: () => pressed.push(name) });
    const removeApp = shortcuts.add({ z: key("app"), "g h": key("home"), "?": key("help") }, "App");
    const removePage = shortcuts.add({ z: key("page") }, "Page");
    press("z");
    press("g");
    press("h");
    expect(press("?")).toBe(true);
    const field = document.body.appendChild(document.createElement("textarea"));
    expect(press("z", field)).toBe(false);
    removePage();
    press("Z");
    shortcuts.setLetters(false);
    press("z");
    shortcuts.setLetters(true);
    removeApp();
    press("z");
    expect(pressed).toEqual(["page", "home", "help", "app"]);
  });
});

describe("calls", () => {
  const answers = (...list: Response[]) => {
    const sent: string[] = [];
    vi.stubGlobal("fetch", async (address: string, init: RequestInit) => {
      sent.push(`${address} ${String(init.body)}`);
      const next = list.shift();
      if (!next) {
        throw new TypeError("fetch failed");
      }
      return next;
    });
    return sent;
  };

  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  it("are sent again when they came too soon, and only then", async () => {
    const busy = () => new Response('{"code":"resource_exhausted"}', { status: 429 });
    const sent = answers(busy(), new Response('{"total":3}'), new Response('{"code":"internal","message":"broken"}', { status: 500 }));
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    const counted = api.jobs.countJobs({});
    await vi.advanceTimersByTimeAsync(500);
    expect(await counted).toEqual({ total: 3 });
    expect(sent).toEqual(Array(2).fill("/aerie.pipeline.v1.JobsService/CountJobs {}"));
    await expect(api.jobs.countJobs({})).rejects.toThrow("Broken.");
    expect(sent.length).toBe(3);
  });

  it("show that they come from this app, where somebody is signed in", async () => {
    const sent: RequestInit[] = [];
    vi.stubGlobal("fetch", async (_: string, init: RequestInit) => {
      sent.push(init);
      return new Response("{}");
    });
    await api.jobs.countJobs({});
    vi.spyOn(document, "cookie", "get").mockReturnValue("a=1; __Host-aerie-csrf=t0-k_en; b=2");
    await api.jobs.countJobs({});
    vi.restoreAllMocks();
    const tokens = sent.map((init) => (init.headers as Record<string, string>)["x-csrf-token"]);
    expect(tokens).toEqual([undefined, "t0-k_en"]);
    expect(forgeryToken("x__Host-aerie-csrf=1; __Host-aerie-csrf=")).toBeUndefined();
  });

  it("ask to sign in when nobody is, and only at this server", async () => {
    const refused = (metadata: object) =>
      new Response(
        JSON.stringify({
          code: "unauthenticated",
          message: "nobody is signed in",
          details: [{ type: "google.rpc.ErrorInfo", debug: { reason: "CREDENTIAL_MISSING", metadata } }],
        }),
        { status: 401 },
      );
    answers(refused({ sign_in: "/auth/login" }), refused({ sign_in: "//evil.example" }), refused({}));
    expect(account.isMissing).toBe(false);
    await expect(api.jobs.countJobs({})).rejects.toMatchObject({ isUnknown: true, reason: "CREDENTIAL_MISSING" });
    expect([account.isMissing, account.way]).toEqual([true, "/auth/login?to=%2F"]);
    await expect(api.jobs.countJobs({})).rejects.toMatchObject({ isUnknown: true });
    expect(account.login).toBe("");
    await expect(api.jobs.countJobs({})).rejects.toMatchObject({ isUnknown: true });
    expect(account.login).toBe("");
    account.isMissing = false;
  });

  it("say when the server cannot be reached, and when it is back", async () => {
    answers();
    await expect(api.jobs.getJob({ jobId: "1" })).rejects.toMatchObject({ code: "offline", isOffline: true });
    expect(connection.isLost).toBe(true);
    answers(new Response("{}"));
    await api.jobs.getJob({ jobId: "1" });
    expect(connection.isLost).toBe(false);
  });
});

describe("what deleting takes along", () => {
  it("is told in groups, with everything else as the rest", () => {
    const tables = [
      { table: "job", rows: "3" },
      { table: "job_history", rows: "4" },
      { table: "appointment", rows: "1" },
      { table: "reminder", rows: "2" },
      { table: "something_new", rows: "5" },
      { table: "mail" },
    ];
    expect(inGroups(tables)).toEqual([
      ["jobs", 3],
      ["dates", 3],
      ["rest", 9],
    ]);
  });
});
