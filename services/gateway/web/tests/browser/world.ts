import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from "playwright-core";

const START_LIMIT = 100_000;

function binary(): string {
  const named = process.env["AERIE_TEST_BINARY"];
  if (!named || !existsSync(named)) {
    throw new Error("AERIE_TEST_BINARY names no program; run the tests with: cargo xtask test");
  }
  return named;
}

function chromiumPath(): string {
  const found = [process.env["AERIE_TEST_CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
    (path) => path && existsSync(path),
  );
  if (!found) {
    throw new Error("Chromium is missing; on Debian: apt-get install chromium, or set AERIE_TEST_CHROMIUM");
  }
  return found;
}

/** A running `aerie`. */
export class Server {
  #child: ChildProcess | undefined;
  /** Where it listens, or is to listen. */
  url = "";

  constructor(
    readonly command: "demo" | "up",
    /** Settings beside those of every test, as variables. */
    readonly settings: Record<string, string> = {},
    readonly home = mkdtempSync(join(tmpdir(), "aerie-web-")),
  ) {}

  /** Starts it, the second time on the port that it had. */
  async start(): Promise<void> {
    const port = this.url ? new URL(this.url).port : "0";
    const folder = join(this.home, "data");
    const where = this.command === "demo" ? ["--home", folder] : ["--data-dir", folder];
    // Nothing of the machine that the tests run on is asked, and nothing outside it.
    const environment = { ...process.env, HOME: this.home, XDG_CONFIG_HOME: this.home, XDG_CACHE_HOME: this.home, AERIE__LLM__DETECT: "false", ...this.settings };
    const child = spawn(binary(), [this.command, "--port", port, ...where], { env: environment, stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    const said: string[] = [];
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`aerie did not start:\n${said.join("\n")}`)), START_LIMIT);
      const listen = (line: string) => {
        said.push(line);
        const found = /^Aerie listens on (\S+)/.exec(line);
        if (found?.[1]) {
          clearTimeout(timer);
          this.url = found[1];
          resolve();
        }
      };
      child.on("exit", (code) => reject(new Error(`aerie ended with ${code}:\n${said.join("\n")}`)));
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on("line", listen);
      }
    });
    if (this.command === "up" && port !== "0" && new URL(this.url).port !== port) {
      throw new Error(`port ${port} was taken by somebody else`);
    }
  }

  /** Ends it at once, as a crash does. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child && child.exitCode === null) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    }
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Makes a call as another program would. */
export async function call<T = Record<string, unknown>>(url: string, path: string, request: object): Promise<T> {
  const response = await fetch(`${url}/aerie.pipeline.v1.${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`${path}: ${response.status} ${text}`);
  }
  return JSON.parse(text) as T;
}

export interface WireJob {
  id: string;
  status: string;
  notes?: string;
  posting: { title: string; company: string };
}

export async function pending(url: string, count: number, more: object = {}): Promise<WireJob[]> {
  const answer = await call<{ jobs?: WireJob[] }>(url, "JobsService/ListJobs", { statuses: ["JOB_STATUS_PENDING"], pageSize: count, ...more });
  return answer.jobs ?? [];
}

export async function jobOf(url: string, id: string): Promise<WireJob> {
  return (await call<{ job: WireJob }>(url, "JobsService/GetJob", { jobId: id })).job;
}

/** A browser whose pages must not complain: errors on their consoles and breaches of the policy fail the test. */
export class Surfer {
  #browser: Browser | undefined;
  readonly complaints: string[] = [];

  async open(): Promise<void> {
    this.#browser = await chromium.launch({ executablePath: chromiumPath(), args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  }

  async context(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    if (!this.#browser) {
      throw new Error("the browser is not open");
    }
    // With a service worker between them, tests could not stand in for the server's answers.
    return this.#browser.newContext({ viewport: { width: 1280, height: 800 }, serviceWorkers: "block", ...options });
  }

  async page(options: BrowserContextOptions = {}): Promise<Page> {
    return this.watch(await (await this.context(options)).newPage());
  }

  watch(page: Page): Page {
    page.on("pageerror", (error) => this.complaints.push(`${page.url()}: ${error.message}`));
    page.on("console", (message) => {
      // What the server refuses is for the page to say, and tests check that it does.
      if (message.type() === "error" && !/^Failed to load resource|net::ERR_/.test(message.text())) {
        this.complaints.push(`${page.url()}: ${message.text()}`);
      }
    });
    return page;
  }

  async close(): Promise<void> {
    await this.#browser?.close();
  }
}
