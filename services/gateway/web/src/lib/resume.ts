/** A résumé as a tree of values that a person corrects, each with where it stands in the source text. */

import type { ResumeJson, TextSpanJson } from "../gen/aerie/pipeline/v1/resume_pb";

/** Where a value is: names of fields and numbers of entries. */
export type Path = readonly (string | number)[];

/** Parts of which a résumé has several. */
export type PartName = "positions" | "education" | "skills" | "certificates" | "languages" | "sections";

/** What an entry of a part consists of, in the order in which it is shown. */
export interface Shape {
  texts: readonly string[];
  hasPeriod?: boolean;
  /** Texts of more than a line. */
  long?: readonly string[];
  /** The list of texts that an entry has, and whether they are short. */
  list?: { name: string; isShort: boolean };
}

export const SHAPES: Record<PartName, Shape> = {
  positions: { texts: ["title", "employer", "place"], hasPeriod: true, long: ["summary"], list: { name: "bullets", isShort: false } },
  education: { texts: ["institution", "degree", "field", "place", "score"], hasPeriod: true, list: { name: "notes", isShort: false } },
  skills: { texts: ["name"], list: { name: "skills", isShort: true } },
  certificates: { texts: ["name", "issuer", "date"] },
  languages: { texts: ["name", "level"] },
  sections: { texts: ["title"], list: { name: "lines", isShort: false } },
};

export const CONTACT = ["name", "headline", "email", "phone", "place"] as const;

type Tree = Record<string, unknown> | unknown[];

function child(tree: unknown, key: string | number): unknown {
  return typeof tree === "object" && tree !== null ? (tree as Record<string | number, unknown>)[key] : undefined;
}

/** What stands at a path. */
export function at(resume: ResumeJson, path: Path): unknown {
  return path.reduce<unknown>(child, resume);
}

/** The text at a path; a sourced text's value. */
export function textAt(resume: ResumeJson, path: Path): string {
  const found = at(resume, path);
  const value = typeof found === "object" ? child(found, "value") : found;
  return typeof value === "string" ? value : "";
}

/** Where in the source the value at a path stands; none where a person wrote it. */
export function sourceAt(resume: ResumeJson, path: Path): TextSpanJson | undefined {
  return child(at(resume, path), "source") as TextSpanJson | undefined;
}

export function listAt(resume: ResumeJson, path: Path): unknown[] {
  const found = at(resume, path);
  return Array.isArray(found) ? found : [];
}

/** The résumé with another value at a path; nothing else of it is copied than what leads there. */
export function withValue(resume: ResumeJson, path: Path, value: unknown): ResumeJson {
  return put(resume, path, value) as ResumeJson;
}

function put(tree: unknown, path: Path, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) {
    return value;
  }
  const copy: Tree = Array.isArray(tree) ? [...tree] : typeof key === "number" ? [] : { ...(tree as object | undefined) };
  (copy as Record<string | number, unknown>)[key] = put(child(tree, key), rest, value);
  return copy;
}

/** The résumé with another text at a path. Where it was read stays known, for when the person goes back to what stood there. */
export function withText(resume: ResumeJson, path: Path, text: string): ResumeJson {
  return withValue(resume, [...path, "value"], text);
}

/** The résumé without the entry at a path, whose last step is its number. */
export function without(resume: ResumeJson, path: Path): ResumeJson {
  const list = path.slice(0, -1);
  const number = path.at(-1);
  return withValue(resume, list, listAt(resume, list).filter((_, index) => index !== number));
}

/** What is sent: without the source, which the server has, and without entries in which nothing stands. */
export function forServer(resume: ResumeJson): ResumeJson {
  const { sourceText: _source, jsonResume: _json, format: _format, fileName: _name, updateTime: _time, ...rest } = resume;
  const sent: Record<string, unknown> = { ...rest };
  for (const part of Object.keys(SHAPES)) {
    if (Array.isArray(sent[part])) {
      sent[part] = (sent[part] as unknown[]).filter(hasText);
    }
  }
  return sent as ResumeJson;
}

/** Whether anything is said in a value or below it. */
function hasText(value: unknown): boolean {
  if (typeof value === "string") {
    return value.trim() !== "";
  }
  if (Array.isArray(value)) {
    return value.some(hasText);
  }
  return typeof value === "object" && value !== null && Object.entries(value).some(([key, one]) => key !== "source" && hasText(one));
}
