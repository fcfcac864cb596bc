import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { offline } from "./build/offline";
import { licences } from "./build/licences";
import { packed } from "./build/packed";
import { swept } from "./build/swept";

export default defineConfig({
  plugins: [swept(), svelte(), licences(), offline(), packed()],
  worker: { format: "es" },
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: false,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
});
