import { useMemo } from 'react';
import { create } from 'zustand';
import type { Message } from './api';
import { toProblem } from './api/problem';
import { openChannel, withLock } from './locks';
import { decide, inOrder, nextToSend, type PendingMessage } from './outbox-state';
import type { OutboxStore } from './outbox-store';
import { newUuid } from './uuid';

export type { PendingMessage } from './outbox-state';

/*
 * Sends messages: each conversation strictly in order, until the server has answered. What is shown
 * is the mirror in memory, at once; what counts is the store, which outlives the page.
 */

export interface OutboxWiring {
  store: OutboxStore;
  post: (pending: PendingMessage) => Promise<Message>;
  /** The server has it. Resolves when the timeline shows it, so that the pending one can go. */
  delivered: (message: Message) => Promise<void>;
}

const view = create<{ pending: readonly PendingMessage[] }>(() => ({ pending: [] }));

/** A send that was answered is removed from the store at once, and from the screen when its message is there. */
export class Outbox {
  private order = 0;
  private closed = false;
  private readonly draining = new Set<string>();
  private readonly again = new Set<string>();
  private readonly attempts = new Map<string, number>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  /** The server asked to send nothing more to a conversation before then. */
  private readonly notBefore = new Map<string, number>();

  constructor(
    private readonly userId: string,
    private readonly wiring: OutboxWiring,
  ) {}

  /** Reads what waited from before and starts to send it. Messages of other people are removed. */
  async open(): Promise<void> {
    const rows = await this.wiring.store.all();
    const mine = rows.filter((row) => row.user_id === this.userId);
    for (const row of rows) if (row.user_id !== this.userId) await this.wiring.store.remove(row.client_id);
    if (this.closed) return;
    this.order = Math.max(this.order, ...mine.map((row) => row.order));
    // Something may have been written while the store was read.
    const known = new Set(view.getState().pending.map((one) => one.client_id));
    this.show([...view.getState().pending, ...mine.filter((row) => !known.has(row.client_id))]);
    this.wake();
  }

  close(): void {
    this.closed = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
    view.setState({ pending: [] });
  }

  /** Another tab changed the store. */
  async refresh(): Promise<void> {
    const rows = await this.wiring.store.all();
    if (!this.closed) this.show(rows.filter((row) => row.user_id === this.userId));
  }

  /** Queues a message; it is on screen before this returns. */
  add(conversationId: string, body: string): PendingMessage {
    this.order = Math.max(this.order + 1, Date.now());
    const pending: PendingMessage = {
      client_id: newUuid(),
      user_id: this.userId,
      conversation_id: conversationId,
      body,
      created_at: new Date().toISOString(),
      order: this.order,
      state: 'queued',
    };
    this.show([...view.getState().pending, pending]);
    void this.save(pending);
    return pending;
  }

  /** Tries a failed message again, with the same client_id, behind what waits already. */
  retry(clientId: string): void {
    const failed = view
      .getState()
      .pending.find((one) => one.client_id === clientId && one.state === 'failed');
    if (!failed) return;
    this.order = Math.max(this.order + 1, Date.now());
    const { reason: _, ...rest } = failed;
    const queued: PendingMessage = { ...rest, state: 'queued', order: this.order };
    this.replace(queued);
    void this.save(queued);
  }

  /** Removes a message for good: the person deleted it, or the server has it. */
  async remove(clientId: string): Promise<void> {
    this.show(view.getState().pending.filter((one) => one.client_id !== clientId));
    await this.wiring.store.remove(clientId);
    tell();
  }

  /** The message came back by the event log, so a lost answer does not matter. */
  confirmed(clientId: string): void {
    if (view.getState().pending.some((one) => one.client_id === clientId)) void this.remove(clientId);
  }

  /** The connection is back: try everything now. */
  wake(): void {
    this.attempts.clear();
    for (const id of new Set(view.getState().pending.map((one) => one.conversation_id))) void this.drain(id);
  }

  private show(pending: readonly PendingMessage[]): void {
    if (!this.closed) view.setState({ pending: inOrder(pending) });
  }

  private replace(pending: PendingMessage): void {
    this.show(view.getState().pending.map((one) => (one.client_id === pending.client_id ? pending : one)));
  }

  private async save(pending: PendingMessage): Promise<void> {
    await this.wiring.store.put(pending);
    tell();
    await this.drain(pending.conversation_id);
  }

  /** Sends until nothing is left or the server cannot be reached. One at a time over all tabs. */
  private async drain(conversationId: string): Promise<void> {
    clearTimeout(this.timers.get(conversationId));
    const pause = (this.notBefore.get(conversationId) ?? 0) - Date.now();
    if (pause > 0) {
      this.later(conversationId, pause);
      return;
    }
    if (this.draining.has(conversationId)) {
      this.again.add(conversationId);
      return;
    }
    this.draining.add(conversationId);
    try {
      await withLock(`outbox:${this.userId}:${conversationId}`, async () => {
        while (!this.closed && (await this.sendNext(conversationId)));
      });
    } finally {
      this.draining.delete(conversationId);
      if (this.again.delete(conversationId) && !this.closed && !this.attempts.has(conversationId)) {
        void this.drain(conversationId);
      }
    }
  }

  /** True when the next one may be tried at once. */
  private async sendNext(conversationId: string): Promise<boolean> {
    const rows = await this.wiring.store.ofConversation(conversationId);
    const next = nextToSend(rows.filter((row) => row.user_id === this.userId));
    if (!next || this.closed) return false;
    try {
      const message = await this.wiring.post(next);
      this.attempts.delete(conversationId);
      await this.wiring.store.remove(next.client_id);
      void this.wiring.delivered(message).finally(() => this.remove(next.client_id));
      return true;
    } catch (error) {
      return await this.refused(next, error);
    }
  }

  private async refused(pending: PendingMessage, error: unknown): Promise<boolean> {
    const { conversation_id: id } = pending;
    const attempt = this.attempts.get(id) ?? 0;
    const decision = decide(toProblem(error), attempt);
    if (decision.kind === 'fail') {
      const failed: PendingMessage = { ...pending, state: 'failed', reason: decision.reason };
      this.replace(failed);
      await this.wiring.store.put(failed);
      tell();
      return true;
    }
    this.attempts.set(id, attempt + 1);
    if (decision.kind === 'retry') {
      if (decision.reason) this.notBefore.set(id, Date.now() + decision.ms);
      this.replace({ ...pending, reason: decision.reason });
      this.later(id, decision.ms);
    }
    return false;
  }

  private later(conversationId: string, ms: number): void {
    if (this.closed) return;
    this.timers.set(
      conversationId,
      setTimeout(() => void this.drain(conversationId), ms),
    );
  }
}

let current: Outbox | undefined;
const tellOthers = openChannel<'changed'>('outbox', () => void current?.refresh());

function tell(): void {
  tellOthers('changed');
}

/** Makes this the outbox that the functions below speak to. Undefined: nobody is signed in. */
export function setOutbox(outbox: Outbox | undefined): void {
  current = outbox;
}

/** Queues a message for sending. Does nothing when nobody is signed in. */
export function sendMessage(conversationId: string, body: string): void {
  current?.add(conversationId, body);
}

export function retryMessage(clientId: string): void {
  current?.retry(clientId);
}

export function deleteMessage(clientId: string): void {
  void current?.remove(clientId);
}

/** What waits in one conversation, in order. */
export function usePending(conversationId: string): readonly PendingMessage[] {
  const pending = view((state) => state.pending);
  return useMemo(
    () => pending.filter((one) => one.conversation_id === conversationId),
    [pending, conversationId],
  );
}

/** For tests and code outside components. */
export function pendingNow(): readonly PendingMessage[] {
  return view.getState().pending;
}
