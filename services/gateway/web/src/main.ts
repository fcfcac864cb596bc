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
import { scriptAddress } from "./lib/trusted";

void keepAnswers(read<boolean>("aerie.offline") ?? true);
router.start();
events.start();

const target = document.getElementById("app");
if (target) {
  mount(App, { target });
}

/** The service worker lets the app open without the server. Where browsers lack it, the app works with the server only. */
async function install(): Promise<void> {
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) {
    return;
  }
  await navigator.serviceWorker.register(scriptAddress("/sw.js"));
}

addEventListener("load", () => {
  install().catch((error: unknown) => console.warn("the service worker could not be installed", error));
});
