/** Numbers, times, places and pay as a person reads them. */

import type { PlaceJson, PostingJson, SalaryJson } from "../gen/aerie/pipeline/v1/posting_pb";
import { t } from "../strings";

const LOCALE = "en-GB";
const number = new Intl.NumberFormat(LOCALE);
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const day = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short" });
const dayAndYear = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", year: "numeric" });
const clock = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit" });
const regions = new Intl.DisplayNames("en", { type: "region" });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function count(value: number): string {
  return number.format(value);
}

/** "1.5 MiB". */
export function size(bytes: number): string {
  const steps = ["B", "KiB", "MiB", "GiB", "TiB"];
  const step = Math.min(steps.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  const value = bytes / 1024 ** step;
  return `${number.format(step === 0 || value >= 100 ? Math.round(value) : Math.round(value * 10) / 10)} ${steps[step]}`;
}

/** "3 hours ago", "in 2 days"; further away than a month the day itself. */
export function ago(time: string | Date | undefined, now: Date = new Date()): string {
  if (!time) {
    return "";
  }
  const date = new Date(time);
  const away = date.getTime() - now.getTime();
  const size = Math.abs(away);
  if (size < MINUTE) {
    return t.time.now;
  }
  if (size < HOUR) {
    return relative.format(Math.trunc(away / MINUTE), "minute");
  }
  if (size < DAY) {
    return relative.format(Math.trunc(away / HOUR), "hour");
  }
  if (size < 30 * DAY) {
    return relative.format(Math.trunc(away / DAY), "day");
  }
  return onDay(date, now);
}

/** "3 Mar", with the year when it is another one. */
export function onDay(time: string | Date | undefined, now: Date = new Date()): string {
  if (!time) {
    return "";
  }
  const date = new Date(time);
  return (date.getFullYear() === now.getFullYear() ? day : dayAndYear).format(date);
}

/** "3 Mar, 14:00". */
export function at(time: string | Date | undefined): string {
  return time ? `${onDay(time)}, ${clock.format(new Date(time))}` : "";
}

export function timeOfDay(time: string | Date): string {
  return clock.format(new Date(time));
}

/** "80–95k EUR a year". */
export function pay(salary: SalaryJson | undefined): string {
  const low = amount(salary?.minimum);
  const high = amount(salary?.maximum);
  if (!salary || (low === undefined && high === undefined)) {
    return "";
  }
  const bounds = [low, high].filter((bound) => bound !== undefined);
  const inThousands = bounds.every((bound) => bound >= 10_000 && bound % 100 === 0);
  const shown = (bound: number) => (inThousands ? String(bound / 1000) : number.format(bound));
  let range: string;
  if (low !== undefined && high !== undefined && low !== high) {
    range = `${shown(low)}–${shown(high)}`;
  } else if (low !== undefined && high === undefined) {
    range = t.pay.from(shown(low));
  } else if (low === undefined && high !== undefined) {
    range = t.pay.upTo(shown(high));
  } else {
    range = shown(low ?? 0);
  }
  const period = t.pay.periods[(salary.period ?? "PAY_PERIOD_UNSPECIFIED") as keyof typeof t.pay.periods] ?? "";
  const parts = [`${range}${inThousands ? "k" : ""}`, salary.currency ?? "", period];
  return `${parts.filter(Boolean).join(" ")}${salary.predicted ? ` (${t.pay.estimated})` : ""}`;
}

function amount(value: number | string | undefined): number | undefined {
  const parsed = Number(value);
  return value === undefined || !Number.isFinite(parsed) ? undefined : parsed;
}

export function place(one: PlaceJson): string {
  const country = one.country ? countryName(one.country) : "";
  if (one.city) {
    return one.region && one.country === "US" ? `${one.city}, ${one.region}` : `${one.city}${country ? `, ${country}` : ""}`;
  }
  return [one.region, country].filter(Boolean).join(", ");
}

function countryName(code: string): string {
  try {
    return regions.of(code) ?? code;
  } catch {
    return code;
  }
}

/** "Berlin, Germany +2 · Remote". */
export function whereOf(posting: PostingJson | undefined, most = 1): string {
  const places = (posting?.places ?? []).map(place).filter(Boolean);
  const shown = places.slice(0, most).join(" · ");
  const rest = places.length > most ? ` +${places.length - most}` : "";
  const kind = t.remote[(posting?.remoteKind ?? "REMOTE_KIND_UNSPECIFIED") as keyof typeof t.remote] ?? "";
  return [shown + rest, kind].filter(Boolean).join(" · ");
}

/** "45 s", "3 min", "2 h". */
export function duration(milliseconds: number): string {
  if (milliseconds < 1_000) {
    return `${Math.round(milliseconds)} ms`;
  }
  if (milliseconds < MINUTE) {
    return `${(milliseconds / 1_000).toFixed(milliseconds < 10_000 ? 1 : 0)} s`;
  }
  return milliseconds < HOUR ? `${Math.round(milliseconds / MINUTE)} min` : `${(milliseconds / HOUR).toFixed(1)} h`;
}

/** The value that an `<input type="datetime-local">` takes, in this browser's time zone. */
export function forInput(time: string | Date | undefined): string {
  if (!time) {
    return "";
  }
  const date = new Date(time);
  const local = new Date(date.getTime() - date.getTimezoneOffset() * MINUTE);
  return local.toISOString().slice(0, 16);
}

/** What such an input gives, as the wire takes it; none when it is empty or not a time. */
export function fromInput(value: string): string | undefined {
  const date = new Date(value);
  return value === "" || Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

export const zone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;
