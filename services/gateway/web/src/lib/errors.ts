/** What a call can end with, besides an answer. */

/** A call that failed. */
export class ApiError extends Error {
  constructor(
    /** Code as the Connect protocol names it: "not_found". */
    readonly code: string,
    message: string,
    /** Reason in capitals, where the server gave one. */
    readonly reason = "",
    /** Fields that were wrong, where the server named them. */
    readonly fields: { field: string; description: string }[] = [],
    /** Where to sign in, when that is what is missing and the server signs people in. */
    readonly signIn = "",
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** The server could not be reached. */
  static offline(cause: unknown): ApiError {
    const error = new ApiError("offline", "The server cannot be reached.");
    error.cause = cause;
    return error;
  }

  get isOffline(): boolean {
    return this.code === "offline";
  }

  /** Nobody is signed in, or no longer. */
  get isUnknown(): boolean {
    return this.code === "unauthenticated";
  }

  get isNotFound(): boolean {
    return this.code === "not_found";
  }
}

interface WireError {
  code?: string;
  message?: string;
  details?: { type?: string; debug?: Record<string, unknown> }[];
}

/** Reads an answer that is an error. */
export async function failureOf(response: Response): Promise<ApiError> {
  const text = await response.text();
  let wire: WireError;
  try {
    wire = JSON.parse(text) as WireError;
  } catch {
    wire = {};
  }
  const detail = (type: string) => wire.details?.find((one) => one.type === type)?.debug;
  const info = detail("google.rpc.ErrorInfo");
  const reason = info?.["reason"];
  const signIn = (info?.["metadata"] as Record<string, unknown> | undefined)?.["sign_in"];
  const violations = detail("google.rpc.BadRequest")?.["fieldViolations"];
  const fields = Array.isArray(violations) ? (violations as { field: string; description: string }[]) : [];
  const said = fields.length > 0 ? fields.map((one) => `${one.field} ${one.description}`).join("; ") : wire.message;
  return new ApiError(
    wire.code ?? "unknown",
    sentence(said || `The server answered ${response.status}.`),
    typeof reason === "string" ? reason : "",
    fields,
    typeof signIn === "string" ? signIn : "",
  );
}

/** What to show a person for anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? sentence(error.message) : String(error);
}

function sentence(text: string): string {
  const trimmed = text.trim();
  const first = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
