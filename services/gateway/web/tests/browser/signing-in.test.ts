import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { findings } from "./axe";
import { Surfer } from "./world";

// Signing in itself is tested where an issuer runs, beside the gateway. Here the server's refusals are stood in for: what
// matters is what the app makes of them.
const url = inject("demo");
const surfer = new Surfer();

beforeAll(() => surfer.open());
afterAll(async () => {
  await surfer.close();
  expect(surfer.complaints.join("\n")).toBe("");
});

/** Lets every call be refused, as a server does that does not know who asks. */
async function unknown(page: Page, login: string): Promise<void> {
  const metadata = login ? { sign_in: login } : {};
  const details = [{ type: "google.rpc.ErrorInfo", value: "", debug: { reason: "CREDENTIAL_MISSING", domain: "aerie", metadata } }];
  const refusal = { code: "unauthenticated", message: "nobody is signed in", details };
  await page.route(/\/aerie\.[a-z.0-9]+\.[A-Za-z]+\/[A-Za-z]+/, (route) => route.fulfill({ status: 401, json: refusal }));
}

describe("somebody whom the server does not know", () => {
  it.each(["light", "dark"] as const)("is shown where to sign in, in the %s theme, and comes back to the page that was open", async (colorScheme) => {
    const page = await surfer.page({ colorScheme, viewport: { width: 390, height: 844 } });
    await unknown(page, "/auth/login");
    await page.goto(`${url}/review?q=rust`);
    const link = page.getByRole("link", { name: "Sign in" });
    await link.waitFor();
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("Sign in");
    expect(await link.getAttribute("href")).toBe(`/auth/login?to=${encodeURIComponent("/review?q=rust")}`);
    expect(await findings(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    expect(await page.getByRole("button", { name: "Sign out" }).count()).toBe(0);

    // By keyboard alone; the server's way to the issuer is not there in the demo, its address is what counts.
    let asked = "";
    await page.route("**/auth/login?*", (route) => {
      asked = route.request().url();
      return route.fulfill({ status: 200, contentType: "text/html", body: "<!doctype html><title>issuer</title>" });
    });
    await link.focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => asked).toContain("/auth/login?to=%2Freview%3Fq%3Drust");
    await page.context().close();
  });

  it("is told whom to ask where nobody can sign in, and is never sent to another server", async () => {
    for (const login of ["", "https://evil.example/login", "//evil.example"]) {
      const page = await surfer.page();
      await unknown(page, login);
      await page.goto(`${url}/board`);
      await page.getByText("Ask whoever runs it how to get in.").waitFor();
      expect(await page.getByRole("link", { name: "Sign in" }).count(), login).toBe(0);
      expect(await findings(page)).toEqual([]);
      await page.context().close();
    }
  });

  it("finds nothing that was kept of whoever used the browser before", async () => {
    const page = await surfer.page();
    await page.goto(`${url}/board`);
    await page.getByRole("region", { name: /^To apply,/ }).waitFor();
    const kept = () => page.evaluate(async () => (await caches.has("aerie-answers")) && (await (await caches.open("aerie-answers")).keys()).length > 0);
    await expect.poll(kept).toBe(true);
    await unknown(page, "/auth/login");
    await page.reload();
    await page.getByRole("link", { name: "Sign in" }).waitFor();
    await expect.poll(kept).toBe(false);
    expect(await page.getByRole("region", { name: /^To apply,/ }).count()).toBe(0);
    await page.context().close();
  });
});
