import { describe, expect, it } from "vitest";
import { pieces } from "../../src/lib/spans";

/** Bytes of some words in a text, as the server counts them. */
function span(text: string, words: string): { start: number; end: number } {
  const start = Buffer.byteLength(text.slice(0, text.indexOf(words)));
  return { start, end: start + Buffer.byteLength(words) };
}

describe("spans", () => {
  it("count bytes, not characters", () => {
    const text = "Zürich – 12 years of 日本語, certainly";
    const mark = span(text, "日本語");
    const cut = pieces(text, [mark]);
    expect(cut.map((one) => one.text)).toEqual(["Zürich – 12 years of ", "日本語", ", certainly"]);
    expect(cut.map((one) => one.marks.length)).toEqual([0, 1, 0]);
  });

  it("may overlap, and lose no text", () => {
    const text = "I led twelve engineers at Ørsted";
    const marks = [span(text, "led twelve"), span(text, "twelve engineers"), span(text, "Ørsted")];
    const cut = pieces(text, marks);
    expect(cut.map((one) => one.text).join("")).toBe(text);
    expect(cut.find((one) => one.text === "twelve")?.marks).toEqual([marks[0], marks[1]]);
    expect(cut.at(-1)).toEqual({ text: "Ørsted", marks: [marks[2]] });
  });

  it("that cannot be are left out", () => {
    expect(pieces("short", [{ start: 2, end: 99 }, { start: -1, end: 2 }, { start: 3, end: 3 }, {}])).toEqual([{ text: "short", marks: [] }]);
    expect(pieces("", [{ start: 0, end: 1 }])).toEqual([]);
    // A mark that begins where the text begins comes without its start: zero is not sent.
    expect(pieces("Ada wrote", [{ end: 3 }]).map((one) => one.marks.length)).toEqual([1, 0]);
  });
});
