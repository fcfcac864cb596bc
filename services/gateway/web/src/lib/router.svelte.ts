/** Addresses: which page an address shows, and going from one to the next. */

import { tick } from "svelte";
import { match, type Match } from "./routes";

class Router {
  /** The present address. */
  url = $state.raw(new URL(location.href));
  /** The page it shows. */
  current: Match = $derived(match(this.url.pathname));
  /** Raised by every visit of a page, so that the page can put the focus where reading begins. */
  visits = $state(0);

  start(): void {
    history.scrollRestoration = "manual";
    addEventListener("popstate", (event) => {
      const top = (event.state as { top?: number } | null)?.top ?? 0;
      void this.#show(new URL(location.href), top);
    });
    document.addEventListener("click", (event) => this.#click(event));
  }

  /** Goes to an address of the app. */
  go(to: string, { replace = false }: { replace?: boolean } = {}): void {
    const url = new URL(to, location.href);
    if (url.href === this.url.href) {
      return;
    }
    if (replace) {
      history.replaceState(history.state, "", url);
    } else {
      history.replaceState({ top: scrollY }, "");
      history.pushState({}, "", url);
    }
    void this.#show(url, replace ? undefined : 0);
  }

  /** Changes the question part of the address without leaving the page; nothing and "" take a name out. */
  ask(changes: Record<string, string | undefined>): void {
    const url = new URL(this.url);
    for (const [name, value] of Object.entries(changes)) {
      if (value) {
        url.searchParams.set(name, value);
      } else {
        url.searchParams.delete(name);
      }
    }
    this.go(url.href, { replace: true });
  }

  async #show(url: URL, top: number | undefined): Promise<void> {
    const isOther = url.pathname !== this.url.pathname;
    this.url = url;
    if (isOther) {
      this.visits += 1;
    }
    await tick();
    if (top !== undefined && isOther) {
      scrollTo({ top, behavior: "instant" });
    }
  }

  #click(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) {
      return;
    }
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) {
      return;
    }
    if (link.hash && link.pathname === location.pathname) {
      return;
    }
    if (match(link.pathname).page === "missing") {
      return;
    }
    event.preventDefault();
    this.go(link.href);
  }
}

export const router = new Router();
