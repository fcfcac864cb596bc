/** Draws the pages of a PDF. Large, so it is loaded only where a PDF is shown. */

import { AnnotationMode, getDocument, PDFWorker, type PDFPageProxy } from "pdfjs-dist";
import workerAddress from "pdfjs-dist/build/pdf.worker.min.mjs?worker&url";
import { scriptAddress } from "./trusted";

/** One page, drawn. */
export interface DrawnPage {
  number: number;
  /** Pages of the whole document. */
  all: number;
  canvas: HTMLCanvasElement;
  /** What stands on it, line by line. */
  text: string;
}

/** Pages that are drawn at most: a preview is no reader. */
export const MOST_PAGES = 12;
/** Most pixels of a page, so that no page fills the memory. */
const MOST_PIXELS = 8_000_000;
const MOST_TEXT = 40_000;

/** Draws the pages in order, for a column of this width in CSS pixels. */
export async function draw(bytes: Uint8Array, width: number, density: number, signal: AbortSignal): Promise<DrawnPage[]> {
  const port = new Worker(scriptAddress(workerAddress), { type: "module" });
  const worker = PDFWorker.create({ port });
  const task = getDocument({
    data: bytes,
    worker,
    // Nothing of a document runs, becomes a font of the page, or is fetched from anywhere.
    isEvalSupported: false,
    disableFontFace: true,
    useWasm: false,
    useWorkerFetch: false,
    enableXfa: false,
    maxImageSize: MOST_PIXELS,
  });
  try {
    const pages: DrawnPage[] = [];
    const file = await task.promise;
    for (let number = 1; number <= Math.min(file.numPages, MOST_PAGES); number += 1) {
      signal.throwIfAborted();
      const page = await file.getPage(number);
      pages.push({ number, all: file.numPages, canvas: await drawn(page, width * density), text: await textOf(page) });
    }
    signal.throwIfAborted();
    return pages;
  } finally {
    await task.destroy();
    worker.destroy();
    port.terminate();
  }
}

async function drawn(page: PDFPageProxy, pixels: number): Promise<HTMLCanvasElement> {
  const natural = page.getViewport({ scale: 1 });
  const scale = Math.min(pixels / natural.width, Math.sqrt(MOST_PIXELS / (natural.width * natural.height)));
  const viewport = page.getViewport({ scale });
  const canvas = document.createElement("canvas");
  canvas.width = Math.floor(viewport.width);
  canvas.height = Math.floor(viewport.height);
  await page.render({ canvas, viewport, annotationMode: AnnotationMode.DISABLE }).promise;
  return canvas;
}

async function textOf(page: PDFPageProxy): Promise<string> {
  const { items } = await page.getTextContent();
  return linesOf(items.flatMap((item) => ("str" in item ? [item] : [])));
}

/** The text of a page as lines; runs of one line stand side by side in the file. */
export function linesOf(runs: { str: string; hasEOL: boolean }[]): string {
  const text = runs.map((run) => run.str + (run.hasEOL ? "\n" : "")).join("");
  return text.replace(/[ \t]+\n/g, "\n").trim().slice(0, MOST_TEXT);
}
