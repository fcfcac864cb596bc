import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { pages } from "./pages";
import { RESUME } from "./resume";
import { scored } from "./scored";
import { suggestions } from "./suggestions";
import { call, jobOf, pending, Surfer } from "./world";

const url = inject("demo");
const surfer = new Surfer();
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const OUT = "tests/out";
/** Pictures of the documentation are made anew only when asked for, so that a test run leaves the tree as it was. */
const IMAGES = process.env["AERIE_UPDATE_IMAGES"] ? "../../../docs/images" : OUT;
let job = "";

interface Finding {
  id: string;
  impact: string;
  nodes: { html: string; failureSummary: string }[];
}

beforeAll(async () => {
  mkdirSync(IMAGES, { recursive: true });
  mkdirSync(OUT, { recursive: true });
  await surfer.open();
  // Something in every stage, so that pages are looked at with content.
  const way = ["APPROVED", "APPLIED", "SURVEY", "PHONE_SCREEN", "INTERVIEWING", "OFFER", "HIRED"];
  const list = await pending(url, 24);
  for (const [index, one] of list.entries()) {
    const far = Math.max(1, 7 - Math.floor(Math.sqrt(index * 2)));
    for (const stage of way.slice(0, far)) {
      await call(url, "JobsService/MoveJob", { jobId: one.id, status: `JOB_STATUS_${stage}` });
    }
  }
  job = list[4]!.id;
  const soon = new Date(Date.now() + 26 * 3_600_000).toISOString();
  await call(url, "InterviewsService/SaveAppointment", { appointment: { jobId: job, kind: "APPOINTMENT_KIND_INTERVIEW", startTime: soon, timeZone: "Europe/Berlin" } });
  await call(url, "InterviewsService/SaveReminder", { reminder: { jobId: list[2]!.id, text: "Send the certificates", dueTime: new Date().toISOString() } });
  await call(url, "InterviewsService/SaveContact", { contact: { jobId: job, name: "Ines Okafor", role: "recruiter", email: "ines@example.com" } });
  await call(url, "SurveysService/StartSurvey", { jobId: job, name: "Culture", text: "1. I like\na) teams\nb) walls" });
  await call(url, "ProfileService/ImportResume", { text: RESUME });
  await scored(url);
  for (const path of ["Letters/GenerateLetter", "Letters/TailorResume", "Research/StartPreparation", "Research/StartResearch", "Research/StartMockInterview"]) {
    await call(url, path.replace("/", "Service/"), { jobId: job });
  }
  await call(url, "LettersService/AskQuestion", { jobId: job, question: "Why do you want to work here?" });
  await ready("LettersService/GetLetter", "letter");
  await call(url, "LettersService/SaveLetter", { jobId: job, text: "I led 250 engineers at Initech.\n\nI bring Rust and PostgreSQL." });
  await ready("LettersService/GetTailoredResume", "resume");
  await ready("ResearchService/GetPreparation", "preparation");
  await ready("ResearchService/GetResearch", "research");
  await call(url, "IntegrationsService/CreateIntegration", {
    kind: "webhook",
    settings: { address: "https://hooks.invalid/aerie", secret: "0123456789abcdef0123" },
    enabled: false,
  });
});

/** Waits until something that a task writes for the job is there. */
async function ready(path: string, field: string): Promise<void> {
  await vi.waitFor(async () => {
    const answer = await call<Record<string, { state?: string }>>(url, path, { jobId: job });
    expect(answer[field]?.state, path).toBe("MATERIAL_STATE_READY");
  }, 20_000);
}

/** No mailbox is there to be read; what the server finds in one is stood in for. */
async function withMail(page: Page): Promise<void> {
  const { posting } = await jobOf(url, job);
  const found = suggestions(job, posting.company, posting.title);
  const mails = found.map((one) => ({ ...one, from: { name: "Ines Okafor", address: "ines@example.com" }, receiveTime: "2026-01-05T09:30:00Z" }));
  await page.route("**/*.MailService/ListSuggestions", (route) => route.fulfill({ json: { suggestions: found } }));
  await page.route("**/*.MailService/ListMails", (route) => route.fulfill({ json: { mails } }));
  await page.route("**/*.MailService/GetMail", (route) => route.fulfill({ json: { mail: { ...mails[0], text: "We would like to talk to you." } } }));
  const account = { id: "1", name: "Ada", host: "imap.example.com", user: "ada@example.com", problem: "The server refuses the password.", syncTime: "2026-01-05T09:30:00Z" };
  await page.route("**/*.MailService/ListMailAccounts", (route) => route.fulfill({ json: { accounts: [account] } }));
}

afterAll(async () => {
  await surfer.close();
  expect(surfer.complaints.join("\n")).toBe("");
});

/** Waits until a page has shown what it reads. */
async function settle(page: Page): Promise<void> {
  await page.getByRole("heading", { level: 1 }).first().waitFor({ state: "attached" });
  await expect.poll(() => page.locator(".loading, [aria-busy=true]").count()).toBe(0);
  await page.evaluate(() => document.fonts.ready);
}

/** Goes to another page within the app, which is much quicker than loading it anew. */
async function visit(page: Page, address: string): Promise<void> {
  await page.evaluate((to) => {
    history.pushState({}, "", to);
    dispatchEvent(new PopStateEvent("popstate", { state: {} }));
  }, address);
  await settleQuickly(page);
}

async function settleQuickly(page: Page): Promise<void> {
  await page.getByRole("heading", { level: 1 }).first().waitFor({ state: "attached" });
  // A page that is loading shows so at once; two frames let it begin.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  await expect.poll(() => page.locator(".loading, [aria-busy=true]").count()).toBe(0);
}

async function findings(page: Page): Promise<string[]> {
  const found = await page.evaluate(async () => {
    const checker = (globalThis as unknown as { axe: { run(options: object): Promise<{ violations: Finding[] }> } }).axe;
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    return (await checker.run({ runOnly: tags })).violations;
  });
  return found.map((one) => `${one.id}: ${one.nodes.map((node) => `${node.html.slice(0, 160)} (${node.failureSummary})`).join(" | ")}`);
}

describe.each(["light", "dark", "contrast"] as const)("in the %s theme", (theme) => {
  it("axe finds nothing on any page", async () => {
    const page = await surfer.page({ colorScheme: theme === "dark" ? "dark" : "light", reducedMotion: "reduce" });
    if (theme === "contrast") {
      await page.addInitScript(() => localStorage.setItem("aerie.appearance", '{"theme":"contrast"}'));
    }
    await withMail(page);
    await page.goto(url);
    await settle(page);
    await page.evaluate(axe);
    const all: string[] = [];
    await visit(page, "/board");
    await page.getByRole("heading", { name: "2 suggestions from mail" }).waitFor();
    for (const [name, address] of Object.entries(pages(job))) {
      await visit(page, address);
      all.push(...(await findings(page)).map((finding) => `${name}: ${finding}`));
    }
    await visit(page, "/mail");
    await page.getByRole("button", { name: /^Read and choose a job/ }).first().click();
    await page.getByText("We would like to talk to you.").waitFor();
    all.push(...(await findings(page)).map((finding) => `opened mail: ${finding}`));
    await page.keyboard.press("t");
    await page.getByRole("complementary", { name: "Tasks" }).getByRole("heading").first().waitFor();
    all.push(...(await findings(page)).map((finding) => `tasks: ${finding}`));
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    all.push(...(await findings(page)).map((finding) => `help: ${finding}`));
    expect(all.join("\n")).toBe("");
    await page.context().close();
  }, 180_000);
});

describe("on a phone", () => {
  it.each([320, 390])("of %d pixels no page is wider than the screen, and everything to press is large enough", async (screen) => {
    const page = await surfer.page({ viewport: { width: screen, height: 844 }, hasTouch: true, isMobile: true });
    await withMail(page);
    await page.goto(url);
    await settle(page);
    const wrong: string[] = [];
    for (const [name, address] of Object.entries(pages(job))) {
      await visit(page, address);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      if (width > screen) {
        wrong.push(`${name} is ${width} pixels wide`);
      }
      // The size that WCAG 2.2 asks for; links within text are exempt.
      const small = await page.evaluate(() =>
        [...document.querySelectorAll<HTMLElement>("button, select, input:not([type=checkbox]):not([type=radio]):not([type=file]), a.button")]
          .filter((element) => element.checkVisibility() && (element.offsetHeight < 24 || element.offsetWidth < 24))
          .map((element) => element.outerHTML.slice(0, 120)),
      );
      wrong.push(...small.map((html) => `${name}: ${html}`));
    }
    expect(wrong.join("\n")).toBe("");
    await page.context().close();
  }, 120_000);
});

describe("pictures", () => {
  it("are made of the pages that the documentation shows", async () => {
    const page = await surfer.page({ viewport: { width: 1180, height: 700 }, colorScheme: "light", reducedMotion: "reduce" });
    const shots: [string, string][] = [
      ["review", "/review"],
      ["board", "/board"],
      ["insights", "/insights"],
      ["letter", `/jobs/${job}/letter`],
    ];
    for (const [name, address] of shots) {
      await page.goto(`${url}${address}`);
      await settle(page);
      const picture = await page.screenshot({ path: `${IMAGES}/${name}.png` });
      expect(picture.length).toBeGreaterThan(10_000);
    }
    await page.context().close();
  });

  it("of every page in both themes at three widths can be made for looking at them", async (context) => {
    if (!process.env["AERIE_WEB_SHOTS"]) {
      context.skip();
    }
    for (const colorScheme of ["light", "dark"] as const) {
      for (const width of [390, 1024, 1600]) {
        const page = await surfer.page({ viewport: { width, height: width === 390 ? 844 : 900 }, colorScheme, isMobile: width === 390 });
        await withMail(page);
        await page.goto(url);
        await settle(page);
        for (const [name, address] of Object.entries(pages(job))) {
          await visit(page, address);
          await page.screenshot({ path: `${OUT}/${name}-${width}-${colorScheme}.png` });
        }
        await page.context().close();
      }
    }
  }, 300_000);
});

