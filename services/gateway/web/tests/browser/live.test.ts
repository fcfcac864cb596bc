import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { sampleFile, SAMPLE_PROFILE } from "../../src/sample/jobs";
import { call, jobOf, pending, Server, Surfer } from "./world";

const demo = inject("demo");
const surfer = new Surfer();
const server = new Server("up");

beforeAll(async () => {
  await Promise.all([surfer.open(), server.start()]);
});

afterAll(async () => {
  await surfer.close();
  await server.end();
  expect(surfer.complaints.join("\n")).toBe("");
});

describe("live", () => {
  it("keeps two tabs in step", async () => {
    const context = await surfer.context();
    const [reviewing, looking] = [surfer.watch(await context.newPage()), surfer.watch(await context.newPage())];
    await looking.goto(`${demo}/board`);
    await looking.getByRole("region", { name: /^To apply,/ }).waitFor();
    await reviewing.goto(`${demo}/review`);
    const [best] = await pending(demo, 1);
    const heading = reviewing.getByRole("region", { name: "Job", exact: true }).getByRole("heading", { level: 2 });
    await expect.poll(() => heading.getByRole("link").getAttribute("href")).toBe(`/jobs/${best!.id}`);
    await reviewing.keyboard.press("ArrowRight");
    await looking.getByRole("region", { name: /^To apply,/ }).locator(`[data-card="${best!.id}"]`).waitFor();
    // The first tab had the connection; the other one takes over when it is closed.
    await looking.close();
    const [next] = await pending(demo, 1);
    await expect.poll(() => heading.getByRole("link").getAttribute("href")).toBe(`/jobs/${next!.id}`);
    await call(demo, "JobsService/ReviewJob", { jobId: next!.id, decision: "REVIEW_DECISION_APPROVE" });
    await expect.poll(() => heading.getByRole("link").getAttribute("href")).not.toBe(`/jobs/${next!.id}`);
    await context.close();
  });

  it("shows a run's progress, and its task in the drawer with a log", async () => {
    const page = await surfer.page();
    await page.goto(demo);
    await page.getByRole("button", { name: "Find jobs now" }).click();
    await page.getByText(/Last run (just now|\d+ (second|minute)s? ago) · completed/).waitFor();
    await page.keyboard.press("t");
    const drawer = page.getByRole("complementary", { name: "Tasks" });
    await drawer.getByRole("button", { name: "Discovery" }).first().click();
    await drawer.getByRole("list", { name: "Log" }).getByRole("listitem").first().waitFor();
    await page.keyboard.press("Escape");
    await expect.poll(() => drawer.getByRole("button").count()).toBe(0);
    await page.context().close();
  });

  it("begins with a welcome, and looks around with sample data", async () => {
    const page = await surfer.page();
    await page.goto(server.url);
    await page.waitForURL(/\/start/);
    await page.getByText("Language model").first().waitFor();
    await page.getByRole("button", { name: "Begin" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("Grace Example");
    await page.getByRole("textbox", { name: "Skills" }).fill("Rust, Linux,");
    await page.getByRole("button", { name: "Save and go on" }).click();
    await page.waitForURL(/\/start\/search/);
    // Left and come back to: what was saved is there.
    await page.goto(`${server.url}/start/you`);
    await expect.poll(() => page.getByRole("textbox", { name: "Name" }).inputValue()).toBe("Grace Example");
    await page.goto(`${server.url}/start`);
    await page.getByRole("button", { name: "Look around with sample data" }).click();
    await page.waitForURL(/\/review/);
    await page.getByRole("list", { name: "Queue" }).getByRole("listitem").nth(9).waitFor();
    expect((await pending(server.url, 50)).length).toBe(12);
    await page.context().close();
  });

  it("works again by itself after the server was killed, and has missed nothing", async () => {
    await call(server.url, "ProfileService/UpdateProfile", { profile: SAMPLE_PROFILE });
    const content = Buffer.from(sampleFile(new Date())).toString("base64");
    await call(server.url, "DiscoveryService/ImportJobs", { fileName: "sample.json", content });
    const page = await surfer.page();
    await page.goto(`${server.url}/board`);
    const [job, other] = await pending(server.url, 2);
    await call(server.url, "JobsService/ReviewJob", { jobId: job!.id, decision: "REVIEW_DECISION_APPROVE" });
    const column = page.getByRole("region", { name: /^To apply,/ });
    await column.locator(`[data-card="${job!.id}"]`).waitFor();
    await page.evaluate(() => ((globalThis as { stays?: boolean }).stays = true));
    await server.kill();
    await page.getByText(/The server cannot be reached/).waitFor();
    await server.start();
    // Done before the page is back, so that it can only know of it from the replay.
    await call(server.url, "JobsService/ReviewJob", { jobId: other!.id, decision: "REVIEW_DECISION_APPROVE" });
    await column.locator(`[data-card="${other!.id}"]`).waitFor();
    await page.getByText(/The server cannot be reached/).waitFor({ state: "hidden" });
    expect(await page.evaluate(() => (globalThis as { stays?: boolean }).stays)).toBe(true);
    await page.context().close();
  });

  it("opens without the server, with what was shown last", async () => {
    const page = await surfer.page({ serviceWorkers: "allow" });
    await page.goto(`${server.url}/board`);
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.reload();
    const cards = page.locator("[data-card]");
    await cards.first().waitFor();
    const count = await cards.count();
    await server.kill();
    await page.reload();
    await cards.first().waitFor();
    expect(await cards.count()).toBe(count);
    await page.getByText(/The server cannot be reached/).waitFor();
    await server.start();
    await page.getByText(/The server cannot be reached/).waitFor({ state: "hidden" });
    await page.context().close();
  });

  it("shows a hostile posting and runs nothing of it", async () => {
    const { HOSTILE } = await import("../hostile");
    const hostile = {
      "@context": "https://schema.org",
      "@type": "JobPosting",
      title: "Engineer <img src=x onerror='window.hacked=1'>",
      url: "https://hostile.example/1",
      hiringOrganization: { "@type": "Organization", name: "<script>window.hacked=1</script>Evil" },
      description: HOSTILE.join("\n"),
    };
    const content = Buffer.from(JSON.stringify([hostile])).toString("base64");
    const imported = await call<{ jobIds: string[] }>(server.url, "DiscoveryService/ImportJobs", { fileName: "hostile.json", content });
    const id = imported.jobIds[0]!;
    // Not watched: what the policy refuses while the text is read is told on the console. It must refuse all of it.
    const page = await (await surfer.context()).newPage();
    const said: string[] = [];
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => surfer.complaints.push(error.message));
    // The server cleans first; the page must hold without it. So it is given the posting as the attacker wrote it.
    const raw = await jobOf(server.url, id);
    const GROUP = 5;
    for (let first = 0; first < HOSTILE.length; first += GROUP) {
      const descriptionHtml = `<p>From ${first}</p>${HOSTILE.slice(first, first + GROUP).join("\n")}`;
      const posting = { ...raw.posting, url: "javascript:window.hacked=1", descriptionHtml };
      await page.route("**/*JobsService/GetJob", (route) => route.fulfill({ json: { job: { ...raw, posting } } }));
      await page.goto(`${server.url}/jobs/${id}`);
      await page.getByText(`From ${first}`, { exact: true }).waitFor();
      for (const link of await page.locator("article a[target=_blank]").all()) {
        expect(await link.getAttribute("href")).toMatch(/^(https?:|mailto:)/);
      }
      expect(await page.evaluate(() => (globalThis as { hacked?: number }).hacked)).toBeUndefined();
      const forbidden = "article .text :is(script, style, iframe, img, form, object, embed, math, dialog, [onclick], [style*=fixed], [style*=evil])";
      expect(await page.locator(forbidden).count()).toBe(0);
      await page.unroute("**/*JobsService/GetJob");
    }
    expect(said.filter((text) => !/has been blocked|blocked by Playwright|Failed to load resource/.test(text)).join("\n")).toBe("");
    await page.context().close();
  });
});
