import { mkdirSync } from "node:fs";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { findings } from "./axe";
import { CLIENT, freePort, Issuer, SECRET } from "./issuer";
import { Server, Surfer } from "./world";

// Everything of it is real: an issuer, the way there and back with PKCE, the session, keys.
const surfer = new Surfer();
const issuer = new Issuer();
let server: Server;

beforeAll(async () => {
  const address = `http://127.0.0.1:${await freePort()}`;
  await issuer.start(`${address}/auth/callback`);
  const sign = { issuer: issuer.url, client_id: CLIENT, client_secret: SECRET };
  server = new Server("up", {
    AERIE__ACCOUNTS__MODE: "tokens",
    AERIE__ACCOUNTS__PUBLIC_ADDRESSES: address,
    AERIE__ACCOUNTS__ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: "aerie", jwks_url: `${issuer.url}/keys` }]),
    ...Object.fromEntries(Object.entries(sign).map(([name, value]) => [`AERIE__ACCOUNTS__SIGN_IN__${name.toUpperCase()}`, value])),
  });
  server.url = address;
  await Promise.all([surfer.open(), server.start()]);
});

afterAll(async () => {
  await surfer.close();
  await server.end();
  issuer.stop();
  expect(surfer.complaints.join("\n")).toBe("");
});

/** Signs whoever sits at the browser in, and comes to a page of the app. */
async function signIn(context: BrowserContext, path: string): Promise<Page> {
  const page = surfer.watch(await context.newPage());
  await page.goto(`${server.url}${path}`);
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.waitForURL(`${server.url}${path}`);
  return page;
}

/** A call as a program makes it, with a key. */
async function asProgram(key: string, path: string, request: object = {}): Promise<number> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${key}` };
  return (await fetch(`${server.url}/${path}`, { method: "POST", headers, body: JSON.stringify(request) })).status;
}

const JOBS = "aerie.pipeline.v1.JobsService/CountJobs";
const PROFILE = "aerie.pipeline.v1.ProfileService/UpdateProfile";

describe("somebody with an account", () => {
  it("signs in at the issuer, comes back to the page that was open, works there, and signs out", async () => {
    issuer.seat("ada", "Ada");
    const context = await surfer.context();
    const page = surfer.watch(await context.newPage());
    const asked: URL[] = [];
    page.on("request", (request) => asked.push(new URL(request.url())));
    await page.goto(`${server.url}/settings/searches`);
    await page.getByRole("link", { name: "Sign in" }).click();
    await page.waitForURL(`${server.url}/settings/searches`);
    await page.getByRole("button", { name: "Sign out" }).waitFor();
    const away = asked.find((url) => url.origin === issuer.url && url.pathname === "/authorize")!;
    expect(away.searchParams.get("code_challenge_method")).toBe("S256");
    expect(away.searchParams.get("code_challenge")).toMatch(/^[\w-]{43}$/);
    // What came back with the code is not left in the address, and scripts see only the token against forgery.
    expect(page.url()).not.toContain("code=");
    // Asked for without an address: with one, those that are kept to secure origins are left out, which this is as well.
    const cookies = (await context.cookies()).filter((one) => one.domain === "127.0.0.1" && one.name.startsWith("__Host-aerie"));
    expect(cookies.filter((one) => !one.httpOnly).map((one) => one.name)).toEqual(["__Host-aerie-csrf"]);
    expect(await page.evaluate(() => document.cookie.split("=")[0])).toBe("__Host-aerie-csrf");
    expect(cookies.every((one) => one.secure && one.sameSite === "Lax")).toBe(true);

    // A change with the token is made; the same request without it is refused although the cookies are there.
    await page.goto(`${server.url}/settings/appearance`);
    const change = (withToken: boolean) =>
      page.evaluate(
        async ([path, isProven]) => {
          const token = document.cookie.split("; ").find((one) => one.startsWith("__Host-aerie-csrf="))?.split("=")[1] ?? "";
          const proof: Record<string, string> = isProven ? { "x-csrf-token": token } : {};
          const body = JSON.stringify({ profile: { fullName: "Ada Example" }, updateMask: "fullName" });
          return (await fetch(`/${path}`, { method: "POST", headers: { "content-type": "application/json", ...proof }, body })).status;
        },
        [PROFILE, withToken] as const,
      );
    expect([await change(false), await change(true)]).toEqual([403, 200]);

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("link", { name: "Sign in" }).waitFor();
    expect((await context.cookies()).filter((one) => one.name.startsWith("__Host-aerie"))).toEqual([]);
    await page.goto(`${server.url}/board`);
    await page.getByRole("link", { name: "Sign in" }).waitFor();
    await context.close();
  });

  it("makes a key for a program, sees it once, and revokes it", async () => {
    issuer.seat("ada", "Ada");
    const context = await surfer.context();
    const page = await signIn(context, "/settings/access");
    await page.getByText("You are signed in as Ada.").waitFor();
    await page.getByText("There is no key.").waitFor();
    await page.getByRole("textbox", { name: "Name" }).fill("My script");
    await page.getByRole("button", { name: "Make a key" }).click();
    const field = page.getByRole("textbox", { name: "The key" });
    await field.waitFor();
    const key = await field.inputValue();
    expect(await findings(page)).toEqual([]);
    expect(await asProgram(key, JOBS)).toBe(200);
    expect(await asProgram(key, PROFILE, { profile: { fullName: "x" }, updateMask: "fullName" }), "it may only read").toBe(403);
    await page.getByRole("button", { name: "I have it" }).click();
    await field.waitFor({ state: "detached" });
    await page.reload();
    await page.getByText("My script", { exact: true }).waitFor();
    expect(await page.content()).not.toContain(key);

    page.once("dialog", (dialog) => void dialog.accept());
    await page.getByRole("button", { name: "Revoke My script" }).click();
    await page.getByText("revoked", { exact: true }).waitFor();
    expect(await page.getByRole("button", { name: "Revoke My script" }).count()).toBe(0);
    expect(await asProgram(key, JOBS)).toBe(401);
    await context.close();
  });

  it("sees the browsers in which they are signed in, ends another one, and nothing of anybody else", async () => {
    issuer.seat("ada", "Ada");
    const [first, second, other] = [await surfer.context({ userAgent: "First browser" }), await surfer.context({ userAgent: "Second browser" }), await surfer.context()];
    const page = await signIn(first, "/settings/access");
    const away = await signIn(second, "/settings/appearance");
    issuer.seat("ben", "Ben");
    const bens = await signIn(other, "/settings/access");
    await bens.getByText("You are signed in as Ben.").waitFor();
    await bens.getByText("There is no key.").waitFor();
    expect(await bens.getByText("Second browser").count()).toBe(0);

    await page.reload();
    await page.getByRole("button", { name: "Sign out there: Second browser" }).click();
    await page.getByRole("button", { name: "Sign out there: Second browser" }).waitFor({ state: "detached" });
    await away.goto(`${server.url}/board`);
    await away.getByRole("link", { name: "Sign in" }).waitFor();
    expect(await page.getByText("this one").count()).toBe(1);
    await Promise.all([first, second, other].map((context) => context.close()));
  });

  it.each(["light", "dark", "contrast"] as const)("finds the page of keys without a fault in the %s theme, on a phone as well", async (theme) => {
    issuer.seat("ada", "Ada");
    const context = await surfer.context({
      colorScheme: theme === "dark" ? "dark" : "light",
      contrast: theme === "contrast" ? "more" : "no-preference",
      viewport: { width: 390, height: 844 },
    });
    const page = await signIn(context, "/settings/access");
    await page.getByText("My script", { exact: true }).waitFor();
    await expect.poll(() => page.locator(".loading, [aria-busy=true]").count()).toBe(0);
    expect(await findings(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    if (process.env["AERIE_WEB_SHOTS"] && theme !== "contrast") {
      mkdirSync("tests/out", { recursive: true });
      for (const width of [390, 1024, 1600]) {
        await page.setViewportSize({ width, height: 900 });
        await page.screenshot({ path: `tests/out/access-${width}-${theme}.png`, fullPage: true });
      }
    }
    await context.close();
  });

  it("is told that whoever runs the installation sets the order of models", async () => {
    issuer.seat("ada", "Ada");
    const context = await surfer.context();
    const page = await signIn(context, "/settings/models");
    await page.getByText(/^The order cannot be changed here: several people use this installation/).first().waitFor();
    await context.close();
  });

  it("deletes everything of theirs: every browser of theirs is signed out, nobody else's, and signing in again begins anew", async () => {
    issuer.seat("cleo", "Cleo");
    const [first, second, other] = [await surfer.context(), await surfer.context(), await surfer.context()];
    const page = await signIn(first, "/settings/data");
    const away = await signIn(second, "/settings/appearance");
    issuer.seat("ben", "Ben");
    const bens = await signIn(other, "/settings/access");

    const section = page.getByRole("region", { name: "Delete everything" });
    await section.getByRole("button", { name: "Delete everything…" }).click();
    const label = await section.getByText(/^Type “delete everything [0-9a-f]{4}” to confirm$/).textContent();
    await section.getByLabel(/^Type “delete everything/).fill(/“(.+)”/.exec(label ?? "")?.[1] ?? "");
    await section.getByRole("button", { name: "Delete all of it for good" }).click();
    await page.waitForURL(`${server.url}/`);
    await page.getByRole("link", { name: "Sign in" }).waitFor();

    await away.goto(`${server.url}/board`);
    await away.getByRole("link", { name: "Sign in" }).waitFor();
    await bens.reload();
    await bens.getByText("You are signed in as Ben.").waitFor();

    // Tokens tell whole seconds, and one of the second in which all was deleted is refused like an older one.
    issuer.seat("cleo", "Cleo");
    await vi.waitFor(async () => {
      await page.goto(server.url);
      const again = page.getByRole("link", { name: "Sign in" });
      const welcome = page.getByText("Your data lies encrypted");
      await again.or(welcome).first().waitFor();
      if (await again.isVisible()) {
        await again.click();
      }
      await welcome.waitFor({ timeout: 2000 });
    }, 20_000);
    await Promise.all([first, second, other].map((context) => context.close()));
  });
});
