import { api, call } from './api';
import { toProblem } from './api/problem';
import { sleep } from './backoff';
import { onOnline } from './connection';
import { queryClient } from './query-client';
import { withRead } from './reducer';
import { cacheOf } from './store';

/** At most one PUT per conversation in this time. */
const THROTTLE_MS = 400;

/*
 * How far this person has read. Shown at once; told to the server a moment later, highest number
 * only, again after every failure that may pass.
 */
export class ReadMarks {
  private readonly wanted = new Map<string, number>();
  private readonly busy = new Set<string>();
  private readonly unsubscribe: () => void;
  private stopped = false;

  constructor(private readonly me: string) {
    this.unsubscribe = onOnline(() => {
      for (const id of this.wanted.keys()) void this.send(id);
    });
  }

  stop(): void {
    this.stopped = true;
    this.unsubscribe();
  }

  /** Everything up to `seq` was seen. Never goes back; does nothing when nothing is new. */
  mark(conversationId: string, seq: number): void {
    const cache = cacheOf(queryClient);
    const before = cache.conversation(conversationId);
    if (!before || seq <= before.read_seq) return;
    const read = Math.min(seq, before.last_seq);
    cache.putConversation(withRead(before, this.me, { user_id: this.me, read_seq: read }), false);
    this.wanted.set(conversationId, Math.max(read, this.wanted.get(conversationId) ?? 0));
    void this.send(conversationId);
  }

  private async send(id: string): Promise<void> {
    if (this.busy.has(id)) return;
    this.busy.add(id);
    await sleep(THROTTLE_MS);
    const seq = this.wanted.get(id);
    try {
      if (seq !== undefined && !this.stopped) {
        await call(api.PUT('/api/v1/conversations/{id}/read', { params: { path: { id } }, body: { seq } }));
        this.done(id, seq);
      }
    } catch (error) {
      // What is temporary is tried again when the connection is back, or with the next message.
      if (seq !== undefined && !toProblem(error).temporary) this.done(id, seq);
    } finally {
      this.busy.delete(id);
    }
    if ((this.wanted.get(id) ?? 0) > (seq ?? 0) && !this.stopped) void this.send(id);
  }

  private done(id: string, seq: number): void {
    if (this.wanted.get(id) === seq) this.wanted.delete(id);
  }
}

let current: ReadMarks | undefined;

export function setReadMarks(marks: ReadMarks | undefined): void {
  current = marks;
}

/** This person has seen everything up to `seq` in this conversation. */
export function markRead(conversationId: string, seq: number): void {
  current?.mark(conversationId, seq);
}
