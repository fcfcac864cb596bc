import { describe, expect, it } from "vitest";
import { mark, quotesOf } from "../../src/lib/evidence";
import { sanitise } from "../../src/lib/sanitise";

function marked(html: string, text: string, evidence: Parameters<typeof quotesOf>[1]): string {
  const holder = document.createElement("div");
  holder.append(sanitise(html));
  mark(holder, quotesOf(text, evidence));
  return holder.innerHTML.replace(/ title="[^"]*"/g, "");
}

const quote = (words: string, start: number, supports = true) => ({ field: "description", quote: words, start, end: start + words.length, supports, label: words });

describe("evidence", () => {
  it("is marked where it stands, for and against", () => {
    const text = "We use Rust and PHP.";
    expect(marked(`<p>${text}</p>`, text, [quote("Rust", 7), quote("PHP", 16, false)])).toBe(
      '<p>We use <mark class="for">Rust</mark> and <mark class="against">PHP</mark>.</p>',
    );
  });

  it("means the occurrence that its bytes say, also behind letters of several bytes", () => {
    const text = "Größe: Rust. Überall Rust.";
    const start = new TextEncoder().encode(text.slice(0, text.lastIndexOf("Rust"))).length;
    expect(marked(`<p>${text}</p>`, text, [quote("Rust", start)])).toBe('<p>Größe: Rust. Überall <mark class="for">Rust</mark>.</p>');
  });

  it("runs across elements and white space", () => {
    const html = "<p>distributed <em>systems\n  design</em></p>";
    expect(marked(html, "distributed systems design", [quote("systems design", 12)])).toBe(
      '<p>distributed <em><mark class="for">systems\n  design</mark></em></p>',
    );
    expect(marked("<ul><li>Rust</li><li>Go</li></ul>", "Rust\nGo", [quote("Rust\nGo", 0)])).toBe(
      '<ul><li><mark class="for">Rust</mark></li><li><mark class="for">Go</mark></li></ul>',
    );
  });

  it("never overlaps, and leaves out what is not there", () => {
    const text = "machine learning";
    const result = marked(`<p>${text}</p>`, text, [quote("machine learning", 0), quote("learning", 8), quote("missing", 0)]);
    expect(result).toBe('<p><mark class="for">machine learning</mark></p>');
  });

  it("is text, whatever it holds", () => {
    const text = "<img src=x> or not";
    expect(marked("<p>&lt;img src=x&gt; or not</p>", text, [quote("<img src=x>", 0)])).toBe('<p><mark class="for">&lt;img src=x&gt;</mark> or not</p>');
  });
});
