import type { Conversation, ConversationPage, Entry, Message } from './api';
import type { Cache } from './reducer';
import { putInList } from './reducer';
import type { Timeline } from './timeline';

// Builders for tests: a small world without a server.

export const ME = 'user-me';
export const PEER = 'user-peer';

export function message(seq: number, over: Partial<Message> = {}): Message {
  return {
    id: `m-${over.conversation_id ?? 'c'}-${seq}`,
    conversation_id: 'c',
    seq,
    sender_id: seq % 3 === 0 ? ME : PEER,
    client_id: `client-${over.conversation_id ?? 'c'}-${seq}`,
    body: `message ${seq}`,
    created_at: new Date(Date.UTC(2026, 0, 5, 12) + seq * 60_000).toISOString(),
    ...over,
  };
}

export function conversation(over: Partial<Conversation> = {}): Conversation {
  return {
    id: 'c',
    kind: 'direct',
    peer: { id: PEER, username: 'peer', display_name: 'Peer' },
    last_message: null,
    last_seq: 0,
    read_seq: 0,
    peer_read_seq: 0,
    blocked: false,
    peer_gone: false,
    request: 'none',
    unread: 0,
    created_at: '2026-01-05T11:00:00Z',
    ...over,
  };
}

export function created(one: Message): Pick<Entry, 'type' | 'data'> {
  return { type: 'message.created', data: one };
}

export function read(userId: string, seq: number, id = 'c'): Pick<Entry, 'type' | 'data'> {
  return { type: 'conversation.read', data: { conversation_id: id, user_id: userId, read_seq: seq } };
}

/** The reducer's cache in maps. */
export function memoryCache(conversations: Conversation[] = [], timelines: Record<string, Timeline> = {}) {
  const byId = new Map(conversations.map((one) => [one.id, one]));
  const lines = new Map(Object.entries(timelines));
  const list: { pages: ConversationPage[] } = {
    pages: [
      {
        items: conversations.filter((one) => one.last_seq > 0),
        next_cursor: null,
        more_unread: false,
        cursor: 'e-0',
      },
    ],
  };
  const cache: Cache = {
    conversation: (id) => byId.get(id),
    putConversation: (one, moved) => {
      byId.set(one.id, one);
      list.pages = putInList(list.pages, one, moved);
    },
    timeline: (id) => lines.get(id),
    putTimeline: (id, timeline) => {
      lines.set(id, timeline);
    },
  };
  return { ...cache, cache, list: () => list.pages.flatMap((page) => page.items) };
}

/** A repeatable random number generator (mulberry32), so that a failing seed can be run again. */
export function randomOf(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Every item one to three times, in any order. */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const all = items.flatMap((item) => Array.from({ length: 1 + Math.floor(random() * 3) }, () => item));
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [all[i], all[j]] = [all[j] as T, all[i] as T];
  }
  return all;
}
