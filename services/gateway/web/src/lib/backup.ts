/** Backups: a stream of pieces that becomes a file, and a file that is sent back. */

import { account, proof } from "./account.svelte";
import { bytesOf, textAsBase64 } from "./bytes";
import { ApiError, failureOf } from "./errors";

/** Fewest characters of a passphrase; the server asks for as many. */
export const LEAST_PASSPHRASE = 10;
/** Largest backup that a browser makes or sends; larger ones are for a terminal. */
export const MOST_BYTES = 4 * 1024 ** 3;
/** Most characters of one event: a piece is 256 KiB, in base64. */
const MOST_EVENT = 4 * 1024 ** 2;

const CREATE = "/aerie.pipeline.v1.MovingService/CreateBackup";
const RESTORE = "/backup/restore";

/** One event of a stream. */
export interface StreamEvent {
  name: string;
  data: string;
}

/** Cuts server-sent events out of text that comes in any pieces. */
export class EventCutter {
  #rest = "";

  constructor(readonly most = MOST_EVENT) {}

  /** The events that are complete with this text. */
  take(text: string): StreamEvent[] {
    const blocks = (this.#rest + text).split("\n\n");
    this.#rest = blocks.pop() ?? "";
    if (this.#rest.length > this.most) {
      throw new ApiError("data_loss", "The server sent more in one piece than a backup has.");
    }
    return blocks.flatMap((block) => {
      const fields = block.split("\n").map((line) => /^(event|data): ?(.*)$/.exec(line));
      const value = (name: string) => fields.find((field) => field?.[1] === name)?.[2];
      const data = value("data");
      // Without data it is a sign of life.
      return data === undefined ? [] : [{ name: value("event") ?? "message", data }];
    });
  }
}

/** Makes a backup; `tell` hears how many bytes are there. */
export async function createBackup(passphrase: string, tell: (bytes: number) => void, signal: AbortSignal): Promise<Blob> {
  const response = await fetch(CREATE, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream", ...proof() },
    body: JSON.stringify({ passphrase }),
    signal,
  }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw ApiError.offline(error);
  });
  if (!response.ok || !response.body) {
    throw known(await failureOf(response));
  }
  return collect(response.body, tell);
}

/** Collects the pieces of a stream until it says that it is complete: half a backup is none. */
export async function collect(body: ReadableStream<Uint8Array>, tell: (bytes: number) => void, most = MOST_BYTES): Promise<Blob> {
  const cutter = new EventCutter();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  const parts: BlobPart[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        throw new ApiError("offline", "The connection broke off before the backup was complete.");
      }
      for (const event of cutter.take(decoder.decode(value, { stream: true }))) {
        if (event.name === "end") {
          return new Blob(parts, { type: "application/octet-stream" });
        }
        if (event.name === "error") {
          throw await failureOf(new Response(event.data));
        }
        const bytes = bytesOf((JSON.parse(event.data) as { content?: string }).content ?? "");
        size += bytes.length;
        if (size > most) {
          throw new ApiError("resource_exhausted", "The backup is larger than a browser keeps. Make it in a terminal: aerie backup create FILE");
        }
        parts.push(bytes);
        tell(size);
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** What a restore brought. */
export interface Restored {
  tables?: { table?: string; rows?: string }[];
  backupTime?: string;
}

/** Sends a backup back; `tell` hears which part of it is sent. */
export async function restoreBackup(file: Blob, passphrase: string, isReplacing: boolean, tell: (part: number) => void, signal: AbortSignal): Promise<Restored> {
  if (file.size > MOST_BYTES) {
    throw new ApiError("resource_exhausted", "The file is larger than a browser sends. Restore it in a terminal: aerie backup restore FILE");
  }
  const headers = { "content-type": "application/octet-stream", "backup-passphrase": await textAsBase64(passphrase), ...proof() };
  // Of all that a browser offers, only this tells how far the sending is.
  const request = new XMLHttpRequest();
  const response = await new Promise<Response>((resolve, reject) => {
    request.open("POST", isReplacing ? `${RESTORE}?replace=true` : RESTORE);
    for (const [name, value] of Object.entries(headers)) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => tell(event.total > 0 ? event.loaded / event.total : 0);
    request.onload = () => resolve(new Response(request.responseText, { status: request.status }));
    request.onerror = () => reject(ApiError.offline(undefined));
    request.onabort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
  if (!response.ok) {
    throw known(await failureOf(response));
  }
  return (await response.json()) as Restored;
}

/** Where nobody is signed in any more, the app shows where to sign in. */
function known(error: ApiError): ApiError {
  if (error.isUnknown) {
    account.missing(error.signIn);
  }
  return error;
}

/** Name of the file of a backup that is made now. */
export function backupName(now = new Date()): string {
  const part = (value: number) => String(value).padStart(2, "0");
  return `aerie-${now.getFullYear()}-${part(now.getMonth() + 1)}-${part(now.getDate())}.aerie`;
}
