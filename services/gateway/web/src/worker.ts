// The service worker: keeps the app's own files, so that it opens without the server. Data is not its business; see
// lib/memory.ts. BUILD and FILES are filled in by build/offline.ts.

declare const BUILD: string;
declare const FILES: string[];

/** What a worker knows of its surroundings; the library of worker types would hide those of pages. */
interface WorkerEvent extends Event {
  readonly request: Request;
  waitUntil(work: Promise<unknown>): void;
  respondWith(answer: Promise<Response>): void;
}

interface Worker {
  readonly location: Location;
  readonly clients: { claim(): Promise<void> };
  addEventListener(type: string, listener: (event: WorkerEvent) => void): void;
  skipWaiting(): Promise<void>;
}

{
  const worker = self as unknown as Worker;
  const name = `aerie-files-${BUILD}`;

  worker.addEventListener("install", (event) => {
    const keep = async () => {
      const cache = await caches.open(name);
      await cache.addAll(FILES);
      await worker.skipWaiting();
    };
    event.waitUntil(keep());
  });

  worker.addEventListener("activate", (event) => {
    const takeOver = async () => {
      const old = (await caches.keys()).filter((other) => other.startsWith("aerie-files-") && other !== name);
      await Promise.all(old.map((other) => caches.delete(other)));
      await worker.clients.claim();
    };
    event.waitUntil(takeOver());
  });

  worker.addEventListener("fetch", (event) => {
    const { request } = event;
    const url = new URL(request.url);
    if (request.method !== "GET" || url.origin !== worker.location.origin) {
      return;
    }
    if (request.mode === "navigate") {
      // The newest page while the server answers, the kept one while it does not.
      const page = async () => {
        try {
          return await fetch(request);
        } catch {
          return (await caches.match("/", { cacheName: name })) ?? Response.error();
        }
      };
      event.respondWith(page());
      return;
    }
    // Their names say what is in them, so that what was kept is never out of date.
    const isNamedByContent = url.pathname.startsWith("/assets/");
    if (isNamedByContent || FILES.includes(url.pathname)) {
      const file = async () => {
        const cache = await caches.open(name);
        const kept = await cache.match(url.pathname);
        if (kept) {
          return kept;
        }
        const answer = await fetch(request);
        if (answer.ok) {
          await cache.put(url.pathname, answer.clone());
        }
        return answer;
      };
      event.respondWith(file());
    }
  });
}
