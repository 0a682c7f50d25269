/** Exponential back-off with full jitter: uniform in [0, min(cap, base * 2^attempt)]. Milliseconds. */
export interface BackoffOptions {
  base: number;
  cap: number;
}

export const RECONNECT: BackoffOptions = { base: 500, cap: 30_000 };

/** The delay before try number `attempt` (0 = the first retry). `random` is uniform in [0, 1). */
export function backoffDelay(
  attempt: number,
  options = RECONNECT,
  random: () => number = Math.random,
): number {
  // 2^31 is far above every cap and still an exact number.
  const ceiling = Math.min(options.cap, options.base * 2 ** Math.min(attempt, 31));
  return Math.round(random() * ceiling);
}

/** The wish of a server that restarts: close reason "retry_after_ms=1234". Undefined when it says nothing. */
export function retryAfterMs(reason: string): number | undefined {
  const found = /(?:^|[\s;,])retry_after_ms=(\d{1,6})(?:$|[\s;,])/.exec(reason);
  return found?.[1] === undefined ? undefined : Number(found[1]);
}

/** Resolves after `ms`, or at once when the signal is aborted. Never rejects. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}
