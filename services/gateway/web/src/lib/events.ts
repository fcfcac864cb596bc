/**
 * The event stream: everything that changes, numbered. It goes on where it broke off, whether the network, the server or
 * the laptop was away, and only one tab of the browser holds the connection (browsers allow few for each server).
 */

/** One event. */
export interface AerieEvent {
  sequence: number;
  kind: string;
  subjectId: string;
  time: string;
  data: Record<string, unknown>;
  /** Events were missed that are no longer kept: everything is to be read again. */
  resync: boolean;
}

export type StreamState = "connecting" | "live" | "broken";

const PATH = "/aerie.pipeline.v1.EventsService/Subscribe";
const CHANNEL = "aerie-events";
const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
/** A clock that jumped further than this between two ticks means that the machine slept. */
const TICK = 5_000;
const SLEPT = 20_000;

export interface Source {
  readonly readyState: number;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent<string>) => void) | null;
  addEventListener(type: string, listener: (event: Event) => void): void;
  close(): void;
}

/** What a stream needs of the browser; tests bring their own. */
export interface Surroundings {
  open: (url: string) => Source;
  wait: (callback: () => void, milliseconds: number) => () => void;
}

export const browser: Surroundings = {
  open: (url) => new EventSource(url),
  wait: (callback, milliseconds) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** One connection that heals itself. */
export class EventConnection {
  #last: number | undefined;
  #source: Source | undefined;
  #cancel: (() => void) | undefined;
  #wait = FIRST_WAIT;
  #isStopped = false;

  constructor(
    readonly onEvent: (event: AerieEvent) => void,
    readonly onState: (state: StreamState) => void,
    readonly surroundings: Surroundings = browser,
  ) {}

  /** The number of the last event that arrived. */
  get last(): number | undefined {
    return this.#last;
  }

  /** Opens the stream after an event; without one, only what happens from now on comes. */
  start(after?: number): void {
    this.#last = after ?? this.#last;
    this.#isStopped = false;
    this.reconnect();
  }

  stop(): void {
    this.#isStopped = true;
    this.#drop();
  }

  /** Opens a new connection now, whatever the present one thinks of itself. */
  reconnect(): void {
    this.#drop();
    if (this.#isStopped) {
      return;
    }
    this.onState("connecting");
    const message = this.#last === undefined ? {} : { afterSequence: String(this.#last) };
    const source = this.surroundings.open(`${PATH}?message=${encodeURIComponent(JSON.stringify(message))}`);
    this.#source = source;
    source.onopen = () => {
      this.#wait = FIRST_WAIT;
      this.onState("live");
    };
    source.onmessage = (event) => this.#take(event.data);
    // Both a broken connection and an `error` event of the server arrive here; so does a stream that ended.
    for (const type of ["error", "end"]) {
      source.addEventListener(type, () => this.#broken(source));
    }
  }

  #take(text: string): void {
    const event = parse(text);
    if (!event) {
      return;
    }
    if (event.sequence > 0) {
      if (this.#last !== undefined && event.sequence <= this.#last && !event.resync) {
        return;
      }
      this.#last = event.sequence;
    }
    this.onEvent(event);
  }

  #broken(source: Source): void {
    if (source !== this.#source) {
      return;
    }
    this.#drop();
    this.onState("broken");
    if (!this.#isStopped) {
      this.#cancel = this.surroundings.wait(() => this.reconnect(), this.#wait);
      this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
    }
  }

  #drop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#source?.close();
    this.#source = undefined;
  }
}

/** Reads one message of the stream; none when it is not one. */
export function parse(text: string): AerieEvent | undefined {
  let wire: Record<string, unknown>;
  try {
    wire = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  return {
    sequence: Number(wire["sequence"] ?? 0),
    kind: String(wire["kind"] ?? ""),
    subjectId: String(wire["subjectId"] ?? ""),
    time: String(wire["time"] ?? ""),
    data: (wire["data"] as Record<string, unknown> | undefined) ?? {},
    resync: wire["resync"] === true,
  };
}

type Listener = (event: AerieEvent) => void;

/** What tabs tell each other. */
type Told = { event: AerieEvent } | { state: StreamState; last: number | undefined } | { ask: true };

/** The stream as the whole browser has it. */
class Events {
  #listeners = new Set<Listener>();
  #states = new Set<(state: StreamState) => void>();
  #channel: BroadcastChannel | undefined;
  #connection: EventConnection | undefined;
  #last: number | undefined;
  #state: StreamState = "connecting";

  /** Begins to listen. The first tab connects; others hear from it, and one of them takes over when it closes. */
  start(): void {
    if ("BroadcastChannel" in globalThis && navigator.locks) {
      this.#channel = new BroadcastChannel(CHANNEL);
      this.#channel.onmessage = (message: MessageEvent<Told>) => this.#hear(message.data);
      this.#channel.postMessage({ ask: true } satisfies Told);
      void navigator.locks.request(CHANNEL, () => {
        this.#lead();
        // Held for as long as this tab lives.
        return new Promise<void>(() => {});
      });
    } else {
      this.#lead();
    }
    this.#watchForSleep();
  }

  /** Calls back for every event; returns how to stop that. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls back for the present state and every other one. */
  watch(listener: (state: StreamState) => void): () => void {
    this.#states.add(listener);
    listener(this.#state);
    return () => this.#states.delete(listener);
  }

  #lead(): void {
    this.#connection = new EventConnection(
      (event) => {
        this.#deliver(event);
        this.#tell({ event });
      },
      (state) => {
        this.#turn(state);
        this.#tell({ state, last: this.#connection?.last });
      },
    );
    this.#connection.start(this.#last);
  }

  #hear(told: Told): void {
    if ("event" in told) {
      this.#deliver(told.event);
    } else if ("state" in told) {
      this.#last = told.last ?? this.#last;
      this.#turn(told.state);
    } else if (this.#connection) {
      this.#tell({ state: this.#state, last: this.#connection.last });
    }
  }

  #tell(told: Told): void {
    this.#channel?.postMessage(told);
  }

  #deliver(event: AerieEvent): void {
    if (event.sequence > 0) {
      this.#last = event.sequence;
    }
    for (const listener of this.#listeners) {
      listener(event);
    }
  }

  #turn(state: StreamState): void {
    this.#state = state;
    for (const listener of this.#states) {
      listener(state);
    }
  }

  #watchForSleep(): void {
    let before = Date.now();
    setInterval(() => {
      const now = Date.now();
      if (now - before > SLEPT) {
        this.#connection?.reconnect();
      }
      before = now;
    }, TICK);
    addEventListener("online", () => this.#connection?.reconnect());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible" && this.#state === "broken") {
        this.#connection?.reconnect();
      }
    });
  }
}

export const events = new Events();
