/** The last answers of reading calls, kept in this browser so that pages open without the server. */

const NAME = "aerie-answers";
/** Answers kept; the oldest go first. */
const MOST = 300;
const KEPT_AT = "x-aerie-kept-at";

/** Whether answers may be kept at all. */
let isOn = true;

/** Switches keeping on or off; off also forgets. */
export async function keepAnswers(on: boolean): Promise<void> {
  isOn = on;
  if (!on && "caches" in globalThis) {
    await caches.delete(NAME);
  }
}

/** Forgets everything that was kept: somebody else may use this browser next. */
export async function forgetAnswers(): Promise<void> {
  if ("caches" in globalThis) {
    await caches.delete(NAME);
  }
}

function address(path: string, body: string): string {
  return `/${NAME}/${path}?${encodeURIComponent(body)}`;
}

/** Keeps an answer. Failing to is no harm: the page just is not there without the server. */
export async function remember(path: string, body: string, answer: unknown): Promise<void> {
  if (!isOn || !("caches" in globalThis) || body.length > 2_000) {
    return;
  }
  try {
    const cache = await caches.open(NAME);
    const headers = { "content-type": "application/json", [KEPT_AT]: new Date().toISOString() };
    // Put anew at the end, so that the order of keys is the order of use.
    await cache.delete(address(path, body));
    await cache.put(address(path, body), new Response(JSON.stringify(answer), { headers }));
    const keys = await cache.keys();
    await Promise.all(keys.slice(0, Math.max(0, keys.length - MOST)).map((key) => cache.delete(key)));
  } catch {
    // The browser's storage is full or off.
  }
}

/** The last answer to the same question. */
export async function recall(path: string, body: string): Promise<unknown> {
  if (!isOn || !("caches" in globalThis)) {
    return undefined;
  }
  const kept = await (await caches.open(NAME)).match(address(path, body));
  return kept?.json();
}
