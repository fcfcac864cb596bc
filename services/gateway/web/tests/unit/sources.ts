import type { Surroundings } from "../../src/lib/events";

/** Stands in for the browser's EventSource: a test says what arrives. */
export class FakeSource {
  readyState = 0;
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent<string>) => void) | null = null;
  listeners = new Map<string, (event: Event) => void>();
  isClosed = false;

  constructor(readonly url: string) {}

  addEventListener(type: string, listener: (event: Event) => void): void {
    this.listeners.set(type, listener);
  }

  close(): void {
    this.isClosed = true;
  }

  open(): void {
    this.onopen?.(new Event("open"));
  }

  send(message: object): void {
    this.onmessage?.(new MessageEvent("message", { data: JSON.stringify(message) }));
  }

  fail(type = "error"): void {
    this.listeners.get(type)?.(new Event(type));
  }

  get message(): Record<string, unknown> {
    return JSON.parse(new URL(this.url, "http://x").searchParams.get("message") ?? "null") as Record<string, unknown>;
  }
}

/** Surroundings in which nothing happens by itself. */
export function surroundings() {
  const sources: FakeSource[] = [];
  const waits: { run: () => void; milliseconds: number; isCancelled: boolean }[] = [];
  const given: Surroundings = {
    open: (url) => {
      const source = new FakeSource(url);
      sources.push(source);
      return source;
    },
    wait: (run, milliseconds) => {
      const wait = { run, milliseconds, isCancelled: false };
      waits.push(wait);
      return () => (wait.isCancelled = true);
    },
  };
  return { sources, waits, surroundings: given, last: () => sources.at(-1) as FakeSource };
}
