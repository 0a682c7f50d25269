import { describe, expect, it, vi } from 'vitest';
import type { Message } from './api';
import { ApiProblem } from './api/problem';
import { messages } from './messages';
import { Outbox, pendingNow } from './outbox';
import { decide, nextToSend, type PendingMessage } from './outbox-state';
import { inMemory, type OutboxStore } from './outbox-store';
import { ME, message } from './testing';

const problem = (status: number, slug = 'x', retryAfterMs?: number) =>
  new ApiProblem({ status, slug, retryAfterMs });

describe('what happens after a failure', () => {
  it.each([0, 408, 429, 500, 502, 503])('%i is tried again', (status) => {
    expect(decide(problem(status), 0, () => 0.5)).toMatchObject({ kind: 'retry', ms: 800 });
  });
  it('waits as long as the server asks', () => {
    expect(decide(problem(429, 'rate-limited', 9_000), 0)).toMatchObject({ kind: 'retry', ms: 9_000 });
    expect(decide(problem(503, 'unavailable', 9_000), 0)).toEqual({ kind: 'retry', ms: 9_000 });
  });
  it('401 waits for the person', () => {
    expect(decide(problem(401), 0)).toEqual({ kind: 'wait' });
  });
  it.each([400, 403, 404, 409, 413])('%i has failed, with a reason', (status) => {
    const decision = decide(problem(status), 3);
    expect(decision.kind === 'fail' && decision.reason).toBeTruthy();
  });
});

it('sends in order and leaves failed ones to the person', () => {
  const one = (order: number, state: PendingMessage['state'] = 'queued') =>
    ({ order, state, client_id: String(order) }) as PendingMessage;
  expect(nextToSend([one(3), one(1, 'failed'), one(2)])?.order).toBe(2);
  expect(nextToSend([one(1, 'failed')])).toBeUndefined();
});

/** A server that stores by client_id and fails as told. */
function rig(store: OutboxStore = inMemory()) {
  const log: Message[] = [];
  const seen: string[] = [];
  const failures: (ApiProblem | 'answer lost')[] = [];
  const post = async (pending: PendingMessage) => {
    seen.push(pending.client_id);
    const failure = failures.shift();
    if (failure instanceof ApiProblem) throw failure;
    let stored = log.find((one) => one.client_id === pending.client_id);
    if (!stored) {
      stored = message(log.length + 1, { sender_id: ME, client_id: pending.client_id, body: pending.body });
      log.push(stored);
    }
    if (failure) throw problem(0, 'network');
    return stored;
  };
  const outbox = new Outbox(ME, { store, post, delivered: async () => undefined });
  return { outbox, log, seen, failures, store, bodies: () => log.map((one) => one.body) };
}

describe('the outbox', () => {
  it('shows a message at once and forgets it when the server has it', async () => {
    const { outbox, bodies, store } = rig();
    await outbox.open();
    outbox.add('c', 'hello');
    expect(pendingNow().map((one) => [one.body, one.state])).toEqual([['hello', 'queued']]);
    await vi.waitFor(() => expect(pendingNow()).toEqual([]));
    expect(bodies()).toEqual(['hello']);
    expect(await store.all()).toEqual([]);
    outbox.close();
  });

  it('sends twenty in order, whatever fails in between, and each once', async () => {
    vi.useFakeTimers();
    const { outbox, failures, bodies } = rig();
    await outbox.open();
    failures.push(
      problem(0, 'network'),
      problem(503),
      'answer lost',
      problem(429),
      'answer lost',
      problem(500),
    );
    const texts = Array.from({ length: 20 }, (_, i) => `text ${i}`);
    for (const text of texts) outbox.add('c', text);
    await vi.advanceTimersByTimeAsync(300_000);
    expect(bodies()).toEqual(texts);
    expect(pendingNow()).toEqual([]);
    outbox.close();
    vi.useRealTimers();
  });

  it('says that it is paced, and sends nothing before the time that the server named', async () => {
    vi.useFakeTimers();
    const { outbox, failures, seen, bodies } = rig();
    await outbox.open();
    failures.push(problem(429, 'rate-limited', 7_000));
    outbox.add('c', 'one');
    await vi.advanceTimersByTimeAsync(100);
    expect(pendingNow()).toMatchObject([{ state: 'queued', reason: messages.limits.paced }]);
    // Neither another message nor a connection that is back makes it come earlier.
    outbox.add('c', 'two');
    outbox.wake();
    outbox.add('d', 'elsewhere');
    await vi.advanceTimersByTimeAsync(6_800);
    expect(seen).toHaveLength(2);
    expect(bodies()).toEqual(['elsewhere']);
    await vi.advanceTimersByTimeAsync(200);
    expect(bodies()).toEqual(['elsewhere', 'one', 'two']);
    expect(pendingNow()).toEqual([]);
    outbox.close();
    vi.useRealTimers();
  });

  it('shows why a message failed; Retry uses the same client_id; the next ones are not held up', async () => {
    const { outbox, failures, seen, bodies } = rig();
    await outbox.open();
    failures.push(problem(403, 'forbidden'));
    const first = outbox.add('c', 'refused');
    outbox.add('c', 'fine');
    await vi.waitFor(() =>
      expect(pendingNow()).toMatchObject([{ state: 'failed', reason: 'You cannot write here.' }]),
    );
    await vi.waitFor(() => expect(bodies()).toEqual(['fine']));
    outbox.retry(first.client_id);
    await vi.waitFor(() => expect(bodies()).toEqual(['fine', 'refused']));
    expect(seen.filter((id) => id === first.client_id)).toHaveLength(2);
    outbox.close();
  });

  it('survives a reload, and goes on in order', async () => {
    const before = rig();
    before.failures.push(problem(0, 'network'), problem(0, 'network'));
    await before.outbox.open();
    before.outbox.add('c', 'one');
    before.outbox.add('c', 'two');
    await vi.waitFor(async () => expect(await before.store.all()).toHaveLength(2));
    before.outbox.close();
    const after = rig(before.store);
    await after.outbox.open();
    after.outbox.add('c', 'three');
    await vi.waitFor(() => expect(after.bodies()).toEqual(['one', 'two', 'three']));
    after.outbox.close();
  });

  it('takes the event log for an answer', async () => {
    const { outbox, failures, store } = rig();
    await outbox.open();
    failures.push('answer lost');
    const pending = outbox.add('c', 'hello');
    await vi.waitFor(() => expect(failures).toHaveLength(0));
    outbox.confirmed(pending.client_id);
    await vi.waitFor(async () => expect(await store.all()).toEqual([]));
    expect(pendingNow()).toEqual([]);
    outbox.close();
  });

  it('never sends or keeps what another person wrote here', async () => {
    const store = inMemory();
    const theirs = {
      client_id: 'x',
      user_id: 'somebody',
      conversation_id: 'c',
      body: 'secret',
      created_at: '',
      order: 1,
      state: 'queued' as const,
    };
    await store.put(theirs);
    const { outbox, seen } = rig(store);
    await outbox.open();
    expect(seen).toEqual([]);
    expect(await store.all()).toEqual([]);
    outbox.close();
  });
});
