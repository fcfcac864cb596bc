import { vitePreprocess } from "@sveltejs/vite-plugin-svelte";

export default {
  preprocess: vitePreprocess(),
  compilerOptions: {
    // Elements are made one by one, never out of a string of HTML: nothing here needs a Trusted Types policy for markup.
    fragments: "tree",
    runes: true,
  },
};
