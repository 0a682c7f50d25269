import type { Message, MessagePage } from './api';

/*
 * What is loaded of one conversation: a contiguous range of seqs, oldest first. Nothing here ever
 * makes a hole or a second copy; a function that cannot keep that says so instead.
 */

export interface Timeline {
  readonly messages: readonly Message[];
  /** Whether the server has messages before the first loaded one. */
  readonly hasOlder: boolean;
  /** Whether the range ends before the live end: opened in the middle. Then live messages wait for their page. */
  readonly hasNewer: boolean;
}

export function fromPage(page: MessagePage): Timeline {
  return { messages: page.items, hasOlder: page.has_older, hasNewer: page.has_newer };
}

/** The seq of the first loaded message; 0 when nothing is loaded. */
export function startSeq(timeline: Timeline): number {
  return timeline.messages[0]?.seq ?? 0;
}

/** The seq of the last loaded message; 0 when nothing is loaded. */
export function endSeq(timeline: Timeline): number {
  return timeline.messages.at(-1)?.seq ?? 0;
}

/** Puts the page that was asked for with before=start in front. A page that does not fit is ignored. */
export function prependPage(timeline: Timeline, page: MessagePage): Timeline {
  const start = startSeq(timeline);
  const older = page.items.filter((message) => message.seq < start);
  const last = older.at(-1);
  if (last && last.seq !== start - 1) return timeline;
  return { ...timeline, messages: [...older, ...timeline.messages], hasOlder: page.has_older };
}

/** Puts the page that was asked for with after=end behind. What is already there is skipped; a gap is ignored. */
export function appendPage(timeline: Timeline, page: MessagePage): Timeline {
  const end = endSeq(timeline);
  const newer = page.items.filter((message) => message.seq > end);
  const first = newer[0];
  if (first && first.seq !== end + 1) return timeline;
  const messages = newer.length > 0 ? [...timeline.messages, ...newer] : timeline.messages;
  return { ...timeline, messages, hasNewer: page.has_newer };
}

/** What happened to a message that arrived by itself. `hole`: ask the server for after=end. */
export type Outcome = 'added' | 'known' | 'later' | 'hole';

/** A live message, or the answer to a POST. Any order and any number of times is fine. */
export function addLive(timeline: Timeline, message: Message): { timeline: Timeline; outcome: Outcome } {
  const end = endSeq(timeline);
  if (message.seq <= end) return { timeline, outcome: 'known' };
  if (timeline.hasNewer) return { timeline, outcome: 'later' };
  if (message.seq !== end + 1) return { timeline, outcome: 'hole' };
  return { timeline: { ...timeline, messages: [...timeline.messages, message] }, outcome: 'added' };
}

/** The range without the text of one message. */
export function eraseIn(timeline: Timeline, messageId: string): Timeline {
  if (!timeline.messages.some(({ id, body }) => id === messageId && body !== '')) return timeline;
  const messages = timeline.messages.map((one) => (one.id === messageId ? { ...one, body: '' } : one));
  return { ...timeline, messages };
}
