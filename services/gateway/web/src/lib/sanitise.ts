/**
 * Postings' HTML made safe a second time, after the server has done it. The text is read into a document that never
 * runs anything, and what is allowed is made anew, element by element; nothing of the original is ever shown.
 */

const KEPT = new Set([
  "P", "BR", "UL", "OL", "LI", "STRONG", "EM", "B", "I", "U", "BLOCKQUOTE", "CODE", "PRE", "HR", "DL", "DT", "DD", "SUB", "SUP",
]);
/** Headings of a posting stand below those of the page. */
const HEADINGS: Record<string, string> = { H1: "h3", H2: "h3", H3: "h4", H4: "h5", H5: "h6", H6: "h6" };
/** Gone with all that they hold. Everything else that is not kept is replaced by what it holds. */
const DROPPED = new Set([
  "SCRIPT", "STYLE", "IFRAME", "OBJECT", "EMBED", "APPLET", "FRAME", "FRAMESET", "NOSCRIPT", "NOEMBED", "NOFRAMES", "TEMPLATE",
  "SVG", "MATH", "FORM", "INPUT", "BUTTON", "SELECT", "TEXTAREA", "OPTION", "LINK", "META", "BASE", "TITLE", "HEAD", "AUDIO",
  "VIDEO", "SOURCE", "TRACK", "CANVAS", "IMG", "PICTURE", "MAP", "AREA", "DIALOG", "MARQUEE", "PLAINTEXT", "XMP", "PORTAL",
]);
/** These end a line of text when they are taken apart. */
const BLOCKS = new Set(["DIV", "SECTION", "ARTICLE", "HEADER", "FOOTER", "MAIN", "ASIDE", "NAV", "TR", "TABLE", "FIGURE", "ADDRESS"]);
const SCHEMES = new Set(["http:", "https:", "mailto:"]);
const DEEPEST = 40;
const MOST_NODES = 20_000;
const MOST_CHARACTERS = 500_000;

interface Policy {
  createHTML(text: string): string;
}

let policy: Policy | undefined;

/** The only place of the app where text is read as markup. */
function parse(html: string): Document {
  const types = (globalThis as { trustedTypes?: { createPolicy(name: string, rules: object): Policy } }).trustedTypes;
  policy ??= types?.createPolicy("aerie-posting", { createHTML: (text: string) => text });
  const text = policy ? policy.createHTML(html) : html;
  return new DOMParser().parseFromString(text, "text/html");
}

/** The safe form of a posting's HTML. */
export function sanitise(html: string): DocumentFragment {
  const source = parse(html.slice(0, MOST_CHARACTERS));
  const result = document.createDocumentFragment();
  copy(source.body, result, { depth: 0, left: { nodes: MOST_NODES }, inLink: false });
  return result;
}

interface Context {
  depth: number;
  left: { nodes: number };
  inLink: boolean;
}

function copy(from: Node, to: Node, context: Context): void {
  for (const node of from.childNodes) {
    context.left.nodes -= 1;
    if (context.left.nodes < 0) {
      return;
    }
    if (node.nodeType === Node.TEXT_NODE) {
      to.appendChild(document.createTextNode(node.nodeValue ?? ""));
    } else if (node.nodeType === Node.ELEMENT_NODE) {
      copyElement(node as Element, to, context);
    }
  }
}

function copyElement(element: Element, to: Node, context: Context): void {
  // Names of foreign namespaces are in lower case: they are none of ours.
  const name = element.tagName.toUpperCase();
  if (DROPPED.has(name) || element.namespaceURI !== "http://www.w3.org/1999/xhtml" || context.depth > DEEPEST) {
    return;
  }
  const inner = { ...context, depth: context.depth + 1 };
  const made = makeElement(element, name, inner);
  if (made) {
    copy(element, made, inner);
    to.appendChild(made);
    return;
  }
  copy(element, to, inner);
  if (BLOCKS.has(name)) {
    to.appendChild(document.createElement("br"));
  } else if (name === "TD" || name === "TH") {
    to.appendChild(document.createTextNode(" "));
  }
}

function makeElement(element: Element, name: string, context: Context): HTMLElement | undefined {
  const heading = HEADINGS[name];
  if (heading) {
    return document.createElement(heading);
  }
  if (KEPT.has(name)) {
    return document.createElement(name.toLowerCase());
  }
  const address = name === "A" && !context.inLink ? safeAddress(element.getAttribute("href")) : undefined;
  if (address) {
    context.inLink = true;
    const link = document.createElement("a");
    link.href = address;
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
    return link;
  }
  return undefined;
}

/** An address that may be followed; none for other schemes and for addresses without one. */
export function safeAddress(text: string | null | undefined): string | undefined {
  if (!text) {
    return undefined;
  }
  try {
    const url = new URL(text);
    return SCHEMES.has(url.protocol) && url.username === "" && url.password === "" ? url.href : undefined;
  } catch {
    return undefined;
  }
}

/** Plain text as paragraphs and lists, for postings that have no HTML. */
export function paragraphs(text: string): DocumentFragment {
  const result = document.createDocumentFragment();
  let list: HTMLElement | undefined;
  for (const line of text.slice(0, MOST_CHARACTERS).split(/\n+/)) {
    const bullet = /^\s*[-*•·–]\s+(.*)$/.exec(line);
    if (bullet) {
      list ??= result.appendChild(document.createElement("ul"));
      list.appendChild(document.createElement("li")).textContent = bullet[1] ?? "";
    } else if (line.trim()) {
      list = undefined;
      result.appendChild(document.createElement("p")).textContent = line.trim();
    }
  }
  return result;
}
