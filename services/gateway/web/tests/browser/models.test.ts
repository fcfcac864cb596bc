import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Page } from "playwright-core";
import { findings } from "./axe";
import { Model, type Asked } from "./model";
import { RESUME } from "./resume";
import { call, pending, Server, Surfer } from "./world";

const surfer = new Surfer();
const model = new Model();
let server: Server;
let job = "";

const LETTER = `Dear team,

At Northwind Systems I built a parser in Rust that reads 4 million lines a day, and I keep it running on Linux. I would like to bring the same care to the services that you describe, and to learn from the people who built them.

What I like about your posting is that it says plainly what the work is. I write programs that others can read, and I test what I write.

Kind regards`;

beforeAll(async () => {
  await model.start();
  server = new Server("up", { AERIE__LLM__BACKENDS: model.settings("alder", "birch", "cedar") });
  await Promise.all([surfer.open(), server.start()]);
  await call(server.url, "ProfileService/UpdateProfile", { profile: { fullName: "Ada Example", skills: ["Rust", "Linux"] } });
  await call(server.url, "ProfileService/ImportResume", { text: RESUME });
  const rows = [{ title: "Rust Engineer", company: "Brasswick", location: "Leeds", description: "We write services in Rust on Linux.", url: "https://brasswick.example/1" }];
  await call(server.url, "DiscoveryService/ImportJobs", { fileName: "jobs.json", content: Buffer.from(JSON.stringify(rows)).toString("base64") });
  [{ id: job } = { id: "" }] = await pending(server.url, 1);
});

afterAll(async () => {
  await surfer.close();
  await server.end();
  await model.stop();
  expect(surfer.complaints.join("\n")).toBe("");
});

/** The answer that a model is asked for next. */
async function next(before: number): Promise<Asked> {
  await vi.waitFor(() => expect(model.asked.length).toBeGreaterThan(before), { timeout: 20_000 });
  return model.asked[before]!;
}

const versions = async () => (await call<{ letter: { versions?: { text: string }[] } }>(server.url, "LettersService/GetLetter", { jobId: job })).letter.versions ?? [];

describe("a letter that a model writes", () => {
  it("is seen as it grows, in the letter's place first and in the box of the wish then", async () => {
    const page = await surfer.page();
    await page.goto(`${server.url}/jobs/${job}/letter`);
    await page.getByText("No letter yet.").waitFor();
    await page.getByRole("button", { name: "Write", exact: true }).click();
    const first = await next(0);
    const growing = page.getByRole("group", { name: "The letter, as far as it has come" });
    // Nothing is there to show yet: only that somebody is at it.
    await page.getByText("asking a model").waitFor();
    expect(await growing.count()).toBe(0);
    first.say("Dear team,");
    await growing.getByText("Dear team,").waitFor();
    expect(await growing.getAttribute("aria-busy")).toBe("true");
    // A second page that was opened meanwhile follows as well.
    const other = await surfer.page();
    await other.goto(`${server.url}/jobs/${job}/letter`);
    await other.getByRole("group", { name: "The letter, as far as it has come" }).getByText("Dear team,").waitFor();
    first.say(LETTER.slice("Dear team,".length).replace("Northwind Systems", "Initech"));
    await page.getByText("More than 50 words so far.").waitFor({ state: "attached" });
    await other.getByText("I test what I write").waitFor();
    expect(await findings(page)).toEqual([]);
    first.end();

    // The résumé knows no Initech: the model is asked again, and what it says then takes the place of what was there.
    const repaired = await next(1);
    expect(repaired.prompt).toContain("the profile has no such employer");
    repaired.say("Dear team, once more");
    await growing.getByText("Dear team, once more").waitFor();
    expect(await growing.textContent()).not.toContain("Initech");
    repaired.say(LETTER.slice("Dear team,".length));
    repaired.end();
    await page.getByText("Version 1 · by alder (small)").waitFor();
    await growing.waitFor({ state: "detached" });
    await page.getByText("Version 1 is written.").waitFor({ state: "attached" });
    await other.getByText("Version 1 · by alder (small)").waitFor();
    await other.context().close();
    expect((await versions())[0]!.text).not.toContain("Initech");

    await page.getByRole("textbox", { name: "What should be different" }).fill("shorter");
    await page.getByRole("button", { name: "Change version 1" }).click();
    const second = await next(2);
    expect(second.prompt).toContain("shorter");
    second.say("I am brief.");
    const box = page.locator("form", { has: page.getByRole("heading", { name: "Change it" }) });
    await box.getByRole("group", { name: "The letter, as far as it has come" }).getByText("I am brief.").waitFor();
    // What is there stays there to be compared, and the box knows after a reload as well what it is about.
    await page.getByRole("region", { name: "Letter", exact: true }).getByText("parser in Rust").waitFor();
    await page.reload();
    await box.getByText("I am brief.").waitFor();
    await shots(page, "growing");

    await box.getByRole("button", { name: "Cancel: The letter is being written" }).click();
    await growing.waitFor({ state: "detached" });
    await expect.poll(() => second.isDropped).toBe(true);
    await expect.poll(() => page.getByRole("button", { name: "Write", exact: true }).isEnabled()).toBe(true);
    expect((await versions()).length).toBe(1);
    await page.context().close();
  });

  it("is written when the program is killed while it grows, and only once", async () => {
    const page = await surfer.page();
    await page.goto(`${server.url}/jobs/${job}/letter`);
    const before = model.asked.length;
    const kept = (await versions()).length;
    await page.getByRole("button", { name: "Write", exact: true }).click();
    const broken = await next(before);
    broken.say("Dear team, this sentence is lost");
    await page.getByText("this sentence is lost").waitFor();
    await server.kill();
    await server.start();
    const again = await next(before + 1);
    again.say(LETTER);
    // The page found its way back by itself.
    await page.getByRole("group", { name: "The letter, as far as it has come" }).getByText("I test what I write").waitFor();
    again.end();
    await page.getByText(`Version ${kept + 1} · by alder (small)`).waitFor();
    expect((await versions()).length).toBe(kept + 1);
    expect((await versions())[0]!.text).not.toContain("this sentence is lost");
    await page.context().close();
  });
});

describe("the order of a chain", () => {
  const chain = (page: Page) => page.getByRole("group", { name: "Order: Usual" });
  const names = (page: Page) => chain(page).getByRole("listitem").locator(".named").allTextContents();

  it("is changed by keyboard and by dragging, holds at once and after a restart, and goes back", async () => {
    const page = await surfer.page();
    await page.goto(`${server.url}/settings/models`);
    await expect.poll(() => names(page)).toEqual(["alder", "birch", "cedar"]);
    const earlier = (name: string) => chain(page).getByRole("button", { name: `Ask ${name} earlier` });
    expect(await earlier("alder").isDisabled()).toBe(true);

    await earlier("cedar").focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => names(page)).toEqual(["alder", "cedar", "birch"]);
    await page.getByText("cedar is number 2 of 3 now.").waitFor({ state: "attached" });
    // The focus goes along, so that the same key moves it on; at the top the other button has it.
    await page.keyboard.press("Enter");
    await expect.poll(() => names(page)).toEqual(["cedar", "alder", "birch"]);
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Ask cedar later");
    await chain(page).getByText("your order").waitFor();
    await ask(page, "This is cedar.");

    await chain(page).getByRole("listitem").filter({ hasText: "birch" }).dragTo(chain(page).getByRole("listitem").filter({ hasText: "cedar" }));
    await expect.poll(() => names(page)).toEqual(["birch", "cedar", "alder"]);
    await ask(page, "This is birch.");
    expect(await findings(page)).toEqual([]);
    await shots(page, "order");

    await server.kill();
    await server.start();
    await page.reload();
    await expect.poll(() => names(page)).toEqual(["birch", "cedar", "alder"]);
    await ask(page, "This is birch.");
    await chain(page).getByRole("button", { name: "As in the settings: Usual" }).click();
    await expect.poll(() => names(page)).toEqual(["alder", "birch", "cedar"]);
    expect(await chain(page).getByText("your order").count()).toBe(0);
    await ask(page, "This is alder.");
    await page.context().close();
  });

  it("goes back when the server refuses it, and says why where it cannot be changed", async () => {
    const page = await surfer.page();
    await page.route("**/*.LlmService/SetChainOrder", (route) => route.fulfill({ status: 500, json: { code: "internal", message: "the disk is full" } }));
    await page.goto(`${server.url}/settings/models`);
    await chain(page).getByRole("button", { name: "Ask alder later" }).click();
    await page.getByText("the disk is full").waitFor();
    await expect.poll(() => names(page)).toEqual(["alder", "birch", "cedar"]);

    const why = "whoever runs it sets the order with llm.chains in the settings";
    const members = [{ backend: "alder" }, { backend: "birch" }];
    await page.route("**/*.LlmService/ListBackends", (route) => route.fulfill({ json: { backends: [{ name: "alder" }], chains: [{ name: "default", members, fixed: why }] } }));
    await page.reload();
    await chain(page).getByText(`The order cannot be changed here: ${why}.`).waitFor();
    expect(await chain(page).getByRole("button").count()).toBe(0);
    expect(await chain(page).getByRole("listitem").first().getAttribute("draggable")).toBe("false");
    expect(await names(page)).toEqual(["alder", "birch"]);
    await page.context().close();
  });

  async function ask(page: Page, answer: string): Promise<void> {
    await page.getByRole("button", { name: "Ask", exact: true }).click();
    await page.getByText(answer, { exact: true }).waitFor();
  }
});

/** Pictures to look at of what is there only with models. */
async function shots(page: Page, name: string): Promise<void> {
  if (!process.env["AERIE_WEB_SHOTS"]) {
    return;
  }
  for (const [width, height] of [[390, 844], [1024, 768], [1600, 1000]] as const) {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `tests/out/${name}-${width}-${colorScheme}.png`, fullPage: true });
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}
