import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SAMPLE_PROFILE } from "../../src/sample/jobs";
import { call, Server, Surfer } from "./world";

const surfer = new Surfer();
const server = new Server("up");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

beforeAll(async () => {
  await Promise.all([surfer.open(), server.start()]);
  await call(server.url, "ProfileService/UpdateProfile", { profile: SAMPLE_PROFILE });
  await call(server.url, "DiscoveryService/ImportJobs", {
    fileName: "jobs.json",
    content: Buffer.from(
      JSON.stringify([1, 2, 3].map((number) => ({ title: `Engineer ${number}`, company: "Larkspur", url: `https://jobs.example.com/${number}`, location: "Berlin" }))),
    ).toString("base64"),
  });
});

afterAll(async () => {
  await surfer.close();
  await server.end();
  expect(surfer.complaints.join("\n")).toBe("");
});

async function findings(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    interface Found {
      violations: { id: string; nodes: { html: string }[] }[];
    }
    const checker = (globalThis as unknown as { axe: { run(options: object): Promise<Found> } }).axe;
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    return (await checker.run({ runOnly: tags })).violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`);
  });
}

const jobs = async () => (await call<{ jobs?: object[] }>(server.url, "JobsService/ListJobs", {})).jobs?.length ?? 0;
const nameOf = async () => (await call<{ profile?: { fullName?: string } }>(server.url, "ProfileService/GetProfile", {})).profile?.fullName;

describe("deleting everything", () => {
  it("shows what goes, wants the words typed, and ends at the first run, by keyboard alone", async () => {
    expect(await jobs()).toBe(3);
    const page = await surfer.page({ viewport: { width: 390, height: 844 } });
    await page.goto(`${server.url}/settings/data`);
    await page.evaluate(() => localStorage.setItem("aerie.test", "1"));
    const section = page.getByRole("region", { name: "Delete everything" });
    const opener = section.getByRole("button", { name: "Delete everything…" });
    await opener.focus();
    await page.keyboard.press("Enter");
    await section.getByRole("row", { name: "Jobs 3" }).waitFor();
    await section.getByRole("row", { name: /^Other entries/ }).waitFor();
    expect(await findings(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);

    // Whoever thinks better of it is back where they were.
    const field = section.getByLabel(/^Type “delete everything [0-9a-f]{4}” to confirm$/);
    expect(await field.evaluate((one) => one === document.activeElement)).toBe(true);
    await section.getByRole("button", { name: "Keep it" }).focus();
    await page.keyboard.press("Enter");
    expect(await opener.evaluate((one) => one === document.activeElement)).toBe(true);
    await page.keyboard.press("Enter");
    await field.waitFor();

    // A backup is one step away.
    await section.getByRole("link", { name: "Make a backup first" }).focus();
    await page.keyboard.press("Enter");
    expect(await page.getByLabel("Passphrase of the backup").evaluate((one) => one === document.activeElement)).toBe(true);

    const words = /“(.*)”/.exec((await section.getByText(/^Type “/).textContent()) ?? "")?.[1] ?? "";
    const confirm = section.getByRole("button", { name: "Delete all of it for good" });
    await field.fill("delete everything");
    expect(await confirm.isDisabled()).toBe(true);
    await page.keyboard.press("Enter");
    expect(await jobs()).toBe(3);
    await field.fill(words);
    await page.keyboard.press("Enter");
    await page.waitForURL(`${server.url}/start`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    expect(await page.evaluate(() => localStorage.getItem("aerie.test"))).toBe(null);
    expect(await jobs()).toBe(0);
    expect(await nameOf()).not.toBe(SAMPLE_PROFILE.fullName);

    // The new person can begin at once, and it holds after a restart.
    await call(server.url, "ProfileService/UpdateProfile", { profile: { fullName: "Nova" }, updateMask: "fullName" });
    await server.kill();
    await server.start();
    expect(await nameOf()).toBe("Nova");
    expect(await jobs()).toBe(0);
    await page.context().close();
  });

  it("says so when the server refuses, and deletes nothing", async () => {
    const page = await surfer.page();
    await page.goto(`${server.url}/settings/data`);
    const section = page.getByRole("region", { name: "Delete everything" });
    await page.route("**/*.DeletionService/DeleteEverything", (route) =>
      route.fulfill({ status: 503, json: { code: "unavailable", message: "the store did not answer in time; try again" } }),
    );
    await section.getByRole("button", { name: "Delete everything…" }).click();
    const words = /“(.*)”/.exec((await section.getByText(/^Type “/).textContent()) ?? "")?.[1] ?? "";
    await section.getByRole("textbox").fill(words);
    await section.getByRole("button", { name: "Delete all of it for good" }).click();
    await section.getByRole("alert").getByText(/store did not answer/).waitFor();
    expect(new URL(page.url()).pathname).toBe("/settings/data");
    expect(await nameOf()).toBe("Nova");
    await page.context().close();
  });
});
