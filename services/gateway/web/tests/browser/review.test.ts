import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { jobOf, pending, Surfer } from "./world";

const url = inject("demo");
const surfer = new Surfer();

beforeAll(() => surfer.open());
afterAll(async () => {
  await surfer.close();
  expect(surfer.complaints.join("\n")).toBe("");
});

describe("the review queue", () => {
  it("keeps search and filters in the address, over a reload and the back button", async () => {
    const page = await surfer.page();
    await page.goto(`${url}/review`);
    await page.getByLabel("Search title, company, text").fill("rust");
    await page.waitForURL(/q=rust/);
    await page.getByRole("button", { name: /^Filters/ }).click();
    await page.getByLabel("Remote", { exact: true }).check();
    await page.getByRole("button", { name: "Show jobs" }).click();
    await page.waitForURL(/where=remote/);
    const wanted = await pending(url, 200, { query: "rust", remoteKinds: ["REMOTE_KIND_REMOTE"] });
    const rows = page.getByRole("list", { name: "Queue" }).getByRole("listitem");
    await expect.poll(async () => rows.first().getAttribute("aria-setsize")).toBe(String(wanted.length));
    await page.reload();
    await expect.poll(async () => rows.first().getAttribute("aria-setsize")).toBe(String(wanted.length));
    expect(await page.getByLabel("Search title, company, text").inputValue()).toBe("rust");
    await page.getByRole("region", { name: "Job", exact: true }).getByRole("heading").getByRole("link").first().click();
    await page.waitForURL(/\/jobs\//);
    await page.goBack();
    await page.waitForURL(/q=rust&where=remote/);
    await page.context().close();
  });

  it("keeps filters under a name, in this browser", async () => {
    const page = await surfer.page();
    await page.goto(`${url}/review?q=engineer&sort=posted`);
    await page.getByRole("button", { name: /^Filters/ }).click();
    await page.getByLabel("Save these filters as").fill("Engineers");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByRole("button", { name: "Show jobs" }).click();
    await page.goto(`${url}/review`);
    await page.getByRole("list", { name: "Saved filters" }).getByRole("link", { name: "Engineers" }).click();
    await page.waitForURL(/q=engineer&sort=posted/);
    expect(await page.getByLabel("Search title, company, text").inputValue()).toBe("engineer");
    await page.context().close();
  });

  it("leaves letters alone when a person wants it so", async () => {
    const page = await surfer.page();
    await page.goto(`${url}/settings/appearance`);
    await page.getByLabel(/^Keys of one letter/).uncheck();
    await page.goto(`${url}/review`);
    const link = page.getByRole("region", { name: "Job", exact: true }).getByRole("heading", { level: 2 }).getByRole("link");
    const first = await link.getAttribute("href");
    await page.keyboard.press("s");
    await page.keyboard.press("ArrowDown");
    const [, second] = await pending(url, 2);
    // The letter did nothing and the arrow went on by one: to the second job and not to the third.
    await expect.poll(() => link.getAttribute("href")).toBe(`/jobs/${second!.id}`);
    expect(first).not.toBe(`/jobs/${second!.id}`);
    await page.context().close();
  });

  it("puts a job back when the server refuses the decision", async () => {
    const page = await surfer.page();
    await page.route("**/*JobsService/ReviewJob", (route) =>
      route.fulfill({ status: 503, contentType: "application/json", body: '{"code":"unavailable","message":"the store does not answer"}' }),
    );
    const [best] = await pending(url, 1);
    await page.goto(`${url}/review`);
    const heading = page.getByRole("region", { name: "Job", exact: true }).getByRole("heading", { level: 2 });
    await expect.poll(() => heading.textContent()).toContain(best!.posting.title);
    await page.keyboard.press("ArrowRight");
    await page.getByRole("alert").getByText("The store does not answer").waitFor();
    const first = page.getByRole("list", { name: "Queue" }).getByRole("listitem").first();
    expect(await first.textContent()).toContain(best!.posting.company);
    expect((await jobOf(url, best!.id)).status).toBe("JOB_STATUS_PENDING");
    await page.context().close();
  });

  it("decides about many at once and takes all of it back", async () => {
    const page = await surfer.page();
    await page.goto(`${url}/review?sort=new`);
    const ids = (await pending(url, 3, { orderBy: "create_time desc" })).map((job) => job.id);
    const boxes = page.getByRole("list", { name: "Queue" }).getByRole("checkbox");
    for (const index of [0, 1, 2]) {
      await boxes.nth(index).check();
    }
    await page.getByRole("button", { name: "Archive 3" }).click();
    await expect.poll(async () => Promise.all(ids.map(async (id) => (await jobOf(url, id)).status))).toEqual(Array(3).fill("JOB_STATUS_ARCHIVED"));
    await page.getByRole("status").getByRole("button", { name: "Undo" }).click();
    await expect.poll(async () => Promise.all(ids.map(async (id) => (await jobOf(url, id)).status))).toEqual(Array(3).fill("JOB_STATUS_PENDING"));
    await page.context().close();
  });

  it("is worked through by keyboard alone", async () => {
    const page = await surfer.page();
    await page.goto(url);
    await page.getByRole("heading", { level: 1 }).waitFor();
    // The first stop skips the navigation.
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to the content");
    await page.keyboard.press("g");
    await page.keyboard.press("r");
    await page.waitForURL(/\/review/);
    const heading = page.getByRole("region", { name: "Job", exact: true }).getByRole("heading", { level: 2 });
    const [first, second, third] = await pending(url, 3);
    await expect.poll(() => heading.getByRole("link").getAttribute("href")).toBe(`/jobs/${first!.id}`);
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("H1");
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => heading.getByRole("link").getAttribute("href")).toBe(`/jobs/${second!.id}`);
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => heading.getByRole("link").getAttribute("href")).toBe(`/jobs/${third!.id}`);
    await expect.poll(async () => (await jobOf(url, second!.id)).status).toBe("JOB_STATUS_REJECTED");
    await page.keyboard.press("z");
    await expect.poll(async () => (await jobOf(url, second!.id)).status).toBe("JOB_STATUS_PENDING");
    expect((await jobOf(url, first!.id)).status).toBe("JOB_STATUS_APPROVED");
    await page.keyboard.press("s");
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog", { name: "Keyboard" }).waitFor({ state: "hidden" });
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/jobs\//);

    await page.keyboard.press("g");
    await page.keyboard.press("b");
    const card = page.locator(`[data-card="${first!.id}"]`);
    await card.waitFor();
    // Arrows walk over the cards until the one is found that was approved above.
    for (let step = 0; step < 40; step += 1) {
      await page.keyboard.press("ArrowDown");
      if (await card.evaluate((element) => element.contains(document.activeElement))) {
        break;
      }
    }
    expect(await card.evaluate((element) => element.contains(document.activeElement))).toBe(true);
    expect(await card.getByRole("link").evaluate((element) => getComputedStyle(element).outlineStyle)).not.toBe("none");
    await page.keyboard.press("m");
    const move = page.getByRole("button", { name: "To Applied" });
    await move.waitFor();
    await move.focus();
    await page.keyboard.press("Enter");
    await expect.poll(async () => (await jobOf(url, first!.id)).status).toBe("JOB_STATUS_APPLIED");
    // The focus goes with the card.
    await expect.poll(() => card.evaluate((element) => element.contains(document.activeElement))).toBe(true);
    await page.context().close();
  });
});
