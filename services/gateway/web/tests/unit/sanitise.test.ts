import { describe, expect, it } from "vitest";
import { paragraphs, safeAddress, sanitise } from "../../src/lib/sanitise";
import { HOSTILE } from "../hostile";

function html(fragment: DocumentFragment): string {
  const holder = document.createElement("div");
  holder.append(fragment);
  return holder.innerHTML;
}

const ALLOWED = /^(p|br|ul|ol|li|strong|em|b|i|u|blockquote|code|pre|hr|dl|dt|dd|sub|sup|h[3-6]|a)$/;

describe("postings' HTML", () => {
  it.each(HOSTILE)("is harmless: %s", (hostile) => {
    const fragment = sanitise(hostile);
    for (const element of fragment.querySelectorAll("*")) {
      expect(element.tagName.toLowerCase()).toMatch(ALLOWED);
      expect(element.namespaceURI).toBe("http://www.w3.org/1999/xhtml");
      const names = element.getAttributeNames().filter((name) => !(element.tagName === "A" && ["href", "target", "rel"].includes(name)));
      expect(names).toEqual([]);
      if (element.tagName === "A") {
        expect(element.getAttribute("href")).toMatch(/^(https?:\/\/|mailto:)/);
        expect(element.getAttribute("rel")).toContain("noopener");
      }
    }
    // Written out and read again it is the same: no parser makes something else of it.
    const once = html(sanitise(hostile));
    const holder = document.createElement("div");
    holder.innerHTML = once;
    expect(holder.innerHTML).toBe(once);
  });

  it("keeps what carries meaning", () => {
    const text = '<h2>About</h2><div><p>We <strong>build</strong> <a href="https://example.com/x">things</a></p></div><ul><li>One</li></ul>';
    expect(html(sanitise(text))).toBe(
      '<h3>About</h3><p>We <strong>build</strong> <a href="https://example.com/x" target="_blank" rel="noopener noreferrer nofollow">things</a></p><br><ul><li>One</li></ul>',
    );
  });

  it("is bounded in depth and number", () => {
    const deep = sanitise(`${"<b>".repeat(3000)}deep`);
    let depth = 0;
    for (let node: Node | null = deep.firstChild; node; node = node.firstChild) {
      depth += 1;
    }
    expect(depth).toBeLessThan(60);
    expect(sanitise("<p>x</p>".repeat(40_000)).querySelectorAll("p").length).toBeLessThan(20_001);
  });

  it("lets through only addresses that a browser may open", () => {
    expect(safeAddress("https://example.com/a?b=1")).toBe("https://example.com/a?b=1");
    for (const bad of ["javascript:alert(1)", " java\nscript:alert(1)", "data:text/html,x", "file:///etc/passwd", "/jobs", "https://u:p@example.com", "vbscript:x", "blob:https://x/y", ""]) {
      expect(safeAddress(bad)).toBeUndefined();
    }
  });

  it("makes paragraphs and lists of plain text, and no markup", () => {
    expect(html(paragraphs("One <b>two</b>\n\n- a\n- b\nEnd"))).toBe("<p>One &lt;b&gt;two&lt;/b&gt;</p><ul><li>a</li><li>b</li></ul><p>End</p>");
  });
});
