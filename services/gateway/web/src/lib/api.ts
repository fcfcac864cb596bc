/** The services, typed from `proto/`, over the gateway's JSON form: no protobuf code is loaded into the browser. */

import type { DescMessage, MessageJsonType } from "@bufbuild/protobuf";
import type { GenService } from "@bufbuild/protobuf/codegenv2";
import type { LlmService as LlmServiceDescriptor } from "../gen/aerie/llm/v1/llm_service_pb";
import type { DeletionService as DeletionDescriptor } from "../gen/aerie/pipeline/v1/deletion_service_pb";
import type { DiscoveryService as DiscoveryDescriptor } from "../gen/aerie/pipeline/v1/discovery_service_pb";
import type { IntegrationsService as IntegrationsDescriptor } from "../gen/aerie/pipeline/v1/integrations_service_pb";
import type { InterviewsService as InterviewsDescriptor } from "../gen/aerie/pipeline/v1/interviews_service_pb";
import type { JobsService as JobsDescriptor } from "../gen/aerie/pipeline/v1/jobs_service_pb";
import type { LettersService as LettersDescriptor } from "../gen/aerie/pipeline/v1/letters_service_pb";
import type { MailService as MailDescriptor } from "../gen/aerie/pipeline/v1/mail_service_pb";
import type { MatchService as MatchDescriptor } from "../gen/aerie/pipeline/v1/match_service_pb";
import type { MovingService as MovingDescriptor } from "../gen/aerie/pipeline/v1/moving_service_pb";
import type { ProfileService as ProfileDescriptor } from "../gen/aerie/pipeline/v1/profile_service_pb";
import type { ResearchService as ResearchDescriptor } from "../gen/aerie/pipeline/v1/research_service_pb";
import type { SurveysService as SurveysDescriptor } from "../gen/aerie/pipeline/v1/surveys_service_pb";
import type { TasksService as TasksDescriptor } from "../gen/aerie/pipeline/v1/tasks_service_pb";
import type { AccountsService as AccountsDescriptor } from "../gen/aerie/platform/v1/accounts_service_pb";
import type { SystemService as SystemDescriptor } from "../gen/aerie/platform/v1/system_service_pb";
import type { VisionService as VisionDescriptor } from "../gen/aerie/vision/v1/vision_service_pb";
import { account, proof } from "./account.svelte";
import { connection } from "./connection.svelte";
import { ApiError, failureOf } from "./errors";
import { recall, remember } from "./memory";

/** How one call is made. */
export interface CallOptions {
  /** Ends the call early. */
  signal?: AbortSignal;
  /** Keeps the answer, and gives it out again while the server cannot be reached. For calls that only read. */
  remembered?: boolean;
  /** Longest wait in milliseconds. */
  timeout?: number;
}

type Methods<S> = S extends GenService<infer M> ? M : never;
type Unary<M> = {
  [K in keyof M as M[K] extends { methodKind: "unary" } ? K : never]: M[K] extends {
    input: infer I extends DescMessage;
    output: infer O extends DescMessage;
  }
    ? (request: MessageJsonType<I>, options?: CallOptions) => Promise<MessageJsonType<O>>
    : never;
};

/** Every call without a stream of a service. */
export type Client<S> = Unary<Methods<S>>;

const PATIENCE = 30_000;
/** Most characters of a request that outlives its page; all of them together may have 64 KiB. */
const KEPT_ALIVE = 4_000;
const MOST_TRIES = 4;
const LONGEST_WAIT = 5_000;

/** A client for a service by its full name. */
function client<S>(service: string): Client<S> {
  const methods = new Map<string, unknown>();
  return new Proxy({} as object, {
    get(_, name) {
      if (typeof name !== "string") {
        return undefined;
      }
      let method = methods.get(name);
      if (!method) {
        const path = `${service}/${name.charAt(0).toUpperCase()}${name.slice(1)}`;
        method = (request: unknown, options?: CallOptions) => call(path, request, options ?? {});
        methods.set(name, method);
      }
      return method;
    },
  }) as Client<S>;
}

async function call(path: string, request: unknown, options: CallOptions): Promise<unknown> {
  const body = JSON.stringify(request);
  try {
    const answer = await post(path, body, options);
    connection.reached();
    if (options.remembered) {
      // Not waited for: a full disk must not delay the page.
      void remember(path, body, answer);
    }
    return answer;
  } catch (error) {
    if (error instanceof ApiError && error.isOffline) {
      connection.lost();
      const kept = options.remembered ? await recall(path, body) : undefined;
      if (kept !== undefined) {
        return kept;
      }
    }
    if (error instanceof ApiError && error.isUnknown) {
      account.missing(error.signIn);
    }
    throw error;
  }
}

/** Sends a call; one that was turned away for coming too soon did nothing, so it is sent again when the server says. */
async function post(path: string, body: string, options: CallOptions): Promise<unknown> {
  for (let tries = 1; ; tries += 1) {
    const response = await send(path, body, options);
    if (response.ok) {
      return response.json();
    }
    const wait = Number(response.headers.get("retry-after") ?? 0) * 1_000;
    if (response.status !== 429 || tries >= MOST_TRIES || wait > LONGEST_WAIT) {
      throw await failureOf(response);
    }
    await new Promise((resolve) => setTimeout(resolve, wait || 500));
    options.signal?.throwIfAborted();
  }
}

async function send(path: string, body: string, options: CallOptions): Promise<Response> {
  const limit = AbortSignal.timeout(options.timeout ?? PATIENCE);
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  try {
    return await fetch(`/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "connect-timeout-ms": String(options.timeout ?? PATIENCE), ...proof() },
      body,
      signal,
      // A change is sent to its end although the page is left meanwhile. Browsers allow that for short ones.
      keepalive: !options.remembered && body.length < KEPT_ALIVE,
    });
  } catch (error) {
    options.signal?.throwIfAborted();
    throw ApiError.offline(error);
  }
}

/** Calls by service. A new service is one line here. */
export const api = {
  accounts: client<typeof AccountsDescriptor>("aerie.platform.v1.AccountsService"),
  deletion: client<typeof DeletionDescriptor>("aerie.pipeline.v1.DeletionService"),
  discovery: client<typeof DiscoveryDescriptor>("aerie.pipeline.v1.DiscoveryService"),
  integrations: client<typeof IntegrationsDescriptor>("aerie.pipeline.v1.IntegrationsService"),
  interviews: client<typeof InterviewsDescriptor>("aerie.pipeline.v1.InterviewsService"),
  jobs: client<typeof JobsDescriptor>("aerie.pipeline.v1.JobsService"),
  letters: client<typeof LettersDescriptor>("aerie.pipeline.v1.LettersService"),
  mail: client<typeof MailDescriptor>("aerie.pipeline.v1.MailService"),
  match: client<typeof MatchDescriptor>("aerie.pipeline.v1.MatchService"),
  moving: client<typeof MovingDescriptor>("aerie.pipeline.v1.MovingService"),
  profile: client<typeof ProfileDescriptor>("aerie.pipeline.v1.ProfileService"),
  research: client<typeof ResearchDescriptor>("aerie.pipeline.v1.ResearchService"),
  surveys: client<typeof SurveysDescriptor>("aerie.pipeline.v1.SurveysService"),
  tasks: client<typeof TasksDescriptor>("aerie.pipeline.v1.TasksService"),
  system: client<typeof SystemDescriptor>("aerie.platform.v1.SystemService"),
  llm: client<typeof LlmServiceDescriptor>("aerie.llm.v1.LlmService"),
  vision: client<typeof VisionDescriptor>("aerie.vision.v1.VisionService"),
};

/** Which services serve, as `/readyz` says. */
export async function readiness(): Promise<{ ready: boolean; services: Record<string, string> }> {
  const response = await fetch("/readyz", { signal: AbortSignal.timeout(PATIENCE) }).catch((error: unknown) => {
    throw ApiError.offline(error);
  });
  return (await response.json()) as { ready: boolean; services: Record<string, string> };
}
