import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

/** Empties the output folder before a build, but keeps the file that keeps the folder in the repository. */
export function swept(): Plugin {
  let folder = "dist";
  return {
    name: "aerie-swept",
    apply: "build",
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    buildStart() {
      for (const name of readdirSync(folder)) {
        if (name !== ".gitignore") {
          rmSync(join(folder, name), { recursive: true });
        }
      }
    },
  };
}
