/** An order that a person changes: it shows at once, is kept by the server in the order of the changes, and goes back when refused. */

/** The list with one entry moved to another place; places beyond the ends are the ends. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const rest = list.filter((_, at) => at !== from);
  const entry = list[from];
  return entry === undefined ? [...list] : [...rest.slice(0, to), entry, ...rest.slice(Math.max(0, to))];
}

export class Ordering {
  /** The names as they stand now. */
  names = $state.raw<readonly string[]>([]);
  #kept: readonly string[] = [];
  #work: Promise<unknown> = Promise.resolve();
  #sending = 0;

  constructor(
    readonly keep: (names: string[]) => Promise<unknown>,
    readonly failed: (error: unknown) => void,
  ) {}

  /** What the server has. While a change is on its way, that change is newer. */
  take(names: readonly string[]): void {
    this.#kept = names;
    if (this.#sending === 0) {
      this.names = names;
    }
  }

  /** Moves an entry; whether that changes anything. */
  move(from: number, to: number): boolean {
    const place = Math.max(0, Math.min(to, this.names.length - 1));
    if (place === from || this.names[from] === undefined) {
      return false;
    }
    const names = moved(this.names, from, place);
    this.names = names;
    this.#sending += 1;
    this.#work = this.#work.then(() => this.#send(names));
    return true;
  }

  /** Until everything so far is kept or refused. */
  async settled(): Promise<void> {
    await this.#work;
  }

  async #send(names: string[]): Promise<void> {
    try {
      await this.keep(names);
      this.#kept = names;
    } catch (error) {
      this.failed(error);
    }
    this.#sending -= 1;
    if (this.#sending === 0) {
      this.names = this.#kept;
    }
  }
}
