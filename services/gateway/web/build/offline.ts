import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { transformWithEsbuild, type Plugin, type Rollup } from "vite";

/** Bytes from which a file is not kept before it is used. */
const LARGE = 200_000;

function sizeOf(file: Rollup.OutputAsset | Rollup.OutputChunk | undefined): number {
  return (file?.type === "asset" ? file.source : (file?.code ?? "")).length;
}

/** Writes `sw.js`: the worker of `src/worker.ts` with the list of files that it keeps for use without the server. */
export function offline(): Plugin {
  let root = ".";
  return {
    name: "aerie-offline",
    apply: "build",
    configResolved(config) {
      root = config.root;
    },
    async generateBundle(_, bundle) {
      // Fonts are kept when they were used: most of them are for alphabets that this person never reads. So is what reads
      // PDF, which is larger than all the rest.
      const built = Object.keys(bundle).filter((name) => !/\.(woff2|txt)$/.test(name) && name !== "index.html" && sizeOf(bundle[name]) < LARGE);
      const fixed = readdirSync(join(root, "public"));
      const files = ["/", ...[...built, ...fixed].map((name) => `/${name}`)].sort();
      const digest = createHash("sha256");
      for (const name of Object.keys(bundle).sort()) {
        const file = bundle[name];
        digest.update(name).update(file?.type === "asset" ? file.source : (file?.code ?? ""));
      }
      const source = readFileSync(join(root, "src/worker.ts"), "utf8");
      const { code } = await transformWithEsbuild(source, "worker.ts", {
        minify: true,
        target: "es2022",
        define: {
          BUILD: JSON.stringify(digest.digest("hex").slice(0, 16)),
          FILES: JSON.stringify(files),
        },
      });
      this.emitFile({ type: "asset", fileName: "sw.js", source: code });
    },
  };
}
