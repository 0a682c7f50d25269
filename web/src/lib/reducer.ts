import type { Conversation, ConversationPage, Entry, Message } from './api';
import { erasureOf, messageOf, type ReadMark, readMarkOf } from './entries';
import { noteErased, withoutErased } from './erased';
import { addLive, eraseIn, type Timeline } from './timeline';

/*
 * What an entry of the event log changes. Everything is a maximum or a set by seq, so entries may come
 * again, and a snapshot may already contain them: the result is the same (QUALITY I6, I13).
 */

/** Where the state lives: the query cache in the browser, maps in tests. */
export interface Cache {
  conversation: (id: string) => Conversation | undefined;
  /** Stores the conversation wherever it is shown. `moved`: put its row at the top of the list. */
  putConversation: (conversation: Conversation, moved: boolean) => void;
  timeline: (conversationId: string) => Timeline | undefined;
  putTimeline: (conversationId: string, timeline: Timeline) => void;
}

/** What the cache cannot know by itself: ask the server. */
export type Effect =
  | { kind: 'fetch-conversation'; conversationId: string; seq: number }
  | { kind: 'fill-timeline'; conversationId: string }
  | { kind: 'message'; message: Message };

/** Applies one entry. Unknown types and malformed data change nothing: newer servers may send them. */
export function applyEntry(cache: Cache, me: string, entry: Pick<Entry, 'type' | 'data'>): Effect[] {
  if (entry.type === 'message.created') {
    const message = messageOf(entry.data);
    return message ? applyMessage(cache, me, message) : [];
  }
  if (entry.type === 'conversation.read') {
    const mark = readMarkOf(entry.data);
    const before = mark && cache.conversation(mark.conversation_id);
    if (!mark || !before) return [];
    const after = withRead(before, me, mark);
    if (after !== before) cache.putConversation(after, false);
    // Accepting and ignoring a request tell only so much: see what became of it.
    if (mark.user_id === me && before.request !== 'none') {
      return [{ kind: 'fetch-conversation', conversationId: before.id, seq: 0 }];
    }
  }
  if (entry.type === 'message.erased') {
    const gone = erasureOf(entry.data);
    if (gone) applyErased(cache, gone.conversation_id, gone.message_id);
  }
  return [];
}

/** Takes the text of a message away wherever it is shown. */
export function applyErased(cache: Cache, conversationId: string, messageId: string): void {
  noteErased(messageId);
  const conversation = cache.conversation(conversationId);
  const last = conversation?.last_message;
  if (conversation && last?.id === messageId && last.body !== '')
    cache.putConversation({ ...conversation, last_message: { ...last, body: '' } }, false);
  const timeline = cache.timeline(conversationId);
  const next = timeline && eraseIn(timeline, messageId);
  if (next && next !== timeline) cache.putTimeline(conversationId, next);
}

/** A message from the log, or the answer to our own POST. */
export function applyMessage(cache: Cache, me: string, told: Message): Effect[] {
  const message = withoutErased(told);
  // Without a text it may be one that we have: so older servers say that it was erased.
  if (message.body === '') applyErased(cache, message.conversation_id, message.id);
  const effects: Effect[] = [{ kind: 'message', message }];
  const id = message.conversation_id;
  const before = cache.conversation(id);
  if (before) {
    const after = withMessage(before, me, message);
    if (after !== before) cache.putConversation(after, message.seq > before.last_seq);
  } else {
    effects.push({ kind: 'fetch-conversation', conversationId: id, seq: message.seq });
  }
  const timeline = cache.timeline(id);
  if (timeline) {
    const { timeline: next, outcome } = addLive(timeline, message);
    if (outcome === 'added') cache.putTimeline(id, next);
    if (outcome === 'hole') effects.push({ kind: 'fill-timeline', conversationId: id });
  }
  return effects;
}

/** unread = last_seq - read_seq: it is never counted up or down, so it cannot drift. */
function settle(conversation: Conversation): Conversation {
  return { ...conversation, unread: Math.max(0, conversation.last_seq - conversation.read_seq) };
}

export function withMessage(conversation: Conversation, me: string, message: Message): Conversation {
  const mine = message.sender_id === me;
  const next = { ...conversation };
  if (message.seq > conversation.last_seq) {
    next.last_seq = message.seq;
    next.last_message = message;
  }
  // Who writes at s has read up to s.
  if (mine) {
    next.read_seq = Math.max(conversation.read_seq, message.seq);
    // And has accepted.
    next.request = 'none';
  } else next.peer_read_seq = Math.max(conversation.peer_read_seq, message.seq);
  return same(conversation, next) ? conversation : settle(next);
}

export function withRead(
  conversation: Conversation,
  me: string,
  mark: Pick<ReadMark, 'user_id' | 'read_seq'>,
): Conversation {
  const next = { ...conversation };
  if (mark.user_id === me) next.read_seq = Math.max(conversation.read_seq, mark.read_seq);
  else next.peer_read_seq = Math.max(conversation.peer_read_seq, mark.read_seq);
  return same(conversation, next) ? conversation : settle(next);
}

function same(a: Conversation, b: Conversation): boolean {
  return (
    a.last_seq === b.last_seq &&
    a.read_seq === b.read_seq &&
    a.peer_read_seq === b.peer_read_seq &&
    a.request === b.request
  );
}

/** A fresh answer of the server joined with what events have already told: the later of both. */
export function mergeConversation(known: Conversation | undefined, fetched: Conversation): Conversation {
  const fresh = fetched.last_message ? withoutErased(fetched.last_message) : null;
  if (!known) return fresh === fetched.last_message ? fetched : { ...fetched, last_message: fresh };
  const ahead = known.last_seq > fetched.last_seq ? known : { ...fetched, last_message: fresh };
  return settle({
    ...fetched,
    last_seq: ahead.last_seq,
    last_message: ahead.last_message,
    read_seq: Math.max(known.read_seq, fetched.read_seq),
    peer_read_seq: Math.max(known.peer_read_seq, fetched.peer_read_seq),
  });
}

/** The list with the conversation's row replaced, moved to the top, or put there when it is new and has messages. */
export function putInList(
  pages: readonly ConversationPage[],
  conversation: Conversation,
  moved: boolean,
): ConversationPage[] {
  const known = pages.some((page) => page.items.some((item) => item.id === conversation.id));
  if (known && !moved) {
    return pages.map((page) => ({
      ...page,
      items: page.items.map((item) => (item.id === conversation.id ? conversation : item)),
    }));
  }
  if (!moved || conversation.last_seq === 0) return [...pages];
  return pages.map((page, index) => {
    const others = page.items.filter((item) => item.id !== conversation.id);
    return { ...page, items: index === 0 ? [conversation, ...others] : others };
  });
}
