import type { InfiniteData } from '@tanstack/react-query';
import { api, type ConversationPage, call, type Entry, type Message } from './api';
import { toProblem } from './api/problem';
import { backoffDelay, sleep } from './backoff';
import { connectionNow, onRetryNow, reportSocket, whileUpdating } from './connection';
import { parseCursor } from './entries';
import { conversationsQuery, fetchPage } from './fetch';
import { pictureIsOld } from './pictures';
import { queryClient } from './query-client';
import { applyEntry, applyErased, applyMessage, type Effect } from './reducer';
import { ChatSocket } from './socket';
import { cacheOf, conversationWith, guardList, keys, learn } from './store';
import { appendPage, endSeq, type Timeline } from './timeline';
import { currentSession, onSession, refreshToken } from './token';
import { onTyping, peerStopped, peerTypes } from './typing';

/*
 * Keeps the query cache equal to the server: a snapshot, then every entry of the event log in order.
 * One number, the cursor, proves that nothing is missing; whenever it cannot, we go back to the log.
 */

/** Without a frame for this long, ask the log over HTTP whether something was missed. */
const PROBE_MS = 50_000;
/** A conversation that is never as new as its messages is the server's problem: stop asking. */
const FETCH_TRIES = 8;
/** A person whom many see is asked for by all of them within this. */
const SPREAD_MS = 1_000;
/** More missing messages than this are not worth filling: the timeline starts again from the end. */
const FILL_LIMIT = 400;

export interface SyncHooks {
  /** A message of ours is in the log. */
  confirmed: (clientId: string) => void;
}

export class Sync {
  private cursor = '';
  private probedAt = 0;
  private stopped = false;
  private catching: Promise<boolean> | undefined;
  private readonly cache = cacheOf(queryClient);
  private readonly guard = guardList(queryClient);
  private readonly filling = new Map<string, Promise<void>>();
  /** Conversations that are being asked for, with the highest message that was told of them. */
  private readonly fetching = new Map<string, number>();
  /** People who are about to be asked for again. */
  private readonly renewing = new Set<string>();
  private readonly cleanups: (() => void)[] = [];
  private readonly socket: ChatSocket;

  constructor(
    private readonly me: string,
    private readonly hooks: SyncHooks,
  ) {
    this.socket = new ChatSocket(
      { url: `${location.origin.replace(/^http/, 'ws')}/api/v1/ws` },
      {
        cursor: () => this.cursor,
        token: (stale) => socketToken(stale),
        onState: reportSocket,
        onEvent: (entry) => this.receive(entry),
        onResync: (cursor, reason) => void this.resync(cursor, reason === 'cursor-ahead'),
        onTyping: (conversationId, userId) => userId !== this.me && peerTypes(conversationId),
        onPerson: (userId) => void this.personChanged(userId),
        onFailed: () => void this.catchUp(),
      },
    );
  }

  /** Takes the snapshot, trying for as long as it takes, then follows the log. */
  async start(): Promise<void> {
    for (let attempt = 0; !this.stopped; attempt++) {
      try {
        const list = await queryClient.fetchInfiniteQuery(conversationsQuery(queryClient));
        this.cursor = list.pages[0]?.cursor ?? '';
        break;
      } catch {
        await sleep(500 + backoffDelay(attempt, { base: 500, cap: 10_000 }));
      }
    }
    if (this.stopped) return;
    this.listen();
    this.socket.start();
  }

  stop(): void {
    this.stopped = true;
    this.socket.stop();
    this.guard.stop();
    for (const cleanup of this.cleanups) cleanup();
  }

  private listen(): void {
    const on = (target: EventTarget, type: string, action: () => void) => {
      target.addEventListener(type, action);
      this.cleanups.push(() => target.removeEventListener(type, action));
    };
    const wake = () => {
      this.socket.retryNow();
      void this.probe();
    };
    on(window, 'online', wake);
    // "No network" is only a hint (a server on this machine needs none): the probe decides.
    on(window, 'offline', () => void this.probe());
    on(document, 'visibilitychange', () => document.visibilityState === 'visible' && wake());
    const timer = setInterval(() => {
      const heard = Math.max(this.socket.lastFrameAt, this.probedAt);
      const quiet = performance.now() - heard > PROBE_MS;
      if (quiet && document.visibilityState === 'visible') void this.probe();
    }, PROBE_MS / 2);
    this.cleanups.push(() => clearInterval(timer));
    this.cleanups.push(onSession((session) => session && this.socket.reauth(session.access_token)));
    onRetryNow(() => this.socket.retryNow());
    onTyping((conversationId) => this.socket.send({ type: 'typing', conversation_id: conversationId }));
  }

  /**
   * Browsers do not show pings to scripts, so a dead socket looks like silence. The log tells: an entry
   * that the socket should have brought, or no answer at all, means that the socket is dead.
   */
  private async probe(): Promise<void> {
    if (connectionNow() !== 'online' && connectionNow() !== 'updating') return;
    this.probedAt = performance.now();
    const before = this.cursor;
    const frameBefore = this.socket.lastFrameAt;
    const healthy = await this.catchUp();
    const missed = this.cursor !== before && this.socket.lastFrameAt === frameBefore;
    if (!this.stopped && (!healthy || missed)) this.socket.reconnect();
  }

  /** Entries in order by number: a known one is skipped, a hole means asking the log again. */
  private receive(entry: Entry): void {
    const at = parseCursor(this.cursor);
    const next = parseCursor(entry.cursor);
    if (!next) return;
    if (at && at.epoch === next.epoch) {
      if (next.seq <= at.seq) return;
      if (next.seq !== at.seq + 1) {
        this.socket.reconnect();
        return;
      }
    }
    this.cursor = entry.cursor;
    this.run(applyEntry(this.cache, this.me, entry));
  }

  /** Puts the answer of a POST into the cache. Resolves when the timeline shows it. */
  async delivered(message: Message): Promise<void> {
    this.socket.nudge();
    this.run(applyMessage(this.cache, this.me, message));
    await this.filling.get(message.conversation_id);
  }

  private run(effects: Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'fetch-conversation')
        void this.fetchConversation(effect.conversationId, effect.seq);
      if (effect.kind === 'fill-timeline') void this.fill(effect.conversationId);
      if (effect.kind === 'message') this.arrived(effect.message);
    }
  }

  private arrived(message: Message): void {
    this.guard.changed(message.conversation_id);
    if (message.sender_id !== this.me) {
      peerStopped(message.conversation_id);
      return;
    }
    // After the fill, so that the message never leaves the screen in between.
    void Promise.resolve(this.filling.get(message.conversation_id)).then(() =>
      this.hooks.confirmed(message.client_id),
    );
  }

  /** Asks anew for what is shown of a person; not all who see them at the same moment. */
  private async personChanged(userId: string): Promise<void> {
    if (this.renewing.has(userId)) return;
    this.renewing.add(userId);
    await sleep(Math.random() * SPREAD_MS);
    this.renewing.delete(userId);
    if (this.stopped) return;
    pictureIsOld(userId);
    void queryClient.invalidateQueries({ queryKey: userId === this.me ? keys.me : keys.user(userId) });
    void queryClient.invalidateQueries({ queryKey: keys.anyPeople });
    const id = conversationWith(queryClient, userId);
    if (!id) return;
    const before = this.cache.conversation(id)?.peer_gone;
    await this.fetchConversation(id, 0);
    if (before === false && this.cache.conversation(id)?.peer_gone) await this.takeAlong(id, userId);
  }

  /** Who deleted the account may have taken every text along, as the server is set: one of them tells. */
  private async takeAlong(id: string, userId: string): Promise<void> {
    const theirs = this.cache.timeline(id)?.messages.filter((one) => one.sender_id === userId && one.body);
    const latest = theirs?.at(-1);
    if (!theirs || !latest) return;
    try {
      const now = await call(api.GET('/api/v1/messages/{id}', { params: { path: { id: latest.id } } }));
      if (now.body === '') for (const one of theirs) applyErased(this.cache, id, one.id);
    } catch {
      // The next loading shows it.
    }
  }

  /** Reads the log over HTTP from the cursor. False when the server cannot be reached. */
  private catchUp(): Promise<boolean> {
    this.catching ??= this.readLog().finally(() => {
      this.catching = undefined;
    });
    return this.catching;
  }

  private async readLog(): Promise<boolean> {
    try {
      for (let more = true; more && !this.stopped; ) {
        const page = await call(
          api.GET('/api/v1/events', { params: { query: { after: this.cursor, limit: 1000 } } }),
        );
        for (const entry of page.items) this.receive(entry);
        more = page.has_more && page.items.length > 0;
      }
      return true;
    } catch (error) {
      const { slug, status } = toProblem(error);
      if (slug === 'cursor-expired' || slug === 'cursor-ahead') {
        await this.resync(undefined, slug === 'cursor-ahead');
        return true;
      }
      return status !== 0 && status < 500;
    }
  }

  /** The log no longer reaches back to our cursor: take a new snapshot. `restored`: the server lost time. */
  private async resync(head: string | undefined, restored: boolean): Promise<void> {
    if (head) this.cursor = head;
    if (restored) await whileUpdating(this.forget());
    void queryClient.invalidateQueries({ queryKey: keys.requestCount });
    await whileUpdating(queryClient.refetchQueries({ queryKey: keys.conversations }));
    if (this.stopped) return;
    const list = queryClient.getQueryData<InfiniteData<ConversationPage>>(keys.conversations);
    if (!head) this.cursor = list?.pages[0]?.cursor ?? this.cursor;
    await whileUpdating(
      restored ? queryClient.resetQueries({ queryKey: keys.timelines }) : this.refreshOpen(),
    );
    if (!head) this.socket.reconnect();
  }

  /** What we hold may never have happened: nothing of it may be joined with what the server says now. */
  private async forget(): Promise<void> {
    queryClient.removeQueries({ queryKey: keys.timelines, type: 'inactive' });
    queryClient.removeQueries({ queryKey: keys.anyConversation, type: 'inactive' });
    queryClient.setQueryData<InfiniteData<ConversationPage>>(keys.conversations, (list) =>
      list ? { ...list, pages: list.pages.map((page) => ({ ...page, items: [] })) } : list,
    );
    for (const query of queryClient.getQueryCache().findAll({ queryKey: keys.anyConversation })) {
      const id = String(query.queryKey[1]);
      try {
        const now = await call(api.GET('/api/v1/conversations/{id}', { params: { path: { id } } }));
        queryClient.setQueryData(query.queryKey, now);
      } catch {
        await queryClient.resetQueries({ queryKey: query.queryKey });
      }
    }
  }

  private async refreshOpen(): Promise<void> {
    queryClient.removeQueries({ queryKey: keys.timelines, type: 'inactive' });
    const open = queryClient.getQueryCache().findAll({ queryKey: keys.timelines, type: 'active' });
    for (const query of open) {
      const id = String(query.queryKey[1]);
      await this.fetchConversation(id, 0);
      await this.ensureLive(id);
    }
  }

  /** Fetches a conversation until it contains `seq`: events that came meanwhile found nothing to change. */
  private async fetchConversation(id: string, seq: number): Promise<void> {
    const running = this.fetching.has(id);
    this.fetching.set(id, Math.max(seq, this.fetching.get(id) ?? 0));
    if (running) return;
    for (let attempt = 0; attempt < FETCH_TRIES && !this.stopped; attempt++) {
      if (attempt > 0) await sleep(100 + backoffDelay(attempt, { base: 200, cap: 5_000 }));
      try {
        learn(queryClient, await call(api.GET('/api/v1/conversations/{id}', { params: { path: { id } } })));
      } catch (error) {
        if (toProblem(error).temporary) continue;
        break;
      }
      const now = this.cache.conversation(id);
      if (now && seq > 0) this.cache.putConversation(now, true);
      if ((now?.last_seq ?? 0) >= (this.fetching.get(id) ?? 0)) break;
    }
    this.fetching.delete(id);
  }

  /** Makes a timeline that reaches the live end reach it again, when the conversation is ahead of it. */
  async ensureLive(id: string): Promise<void> {
    const timeline = this.cache.timeline(id);
    const last = this.cache.conversation(id)?.last_seq ?? 0;
    if (timeline && !timeline.hasNewer && endSeq(timeline) < last) await this.fill(id);
  }

  private fill(id: string): Promise<void> {
    const running = this.filling.get(id);
    if (running) return running;
    const work = this.fillNow(id).finally(() => this.filling.delete(id));
    this.filling.set(id, work);
    return work;
  }

  private async fillNow(id: string): Promise<void> {
    // Usually the socket is about to bring what is missing.
    await sleep(120);
    for (let attempt = 0; attempt < 6 && !this.stopped; ) {
      const timeline = this.cache.timeline(id);
      const last = this.cache.conversation(id)?.last_seq ?? 0;
      if (!timeline || endSeq(timeline) >= last) return;
      if (last - endSeq(timeline) > FILL_LIMIT) {
        await queryClient.resetQueries({ queryKey: keys.timeline(id) });
        return;
      }
      try {
        const page = await fetchPage(id, { after: endSeq(timeline), limit: 100 });
        const now = this.cache.timeline(id);
        if (now) this.cache.putTimeline(id, joined(now, page));
        if (page.items.length === 0) return;
      } catch {
        await sleep(500 + backoffDelay(attempt++));
      }
    }
  }
}

/** While filling, the end stays the live end: messages that arrive meanwhile must not be taken for later pages. */
function joined(timeline: Timeline, page: Parameters<typeof appendPage>[1]): Timeline {
  return { ...appendPage(timeline, page), hasNewer: false };
}

async function socketToken(stale: string | undefined): Promise<string | undefined> {
  const session = currentSession();
  const fresh = session && session.access_token !== stale && session.expiresAt - Date.now() > 5_000;
  return fresh ? session.access_token : (await refreshToken(session?.access_token ?? stale))?.access_token;
}

let current: Sync | undefined;

export function setSync(sync: Sync | undefined): void {
  current = sync;
}

/** For an open timeline that finds itself behind its conversation. */
export function ensureLive(conversationId: string): void {
  void current?.ensureLive(conversationId);
}
