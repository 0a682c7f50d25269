import type { ApiProblem } from './api/problem';
import { backoffDelay } from './backoff';
import { messages } from './messages';

/** A message that the server has not confirmed yet. It survives reload and restart of the browser. */
export interface PendingMessage {
  /** Chosen once; every retry uses the same, so the server stores one message whatever happens. */
  client_id: string;
  user_id: string;
  conversation_id: string;
  body: string;
  /** ISO time of pressing Enter. Only shown; never used for order. */
  created_at: string;
  /** Grows with every message of this device. */
  order: number;
  state: 'queued' | 'failed';
  /** Why it failed, or why it is not sent right now, in words for the person. */
  reason?: string;
}

/** The one to send next: strictly in order within a conversation; failed ones wait for the person. */
export function nextToSend(pending: readonly PendingMessage[]): PendingMessage | undefined {
  let next: PendingMessage | undefined;
  for (const one of pending) {
    if (one.state === 'queued' && (!next || one.order < next.order)) next = one;
  }
  return next;
}

export function inOrder(pending: readonly PendingMessage[]): PendingMessage[] {
  return [...pending].sort((a, b) => a.order - b.order);
}

export type Decision =
  /** Try the same again after `ms`. With a reason: not before, whatever happens, and the person is told. */
  | { kind: 'retry'; ms: number; reason?: string }
  /** The session is over: the message waits until this person is back. */
  | { kind: 'wait' }
  /** Trying again would not help: show why, with Retry and Delete. */
  | { kind: 'fail'; reason: string };

const RETRY = { base: 1_000, cap: 30_000 };

/** What to do after a POST failed for the `attempt`-th time in a row (0 = first). */
export function decide(problem: ApiProblem, attempt: number, random?: () => number): Decision {
  if (problem.status === 401) return { kind: 'wait' };
  if (problem.temporary) {
    const ms = Math.max(problem.retryAfterMs ?? 0, 300 + backoffDelay(attempt, RETRY, random));
    if (problem.status === 429) return { kind: 'retry', ms, reason: messages.limits.paced };
    return { kind: 'retry', ms };
  }
  return { kind: 'fail', reason: reasonOf(problem) };
}

function reasonOf(problem: ApiProblem): string {
  switch (problem.slug) {
    case 'too-large':
      return messages.sendErrors.tooLong;
    case 'not-found':
      return messages.sendErrors.notFound;
    case 'forbidden':
      return messages.sendErrors.forbidden;
    case 'client-id-reused':
      return messages.sendErrors.reused;
    default:
      return problem.detail || messages.sendErrors.refused;
  }
}
