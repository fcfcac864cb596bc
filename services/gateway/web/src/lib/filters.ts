/** What the review queue shows, as it stands in the address. */

import type { ListJobsRequestJson } from "../gen/aerie/pipeline/v1/jobs_service_pb";
import type { RemoteKindJson } from "../gen/aerie/pipeline/v1/posting_pb";

export const SORTS = ["score", "new", "posted"] as const;
export type Sort = (typeof SORTS)[number];

export const KINDS = ["remote", "hybrid", "on_site"] as const;
export type Kind = (typeof KINDS)[number];

export interface Filters {
  query: string;
  minimum: number;
  kinds: Kind[];
  sources: string[];
  sort: Sort;
}

const ORDERS: Record<Sort, string> = { score: "score desc", new: "create_time desc", posted: "post_time desc" };

/** Reads the question part of an address; what is not understood is left out. */
export function readFilters(search: URLSearchParams): Filters {
  const list = (name: string) => (search.get(name) ?? "").split(",").filter(Boolean);
  const minimum = Number(search.get("min") ?? 0);
  return {
    query: (search.get("q") ?? "").slice(0, 200),
    minimum: Number.isFinite(minimum) ? Math.max(0, Math.min(100, minimum)) : 0,
    kinds: KINDS.filter((kind) => list("where").includes(kind)),
    sources: list("from").slice(0, 50),
    sort: SORTS.find((sort) => sort === search.get("sort")) ?? "score",
  };
}

/** Writes them into an address; what is as usual is left out. */
export function writeFilters(filters: Filters): Record<string, string | undefined> {
  return {
    q: filters.query.trim() || undefined,
    min: filters.minimum > 0 ? String(filters.minimum) : undefined,
    where: filters.kinds.join(",") || undefined,
    from: filters.sources.join(",") || undefined,
    sort: filters.sort === "score" ? undefined : filters.sort,
  };
}

/** How many of them narrow the queue. */
export function narrowing(filters: Filters): number {
  return [filters.query, filters.minimum > 0, filters.kinds.length > 0, filters.sources.length > 0].filter(Boolean).length;
}

/** The call's form of them. */
export function asRequest(filters: Filters): ListJobsRequestJson {
  return {
    statuses: ["JOB_STATUS_PENDING"],
    orderBy: ORDERS[filters.sort],
    ...(filters.query.trim() ? { query: filters.query.trim() } : {}),
    ...(filters.minimum > 0 ? { minimumScore: filters.minimum } : {}),
    ...(filters.kinds.length > 0
      ? { remoteKinds: filters.kinds.map((kind) => `REMOTE_KIND_${kind.toUpperCase()}` as RemoteKindJson) }
      : {}),
    ...(filters.sources.length > 0 ? { sources: filters.sources } : {}),
  };
}
