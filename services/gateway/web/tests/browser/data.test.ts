import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SAMPLE_PROFILE } from "../../src/sample/jobs";
import { call, Server, Surfer } from "./world";

const surfer = new Surfer();
const server = new Server("up");
const PASSPHRASE = "sieben Zwölf Äpfel";

beforeAll(async () => {
  await Promise.all([surfer.open(), server.start()]);
  await call(server.url, "ProfileService/UpdateProfile", { profile: SAMPLE_PROFILE });
});

afterAll(async () => {
  await surfer.close();
  await server.end();
  expect(surfer.complaints.join("\n")).toBe("");
});

const nameOf = async () => (await call<{ profile: { fullName?: string } }>(server.url, "ProfileService/GetProfile", {})).profile.fullName;

describe("data", () => {
  it("goes into a file under a passphrase and comes back from it, with the right one and when that is confirmed", async () => {
    const page = await surfer.page();
    await page.goto(`${server.url}/settings/data`);
    const make = page.getByRole("button", { name: "Make a backup" });
    await page.getByLabel("Passphrase of the backup").fill(PASSPHRASE);
    await page.getByLabel("The passphrase again").fill("something else");
    await page.getByText("It differs from the one before.").waitFor();
    expect(await make.isDisabled()).toBe(true);
    await page.getByLabel("The passphrase again").fill(PASSPHRASE);
    const download = page.waitForEvent("download");
    await make.focus();
    await page.keyboard.press("Enter");
    const file = await download;
    expect(file.suggestedFilename()).toMatch(/^aerie-\d{4}-\d\d-\d\d\.aerie$/);
    await page.getByText(/is made \(.*iB\)/).waitFor();
    expect(await page.getByLabel("Passphrase of the backup").inputValue()).toBe("");
    const backup = { name: "mine.aerie", mimeType: "application/octet-stream", buffer: readFileSync(await file.path()) };
    expect(backup.buffer.length).toBeGreaterThan(10_000);
    expect(backup.buffer.includes(SAMPLE_PROFILE.fullName ?? "")).toBe(false);

    const before = await nameOf();
    await call(server.url, "ProfileService/UpdateProfile", { profile: { fullName: "Somebody Else" }, updateMask: "fullName" });
    await page.getByLabel("Choose a backup").setInputFiles(backup);
    await page.getByText(/^mine\.aerie \(/).waitFor();
    await page.getByLabel("Its passphrase").fill("not the passphrase");
    await page.getByRole("checkbox", { name: /^Replace/ }).check();
    const restore = page.getByRole("button", { name: "Restore" });
    expect(await restore.isDisabled()).toBe(true);
    await page.getByLabel("Type “replace” to confirm").fill("replace");
    await restore.click();
    await page.getByRole("region", { name: "Restore" }).getByRole("alert").getByText(/passphrase/).waitFor();
    expect(await nameOf()).toBe("Somebody Else");

    await page.getByLabel("Its passphrase").fill(PASSPHRASE);
    await restore.click();
    await page.getByText(/^Restored: \d+ rows of the backup of /).waitFor();
    expect(await nameOf()).toBe(before);
    await page.getByRole("button", { name: "Look at it" }).click();
    await page.getByRole("heading", { level: 1, name: new RegExp(`^Hello, ${before?.split(" ")[0]}`) }).waitFor();
    await page.context().close();
  });
});

describe("the system", () => {
  it("is shown at the first run and to whoever runs it", async () => {
    const page = await surfer.page();
    await page.goto(`${server.url}/start`);
    const found = page.getByRole("region", { name: "What was found here" });
    await found.getByText(/\d+ processors?/).waitFor();
    await found.getByText(/iB free of .*iB/).first().waitFor();
    await page.goto(`${server.url}/settings/system`);
    await page.getByText(/^Aerie \d+\.\d+\.\d+, started /).waitFor();
    await page.getByRole("row", { name: /aerie\.pipeline\.v1\.JobsService pipeline serving/ }).waitFor();
    await page.getByRole("row", { name: /aerie\.vision\.v1\.VisionService vision · optional/ }).waitFor();

    // Whoever may not see the rest sees what anybody may, and why.
    const refusal = { code: "permission_denied", message: "only operators see how the installation is" };
    await page.route("**/*.SystemService/GetSystem", (route) => route.fulfill({ status: 403, json: refusal }));
    await page.reload();
    await page.getByText("Only operators see how the installation is.").waitFor();
    await page.getByRole("row", { name: /JobsService serving/ }).waitFor();
    expect(await page.getByRole("heading", { name: "This machine" }).count()).toBe(0);
    await page.context().close();
  });
});
