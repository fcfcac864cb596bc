import { describe, expect, it } from "vitest";
import type { ResumeJson } from "../../src/gen/aerie/pipeline/v1/resume_pb";
import { forServer, listAt, sourceAt, textAt, without, withText, withValue } from "../../src/lib/resume";

const READ: ResumeJson = {
  contact: { name: { value: "Ada Example", source: { end: 11 } } },
  positions: [
    { title: { value: "Engineer", source: { start: 20, end: 28 } }, bullets: [{ value: "Built it", source: { start: 30, end: 38 } }, { value: "Ran it" }] },
    { title: { value: "Intern" } },
  ],
  sourceText: "Ada Example …",
  format: "pdf",
  fileName: "cv.pdf",
  jsonResume: "{}",
};

describe("a résumé", () => {
  it("is corrected value by value, and the one that was read stays as it was", () => {
    const before = structuredClone(READ);
    const corrected = withText(READ, ["positions", 0, "title"], "Staff engineer");
    expect(textAt(corrected, ["positions", 0, "title"])).toBe("Staff engineer");
    expect(sourceAt(corrected, ["positions", 0, "title"])).toEqual({ start: 20, end: 28 });
    expect(corrected.positions?.[1]).toBe(READ.positions?.[1]);
    expect(READ).toEqual(before);
  });

  it("takes what was not there", () => {
    const grown = withText(withText({}, ["education", 0, "institution"], "TU Delft"), ["contact", "phone"], "0123");
    expect(grown).toEqual({ education: [{ institution: { value: "TU Delft" } }], contact: { phone: { value: "0123" } } });
    expect(textAt(withValue(grown, ["education", 0, "period", "start"], "2019-09"), ["education", 0, "period", "start"])).toBe("2019-09");
    expect(sourceAt(grown, ["contact", "phone"])).toBeUndefined();
  });

  it("loses the entry that is taken out, and no other one", () => {
    const shorter = without(READ, ["positions", 0, "bullets", 0]);
    expect(listAt(shorter, ["positions", 0, "bullets"])).toEqual([{ value: "Ran it" }]);
    expect(listAt(without(READ, ["positions", 0]), ["positions"])).toEqual([READ.positions?.[1]]);
    expect(listAt(READ, ["languages"])).toEqual([]);
  });

  it("is sent without its source and without empty entries", () => {
    const sent = forServer(withText({ ...READ, skills: [{ skills: [] }] }, ["positions", 1, "title"], "  "));
    expect(Object.keys(sent).sort()).toEqual(["contact", "positions", "skills"]);
    expect(sent.positions).toEqual([READ.positions?.[0]]);
    expect(sent.skills).toEqual([]);
  });
});
