import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [svelte()],
  // The browser's form of Svelte, not the server's.
  resolve: { conditions: ["browser"] },
  test: {
    include: ["tests/unit/**/*.test.ts"],
    environment: "jsdom",
    reporters: ["default", "json"],
    outputFile: { json: "tests/out/unit.json" },
  },
});
