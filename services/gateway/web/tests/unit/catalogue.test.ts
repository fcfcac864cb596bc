import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";

function files(folder: string, ending: RegExp): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name))
    .map((entry) => `${entry.parentPath ?? entry.path}/${entry.name}`)
    .filter((path) => !path.includes("/gen/"));
}

/** What is left of a component when code, styles, comments, expressions and tags are taken out. */
function textOf(source: string): string {
  const markup = source.replace(/<(script|style)\b[\s\S]*?<\/\1>/g, "").replace(/<!--[\s\S]*?-->/g, "");
  let text = "";
  let depth = 0;
  for (const character of markup) {
    if (character === "{") {
      depth += 1;
    } else if (character === "}") {
      depth -= 1;
    } else if (depth === 0) {
      text += character;
    }
  }
  return text.replace(/<[^>]*>/g, " ");
}

describe("the tree", () => {
  it("has every text in the catalogue", () => {
    const components = files("src", /\.svelte$/);
    expect(components.length).toBeGreaterThan(30);
    const written = components.flatMap((path) => (/[A-Za-z]{2,}/.exec(textOf(readFileSync(path, "utf8"))) ? [path] : []));
    expect(written).toEqual([]);
    expect(textOf("<script>let a</script><p class='x'>{t.a} said</p>")).toContain("said");
  });

  it("has every colour among the tokens", () => {
    const styled = [...files("src", /\.svelte$/), "src/styles/base.css"];
    const coloured = styled.flatMap((path) => {
      const style = path.endsWith(".css") ? readFileSync(path, "utf8") : (/<style>([\s\S]*)<\/style>/.exec(readFileSync(path, "utf8"))?.[1] ?? "");
      return /#[0-9a-f]{3,8}\b|\b(rgb|hsl|oklch)\(/i.test(style) ? [path] : [];
    });
    expect(coloured).toEqual([]);
  });

  it("locks what it is built with, and no address to fetch it from", () => {
    const lock = readFileSync("package-lock.json", "utf8");
    expect(lock).toContain('"integrity"');
    expect(lock).not.toContain('"resolved"');
  });
});
