/** Files for the wire: `bytes` fields are base64 in JSON. */

/** A file's content as base64. */
export async function base64Of(file: Blob): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  // In pieces: the arguments of one call are limited.
  for (let at = 0; at < bytes.length; at += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(text);
}

export function textAsBase64(text: string): Promise<string> {
  return base64Of(new Blob([text]));
}

/** Content that came as base64. */
export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** The same, with its type. */
export function blobOf(base64: string, type: string): Blob {
  return new Blob([bytesOf(base64)], { type });
}

/** Lets the browser save something as a file. */
export function save(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The click has begun the download; the address is not needed any more once it runs.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
