/** The board: applications by stage, with moves that show at once and go back when the server refuses. */

import type { AppointmentJson, BoardColumnJson, ReminderJson } from "../gen/aerie/pipeline/v1/interviews_service_pb";
import type { JobJson, JobStatusJson, ListJobsResponseJson } from "../gen/aerie/pipeline/v1/jobs_service_pb";
import { COLUMNS, stageOf, statusOf, type Stage } from "./stages";

export interface Card {
  id: string;
  job: JobJson;
  /** Since when it is in its stage. */
  since?: string | undefined;
  appointment?: AppointmentJson | undefined;
  reminder?: ReminderJson | undefined;
}

export interface Column {
  stage: Stage;
  cards: Card[];
  /** More than there are cards when the column is long. */
  total: number;
}

export interface BoardCalls {
  move(id: string, to: JobStatusJson): Promise<unknown>;
  revert(id: string): Promise<unknown>;
}

export class Board {
  /** What the server said last. */
  #told = $state.raw<Column[]>([]);
  /** Moves that it has not confirmed yet. */
  #moves = $state.raw<ReadonlyMap<string, Stage>>(new Map());

  columns = $derived(apply(this.#told, this.#moves));

  constructor(
    readonly calls: BoardCalls,
    readonly onProblem: (error: unknown) => void,
  ) {}

  take(columns: readonly BoardColumnJson[], approved: ListJobsResponseJson): void {
    const told = new Map<Stage, Column>(COLUMNS.map((stage) => [stage, { stage, cards: [], total: 0 }]));
    told.set("approved", {
      stage: "approved",
      cards: (approved.jobs ?? []).map((job) => ({
        id: job.id ?? "",
        job,
        since: job.stageTimes?.find((one) => one.status === "JOB_STATUS_APPROVED")?.time,
      })),
      total: approved.totalSize ?? 0,
    });
    for (const column of columns) {
      const stage = stageOf(column.status);
      const cards = (column.cards ?? []).map((card) => ({
        id: card.job?.id ?? "",
        job: card.job ?? {},
        since: card.stageTime,
        appointment: card.nextAppointment,
        reminder: card.nextReminder,
      }));
      told.set(stage, { stage, cards, total: column.totalSize ?? cards.length });
    }
    this.#told = COLUMNS.flatMap((stage) => told.get(stage) ?? []);
  }

  find(id: string): Card | undefined {
    return this.columns.flatMap((column) => column.cards).find((card) => card.id === id);
  }

  stageOf(id: string): Stage | undefined {
    return this.columns.find((column) => column.cards.some((card) => card.id === id))?.stage;
  }

  /** Moves a job; says whether the server agreed. */
  async move(id: string, to: Stage): Promise<boolean> {
    return this.#try(id, to, () => this.calls.move(id, statusOf(to)));
  }

  /** Takes a job's last move back. Where it goes is for the server to say. */
  async revert(id: string): Promise<boolean> {
    return this.#try(id, undefined, () => this.calls.revert(id));
  }

  async #try(id: string, to: Stage | undefined, call: () => Promise<unknown>): Promise<boolean> {
    const set = (stage: Stage | undefined) => {
      const moves = new Map(this.#moves);
      if (stage) {
        moves.set(id, stage);
      } else {
        moves.delete(id);
      }
      this.#moves = moves;
    };
    if (to) {
      set(to);
    }
    try {
      await call();
      if (to) {
        this.#told = apply(this.#told, new Map([[id, to]]));
      }
      return true;
    } catch (error) {
      this.onProblem(error);
      return false;
    } finally {
      set(undefined);
    }
  }
}

/** The columns after moves. */
function apply(columns: Column[], moves: ReadonlyMap<string, Stage>): Column[] {
  if (moves.size === 0) {
    return columns;
  }
  const isMoved = (column: Column, card: Card) => moves.has(card.id) && moves.get(card.id) !== column.stage;
  const moved = columns.flatMap((column) => column.cards.filter((card) => isMoved(column, card)));
  return columns.map((column) => {
    const left = column.cards.filter((card) => !isMoved(column, card));
    const come = moved.filter((card) => moves.get(card.id) === column.stage);
    const total = column.total - (column.cards.length - left.length) + come.length;
    return { ...column, cards: [...come, ...left], total };
  });
}
