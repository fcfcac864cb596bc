import "@fontsource-variable/newsreader/index.css";
import "@fontsource-variable/public-sans/index.css";
import "./styles/tokens.css";
import "./styles/base.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { keepAnswers } from "./lib/memory";
import { read } from "./lib/appearance.svelte";
import { events } from "./lib/events";
import { router } from "./lib/router.svelte";

void keepAnswers(read<boolean>("aerie.offline") ?? true);
router.start();
events.start();

const target = document.getElementById("app");
if (target) {
  mount(App, { target });
}

interface ScriptPolicy {
  createScriptURL(text: string): string;
}

/** The service worker lets the app open without the server. Where browsers lack it, the app works with the server only. */
async function install(): Promise<void> {
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) {
    return;
  }
  const types = (globalThis as { trustedTypes?: { createPolicy(name: string, rules: object): ScriptPolicy } }).trustedTypes;
  const policy = types?.createPolicy("aerie-worker", {
    createScriptURL(text: string) {
      if (text !== "/sw.js") {
        throw new TypeError(`not the worker: ${text}`);
      }
      return text;
    },
  });
  await navigator.serviceWorker.register(policy?.createScriptURL("/sw.js") ?? "/sw.js");
}

addEventListener("load", () => {
  install().catch((error: unknown) => console.warn("the service worker could not be installed", error));
});
