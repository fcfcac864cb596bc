/** How the app looks in this browser. `public/theme.js` applies the same before the first paint. */

export type Theme = "system" | "light" | "dark" | "contrast";
export type Density = "compact" | "roomy";

const KEY = "aerie.appearance";

class Appearance {
  theme = $state<Theme>("system");
  density = $state<Density>("compact");

  constructor() {
    this.#read();
    // Another tab changed it.
    addEventListener("storage", (event) => {
      if (event.key === KEY) {
        this.#read();
        this.#apply();
      }
    });
  }

  set(changes: { theme?: Theme; density?: Density }): void {
    this.theme = changes.theme ?? this.theme;
    this.density = changes.density ?? this.density;
    write(KEY, { theme: this.theme, density: this.density });
    this.#apply();
  }

  #read(): void {
    const kept = read<{ theme?: Theme; density?: Density }>(KEY) ?? {};
    this.theme = kept.theme && ["light", "dark", "contrast"].includes(kept.theme) ? kept.theme : "system";
    this.density = kept.density === "roomy" ? "roomy" : "compact";
  }

  #apply(): void {
    const root = document.documentElement;
    if (this.theme === "system") {
      delete root.dataset["theme"];
    } else {
      root.dataset["theme"] = this.theme;
    }
    if (this.density === "roomy") {
      root.dataset["density"] = "roomy";
    } else {
      delete root.dataset["density"];
    }
  }
}

/** Forgets everything that was kept in this browser. */
export function forget(): void {
  try {
    localStorage.clear();
  } catch {
    // Where nothing can be kept, nothing is.
  }
}

/** Reads something that was kept in this browser; none when it is not there or not readable. */
export function read<T>(key: string): T | undefined {
  try {
    const text = localStorage.getItem(key);
    return text === null ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined;
  }
}

/** Keeps something in this browser, where it lets us. */
export function write(key: string, value: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Storage is off or full: it is only not remembered.
  }
}

export const appearance = new Appearance();
