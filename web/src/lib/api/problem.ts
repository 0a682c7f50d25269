import { messages } from '../messages';

export interface ProblemField {
  /** Which part of the request, e.g. "body.username". */
  location: string;
  message: string;
}

/** The one error every call of the API throws: RFC 9457 as the server wrote it, or slug "network" with status 0. */
export class ApiProblem extends Error {
  readonly slug: string;
  readonly status: number;
  /** A sentence that may be shown. */
  readonly detail: string;
  readonly errors: ProblemField[];
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** For support: the request id of the server. */
  readonly requestId: string | undefined;
  /** Of second-factor-required: the secret of the second step, and the ways to take it. */
  readonly challenge: string | undefined;
  readonly methods: string[];

  constructor(init: {
    slug: string;
    status: number;
    detail?: string;
    errors?: ProblemField[];
    retryAfterMs?: number;
    requestId?: string;
    challenge?: string;
    methods?: string[];
  }) {
    super(`${init.status} ${init.slug}`);
    this.name = 'ApiProblem';
    this.slug = init.slug;
    this.status = init.status;
    this.detail = init.detail || messages.errors.unknown;
    this.errors = init.errors ?? [];
    this.retryAfterMs = init.retryAfterMs;
    this.requestId = init.requestId;
    this.challenge = init.challenge;
    this.methods = init.methods ?? [];
  }

  /** Whether the same request may succeed later without a change: no connection, overload, a server error. */
  get temporary(): boolean {
    return (
      this.status === 0 ||
      this.status === 408 ||
      this.status === 425 ||
      this.status === 429 ||
      this.status >= 500
    );
  }
}

/** Whatever was thrown, as an ApiProblem. What is not one was a failure of the network. */
export function toProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  return new ApiProblem({ slug: 'network', status: 0, detail: messages.errors.network });
}

function field(value: unknown): ProblemField | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { location, message } = value as { location?: unknown; message?: unknown };
  return typeof message === 'string'
    ? { location: typeof location === 'string' ? location : '', message }
    : undefined;
}

/** Seconds or an HTTP date. */
function retryAfter(header: string | null): number | undefined {
  if (!header) return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** The problem in an answer that is not 2xx; survives bodies that are no problem+json (a proxy's page). */
export function problemOf(response: Response, body: unknown): ApiProblem {
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const type = typeof fields.type === 'string' ? fields.type : '';
  const slug =
    /\/problems\/([a-z0-9-]+)$/.exec(type)?.[1] ?? (response.status >= 500 ? 'unavailable' : 'unknown');
  return new ApiProblem({
    slug,
    status: response.status,
    detail: typeof fields.detail === 'string' ? fields.detail : undefined,
    errors: Array.isArray(fields.errors) ? fields.errors.map(field).filter((f) => f !== undefined) : [],
    retryAfterMs: retryAfter(response.headers.get('Retry-After')),
    requestId: response.headers.get('X-Request-Id') ?? undefined,
    challenge: typeof fields.challenge === 'string' ? fields.challenge : undefined,
    methods: Array.isArray(fields.methods) ? fields.methods.filter((m) => typeof m === 'string') : [],
  });
}
