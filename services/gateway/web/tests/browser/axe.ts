import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

interface Finding {
  id: string;
  nodes: { html: string; failureSummary: string }[];
}

/** What axe finds on a page as it is now. */
export async function findings(page: Page): Promise<string[]> {
  // As a function's text, since the page's own policy runs no script that is put into it.
  await page.evaluate(axe);
  const found = await page.evaluate(async (runOnly) => {
    const checker = (globalThis as unknown as { axe: { run(options: object): Promise<{ violations: Finding[] }> } }).axe;
    return (await checker.run({ runOnly })).violations;
  }, TAGS);
  return found.map((one) => `${one.id}: ${one.nodes.map((node) => `${node.html.slice(0, 160)} (${node.failureSummary})`).join(" | ")}`);
}
