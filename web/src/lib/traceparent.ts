/**
 * A new W3C traceparent (version 00, sampled): the server's spans and log lines of this request carry its
 * trace id. The browser records no spans; whether the server does is the operator's choice.
 */
export function newTraceparent(): string {
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(24)), (b) =>
    b.toString(16).padStart(2, '0'),
  ).join('');
  return `00-${hex.slice(0, 32)}-${hex.slice(32)}-01`;
}
