/** Every address of the app. A new page is one line here and one in `pages.ts`. */

/** Pages by name. */
export const ROUTES = {
  home: "/",
  start: "/start/:step?",
  review: "/review",
  board: "/board",
  job: "/jobs/:id/:part?",
  mail: "/mail",
  surveys: "/surveys",
  insights: "/insights",
  settings: "/settings/:part?",
} as const;

export type PageName = keyof typeof ROUTES | "missing";

/** What an address means. */
export interface Match {
  page: PageName;
  parameters: Record<string, string>;
}

/** Reads an address. */
export function match(path: string): Match {
  const parts = path.split("/").filter(Boolean);
  for (const [page, pattern] of Object.entries(ROUTES)) {
    const parameters = read(pattern.split("/").filter(Boolean), parts);
    if (parameters) {
      return { page: page as PageName, parameters };
    }
  }
  return { page: "missing", parameters: {} };
}

function read(pattern: string[], parts: string[]): Record<string, string> | undefined {
  if (parts.length > pattern.length) {
    return undefined;
  }
  const parameters: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const part = parts[index];
    if (!expected.startsWith(":")) {
      if (part !== expected) {
        return undefined;
      }
    } else if (part === undefined) {
      if (!expected.endsWith("?")) {
        return undefined;
      }
    } else {
      try {
        parameters[expected.slice(1).replace("?", "")] = decodeURIComponent(part);
      } catch {
        return undefined;
      }
    }
  }
  return parameters;
}
