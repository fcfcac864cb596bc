/** Marks the words of a posting that prove its score. */

import type { EvidenceJson } from "../gen/aerie/pipeline/v1/match_service_pb";

/** A quote to mark. */
export interface Quote {
  /** The words. */
  words: string;
  /** Which of their occurrences, from 0. */
  occurrence: number;
  /** Whether they speak for the job. */
  supports: boolean;
  /** What they prove, for people. */
  label: string;
}

/** The quotes of the description, each with which of its occurrences is meant. Offsets count bytes of UTF-8. */
export function quotesOf(description: string, evidence: readonly EvidenceJson[]): Quote[] {
  const bytes = new TextEncoder().encode(description);
  const decoder = new TextDecoder();
  return evidence
    .filter((one) => one.field === "description" && one.quote)
    .map((one) => {
      const words = one.quote ?? "";
      const before = decoder.decode(bytes.subarray(0, one.start ?? 0));
      return {
        words,
        occurrence: occurrences(plain(before), plain(words)).length,
        supports: one.supports ?? false,
        label: one.label || one.detail || "",
      };
    });
}

/** Text as it is compared: case and the kind of white space do not matter. */
function plain(text: string): string {
  return text.replace(/\s+/g, " ").toLowerCase();
}

function occurrences(text: string, words: string): number[] {
  const found: number[] = [];
  if (words.trim() === "") {
    return found;
  }
  for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + words.length)) {
    found.push(at);
  }
  return found;
}

interface Place {
  node: Text;
  offset: number;
}

/** All text under a node as it is compared, and for each of its characters where it stands. */
function flatten(root: Node): { text: string; places: Place[] } {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  const places: Place[] = [];
  let text = "";
  let isAfterSpace = true;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!(node instanceof Text)) {
      // Blocks end a word although no white space stands between them.
      const last = places.at(-1);
      if (!isAfterSpace && last && node instanceof HTMLElement && /^(P|LI|H\d|BR|UL|OL|DT|DD|BLOCKQUOTE|PRE|HR)$/.test(node.tagName)) {
        text += " ";
        places.push(last);
        isAfterSpace = true;
      }
      continue;
    }
    const value = node.data;
    for (let offset = 0; offset < value.length; offset += 1) {
      const character = value.charAt(offset);
      const isSpace = /\s/.test(character);
      if (isSpace && isAfterSpace) {
        continue;
      }
      const lower = character.toLowerCase();
      text += isSpace ? " " : lower.length === 1 ? lower : character;
      places.push({ node, offset });
      isAfterSpace = isSpace;
    }
  }
  return { text, places };
}

/** Wraps every quote that is found in `<mark>`; returns how many were. Quotes never overlap: the first one wins. */
export function mark(root: Node, quotes: readonly Quote[]): number {
  const { text, places } = flatten(root);
  const taken: { start: number; end: number; quote: Quote }[] = [];
  for (const quote of quotes) {
    const words = plain(quote.words).trim();
    const found = occurrences(text, words);
    const start = found[Math.min(quote.occurrence, found.length - 1)];
    if (start === undefined) {
      continue;
    }
    const end = start + words.length;
    if (taken.every((other) => end <= other.start || start >= other.end)) {
      taken.push({ start, end, quote });
    }
  }
  // From the end, so that places before stay right while text is split.
  taken.sort((one, other) => other.start - one.start);
  for (const { start, end, quote } of taken) {
    wrap(places.slice(start, end), quote);
  }
  return taken.length;
}

function wrap(places: Place[], quote: Quote): void {
  const pieces = new Map<Text, { from: number; to: number }>();
  for (const { node, offset } of places) {
    const piece = pieces.get(node);
    if (piece) {
      piece.to = offset + 1;
    } else {
      pieces.set(node, { from: offset, to: offset + 1 });
    }
  }
  for (const [node, { from, to }] of pieces) {
    const middle = from > 0 ? node.splitText(from) : node;
    if (to - from < middle.length) {
      middle.splitText(to - from);
    }
    if (middle.data.trim() === "") {
      continue;
    }
    const element = document.createElement("mark");
    element.className = quote.supports ? "for" : "against";
    element.title = quote.label;
    middle.replaceWith(element);
    element.appendChild(middle);
  }
}
