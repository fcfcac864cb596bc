/** Keys, by page. They are told in the help, and never taken from somebody who writes. */

import { read, write } from "./appearance.svelte";

export interface Shortcut {
  label: string;
  run: () => void;
}

interface Group {
  title: string;
  keys: Record<string, Shortcut>;
}

/** Two keys one after the other belong together within this time. */
const CHORD = 1_200;
const KEPT = "aerie.keys";

class Shortcuts {
  groups = $state.raw<readonly Group[]>([]);
  /** Whether keys of one letter work. Who dictates, or presses keys unawares, switches them off. */
  areLettersOn = $state(read<boolean>(KEPT) ?? true);
  /** The same, for changes: whoever adds keys must not thereby depend on those that are there. */
  #list: readonly Group[] = [];
  #first: { key: string; at: number } | undefined;

  /** Adds keys ("ArrowLeft", "z", "g h"); returns how to take them out again. */
  add(keys: Record<string, Shortcut>, title: string): () => void {
    const group = { title, keys };
    this.#set([...this.#list, group]);
    return () => this.#set(this.#list.filter((other) => other !== group));
  }

  #set(list: readonly Group[]): void {
    this.#list = list;
    this.groups = list;
  }

  setLetters(areOn: boolean): void {
    this.areLettersOn = areOn;
    write(KEPT, areOn);
  }

  press(event: KeyboardEvent): void {
    if (event.key.length === 1 && !this.areLettersOn) {
      return;
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isWriting(event)) {
      return;
    }
    const key = event.key.length === 1 && event.key !== "?" ? event.key.toLowerCase() : event.key;
    const chord = this.#first && Date.now() - this.#first.at < CHORD ? `${this.#first.key} ${key}` : "";
    this.#first = undefined;
    const found = this.#find(chord) ?? this.#find(key);
    if (found) {
      event.preventDefault();
      found.run();
    } else if (this.#list.some((group) => Object.keys(group.keys).some((name) => name.startsWith(`${key} `)))) {
      this.#first = { key, at: Date.now() };
    }
  }

  /** The page's own keys come after those of the app and win. */
  #find(key: string): Shortcut | undefined {
    return this.#list.filter((group) => group.keys[key]).at(-1)?.keys[key];
  }
}

/** Whether the key belongs to the field or control that has the focus. */
function isWriting(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) {
    return false;
  }
  if (document.querySelector("dialog[open]")) {
    return true;
  }
  if (target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox]):not([type=radio])")) {
    return true;
  }
  const isOperating = ["Enter", " "].includes(event.key) && target.closest("button, a, summary, input") !== null;
  const isChoosing = event.key.startsWith("Arrow") && target.closest("input[type=radio]") !== null;
  return isOperating || isChoosing;
}

export const shortcuts = new Shortcuts();
