import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const TEXT = /\.(html|js|css|svg|webmanifest|json|txt)$/;

/** Writes a gzip form beside every text file, so that the server compresses nothing. */
export function packed(): Plugin {
  let folder = "dist";
  return {
    name: "aerie-packed",
    apply: "build",
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    closeBundle() {
      for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
        if (entry.isFile() && TEXT.test(entry.name)) {
          // Older versions of Node name the parent folder `path`, newer ones `parentPath`.
          const path = join(entry.parentPath ?? entry.path, entry.name);
          writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
        }
      }
    },
  };
}
