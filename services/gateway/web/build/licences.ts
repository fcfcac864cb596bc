import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

/** Writes `licences.txt`: the licences of everything of others that the app holds. */
export function licences(): Plugin {
  return {
    name: "aerie-licences",
    apply: "build",
    generateBundle() {
      const folders = new Map<string, string>();
      for (const id of this.getModuleIds()) {
        const found = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(id.replaceAll("\\", "/").replace(/^\0/, ""));
        if (found?.[1]) {
          folders.set(found[1], found[0]);
        }
      }
      const texts = [...folders].sort().map(([name, folder]) => {
        const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
        if (!file || !existsSync(join(folder, file))) {
          this.error(`${name} comes without its licence`);
        }
        const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
        return `${name} ${version}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
      });
      this.emitFile({ type: "asset", fileName: "licences.txt", source: texts.join(`\n${"-".repeat(72)}\n\n`) });
    },
  };
}
