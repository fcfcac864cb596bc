// Measures the web app in a browser against its budgets. Run by `cargo xtask bench web`, which builds the server first.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const JOBS = Number(process.argv[2] ?? 10_000);
const PER_FILE = 1_000;
const EVENTS = 1_000;
const KEYS = 60;
const binary = process.env.AERIE_TEST_BINARY;
const browserPath = [process.env.AERIE_TEST_CHROMIUM, "/usr/bin/chromium", "/usr/bin/google-chrome"].find((path) => path && existsSync(path));
if (!binary || !browserPath) {
  throw new Error("run this with: cargo xtask bench web");
}

const home = mkdtempSync(join(tmpdir(), "aerie-web-bench-"));
const server = spawn(binary, ["up", "--port", "0", "--data-dir", join(home, "data")], {
  env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, AERIE__LLM__DETECT: "false", AERIE__LIMITS__REQUESTS_PER_SECOND: "100000" },
  stdio: ["ignore", "pipe", "inherit"],
});
const url = await new Promise((resolve, reject) => {
  server.on("exit", (code) => reject(new Error(`aerie ended with ${code}`)));
  createInterface({ input: server.stdout }).on("line", (line) => {
    const found = /^Aerie listens on (\S+)/.exec(line);
    if (found) {
      resolve(found[1]);
    }
  });
});

async function call(path, request) {
  const response = await fetch(`${url}/aerie.pipeline.v1.${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  if (!response.ok) {
    throw new Error(`${path}: ${response.status} ${await response.text()}`);
  }
  return response.json();
}

const words = ["storage", "payments", "routing", "search", "billing", "maps", "sensors", "identity", "media", "energy", "harbour", "clinic"];
const roles = ["Backend Engineer", "Rust Engineer", "Platform Engineer", "Data Engineer", "Web Developer", "Reliability Engineer"];

function posting(index) {
  const pick = (list, salt) => list[(index * 7 + salt * 13) % list.length];
  const text = Array.from({ length: 40 }, (_, at) => `${pick(words, at)} ${index * 31 + at}`).join(" ");
  return {
    title: `${pick(roles, 1)}, ${pick(words, 2)} ${index}`,
    company: `Company ${index % 997}`,
    url: `https://company-${index % 997}.example/jobs/${index}`,
    location: "Berlin, Germany",
    description: `<p>We work on ${pick(words, 3)}.</p><p>You know Rust, PostgreSQL and Linux. ${text}</p>`,
  };
}

const median = (list) => [...list].sort((one, other) => one - other)[Math.floor(list.length / 2)];
const share = (list, part) => [...list].sort((one, other) => one - other)[Math.min(list.length - 1, Math.floor(list.length * part))];
const results = [];

function result(what, value, limit, unit) {
  const isMet = value <= limit;
  results.push(isMet);
  console.log(`${isMet ? "met " : "OVER"}  ${what.padEnd(62)} ${value.toFixed(1).padStart(8)} ${unit}  (limit ${limit} ${unit})`);
}

const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
try {
  await call("ProfileService/UpdateProfile", { profile: { fullName: "Ada Example", skills: ["Rust", "PostgreSQL", "Linux"], places: ["Berlin"] } });
  const began = Date.now();
  for (let first = 0; first < JOBS; first += PER_FILE) {
    const rows = Array.from({ length: Math.min(PER_FILE, JOBS - first) }, (_, at) => posting(first + at));
    await call("DiscoveryService/ImportJobs", { fileName: "bench.json", content: Buffer.from(JSON.stringify(rows)).toString("base64") });
  }
  const { total } = await call("JobsService/CountJobs", {});
  console.log(`${total} jobs imported in ${((Date.now() - began) / 1000).toFixed(1)} s\n`);

  await firstVisit();
  await keys(total);
  await memory();
} finally {
  await browser.close();
  server.kill("SIGKILL");
  rmSync(home, { recursive: true, force: true });
}
process.exit(results.every(Boolean) ? 0 : 1);

/** What the first page loads, and when it shows something, on a slower machine over a slow network. */
async function firstVisit() {
  const paints = [];
  let bytes = 0;
  for (let time = 0; time < 5; time += 1) {
    const context = await browser.newContext({ viewport: { width: 1366, height: 768 }, serviceWorkers: "block" });
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    await cdp.send("Network.enable");
    await cdp.send("Network.emulateNetworkConditions", { offline: false, latency: 40, downloadThroughput: 1_250_000, uploadThroughput: 1_250_000 });
    await cdp.send("Emulation.setCPUThrottlingRate", { rate: 2 });
    await page.goto(url);
    await page.getByRole("heading", { level: 1 }).waitFor();
    paints.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime));
    bytes = await page.evaluate(() =>
      performance.getEntriesByType("resource").filter((one) => one.name.endsWith(".js")).reduce((sum, one) => sum + one.encodedBodySize, 0),
    );
    await context.close();
  }
  result("JavaScript of the first page, gzip", bytes / 1024, 90, "kB");
  result("first contentful paint, half the CPU, 10 Mbit/s and 40 ms", median(paints), 1_000, "ms");
}

/** From a key to the next card on the screen, with the whole queue loaded. */
async function keys(total) {
  const page = await (await browser.newContext({ viewport: { width: 1366, height: 768 } })).newPage();
  await page.goto(`${url}/review`);
  const list = page.getByRole("list", { name: "Queue" });
  await list.getByRole("listitem").first().waitFor();
  // Scrolling to the end again and again loads page after page.
  await page.waitForFunction((wanted) => {
    const view = document.querySelector(".viewport");
    view.scrollTop = view.scrollHeight;
    return Number([...document.querySelectorAll("[aria-posinset]")].at(-1)?.getAttribute("aria-posinset")) >= wanted;
  }, total, { timeout: 300_000, polling: 30 });
  const frames = await page.evaluate(async () => {
    const view = document.querySelector(".viewport");
    const times = [];
    let before = performance.now();
    for (let at = 0; at < 120; at += 1) {
      view.scrollTop = (view.scrollHeight / 120) * at;
      await new Promise((resolve) => requestAnimationFrame(resolve));
      times.push(performance.now() - before);
      before = performance.now();
    }
    view.scrollTop = 0;
    return times;
  });
  result(`frame while scrolling through ${total} rows, 95 of 100`, share(frames, 0.95), 34, "ms");
  await page.evaluate(() => {
    window.taken = [];
    addEventListener("keydown", (event) => {
      const began = event.timeStamp;
      const before = document.querySelector(".detail h2 a").getAttribute("href");
      const look = () => {
        if (document.querySelector(".detail h2 a").getAttribute("href") === before) {
          requestAnimationFrame(look);
        } else {
          // Behind the frame that shows it.
          requestAnimationFrame(() => setTimeout(() => window.taken.push(performance.now() - began)));
        }
      };
      queueMicrotask(look);
    }, true);
  });
  for (let time = 0; time < KEYS; time += 1) {
    await page.keyboard.press(["ArrowRight", "ArrowLeft", "s"][time % 3]);
    await page.waitForFunction((wanted) => window.taken.length === wanted, time + 1);
  }
  const taken = await page.evaluate(() => window.taken);
  result(`key to the next card, ${total} jobs loaded, median`, median(taken), 50, "ms");
  result(`key to the next card, ${total} jobs loaded, 95 of 100`, share(taken, 0.95), 100, "ms");
  await page.context().close();
}

/** Memory before and after many events, each of which makes a page read again what it shows. */
async function memory() {
  const context = await browser.newContext({ viewport: { width: 1366, height: 768 } });
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  const heap = async () => {
    await cdp.send("HeapProfiler.collectGarbage");
    return (await cdp.send("Runtime.getHeapUsage")).usedSize / (1 << 20);
  };
  const [job] = (await call("JobsService/ListJobs", { statuses: ["JOB_STATUS_PENDING"], pageSize: 1 })).jobs;
  await page.goto(`${url}/jobs/${job.id}/course`);
  await page.getByRole("heading", { name: "Reminders" }).waitFor();
  const fire = async (count) => {
    let reminder = { jobId: job.id, text: "again", dueTime: new Date().toISOString() };
    for (let time = 0; time < count; time += 1) {
      reminder = (await call("InterviewsService/SaveReminder", { reminder: { ...reminder, text: `again ${time}` } })).reminder;
    }
    await page.getByText(`again ${count - 1}`, { exact: true }).first().waitFor();
  };
  await fire(100);
  const before = await heap();
  await fire(EVENTS);
  result(`memory after ${EVENTS} events, more than before`, (await heap()) - before, 1, "MiB");
  await context.close();
}
