/** Short messages at the edge of the screen, read out by screen readers. */

import { messageOf } from "./errors";

export interface Notice {
  id: number;
  kind: "done" | "problem";
  text: string;
  /** A button on the message. */
  action?: { label: string; run: () => void };
}

/** Problems stay until they are closed; what was done goes by itself. */
const SHOWN = 7_000;
const MOST = 4;

class Notices {
  list = $state<Notice[]>([]);
  #last = 0;

  done(text: string, action?: Notice["action"]): void {
    const id = this.#add({ kind: "done", text, ...(action ? { action } : {}) });
    setTimeout(() => this.close(id), SHOWN);
  }

  problem(what: string, error: unknown): void {
    this.#add({ kind: "problem", text: `${what} ${messageOf(error)}` });
  }

  close(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }

  #add(notice: Omit<Notice, "id">): number {
    this.#last += 1;
    this.list = [...this.list, { id: this.#last, ...notice }].slice(-MOST);
    return this.#last;
  }
}

export const notices = new Notices();
