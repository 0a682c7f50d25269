import { describe, expect, it } from 'vitest';
import { applyEntry, mergeConversation, putInList } from './reducer';
import { conversation, created, ME, memoryCache, message, PEER, randomOf, read, shuffled } from './testing';
import { endSeq, type Timeline } from './timeline';

const empty: Timeline = { messages: [], hasOlder: false, hasNewer: false };

describe('message.created', () => {
  it('appends to the timeline, moves the row to the top and counts unread', () => {
    const other = conversation({
      id: 'other',
      last_seq: 1,
      last_message: message(1, { conversation_id: 'other' }),
      read_seq: 1,
    });
    const world = memoryCache([other, conversation()], { c: empty });
    applyEntry(world.cache, ME, created(message(1)));
    applyEntry(world.cache, ME, created(message(2)));
    expect(world.list().map((one) => one.id)).toEqual(['c', 'other']);
    expect(world.conversation('c')).toMatchObject({ last_seq: 2, unread: 2, read_seq: 0, peer_read_seq: 2 });
    expect(world.conversation('c')?.last_message?.body).toBe('message 2');
    expect(world.timeline('c')?.messages.map((one) => one.seq)).toEqual([1, 2]);
  });

  it('of mine advances my own read mark: nothing of mine is unread', () => {
    const world = memoryCache([conversation({ last_seq: 1, unread: 1 })]);
    applyEntry(world.cache, ME, created(message(2, { sender_id: ME })));
    expect(world.conversation('c')).toMatchObject({ last_seq: 2, read_seq: 2, unread: 0, peer_read_seq: 0 });
  });

  it('asks for a conversation it does not know, and for what is missing', () => {
    const world = memoryCache([conversation()], { c: empty });
    expect(applyEntry(world.cache, ME, created(message(1, { conversation_id: 'new' })))).toContainEqual({
      kind: 'fetch-conversation',
      conversationId: 'new',
      seq: 1,
    });
    expect(applyEntry(world.cache, ME, created(message(3)))).toContainEqual({
      kind: 'fill-timeline',
      conversationId: 'c',
    });
    expect(world.timeline('c')?.messages).toEqual([]);
    expect(world.conversation('c')?.last_seq).toBe(3);
  });

  it('that is already in the snapshot changes nothing', () => {
    const known = conversation({ last_seq: 5, last_message: message(5), read_seq: 5, peer_read_seq: 5 });
    const world = memoryCache([known]);
    applyEntry(world.cache, ME, created(message(4)));
    expect(world.conversation('c')).toBe(known);
  });
});

describe('a message request', () => {
  const request = conversation({ last_seq: 2, last_message: message(2), unread: 2, request: 'incoming' });
  const refetch = { kind: 'fetch-conversation', conversationId: 'c', seq: 0 };

  it('is accepted by an own message', () => {
    const world = memoryCache([request]);
    applyEntry(world.cache, ME, created(message(3, { sender_id: ME })));
    expect(world.conversation('c')?.request).toBe('none');
  });

  it('stays one when the other writes again', () => {
    const world = memoryCache([request]);
    applyEntry(world.cache, ME, created(message(3, { sender_id: PEER })));
    expect(world.conversation('c')?.request).toBe('incoming');
  });

  it('is looked at again when my own mark comes, even the same one', () => {
    const world = memoryCache([request, conversation({ id: 'd', last_seq: 1 })]);
    expect(applyEntry(world.cache, ME, read(ME, 0))).toEqual([refetch]);
    expect(applyEntry(world.cache, ME, read(PEER, 2))).toEqual([]);
    expect(applyEntry(world.cache, ME, read(ME, 1, 'd'))).toEqual([]);
  });
});

describe('conversation.read', () => {
  it('moves my mark and the mark of the other one, never back', () => {
    const world = memoryCache([conversation({ last_seq: 9, last_message: message(9), unread: 9 })]);
    for (const entry of [read(ME, 4), read(ME, 2), read(PEER, 7), read(PEER, 3)])
      applyEntry(world.cache, ME, entry);
    expect(world.conversation('c')).toMatchObject({ read_seq: 4, unread: 5, peer_read_seq: 7 });
  });

  it('of an unknown conversation is nothing', () => {
    expect(applyEntry(memoryCache().cache, ME, read(ME, 4))).toEqual([]);
  });
});

describe('message.erased', () => {
  // A conversation of its own for each: what is erased stays so while the page is open.
  const world = (id: string) => {
    const two = [1, 2].map((seq) => message(seq, { conversation_id: id }));
    const shown = conversation({ id, last_seq: 2, last_message: two[1] ?? null, unread: 2 });
    return memoryCache([shown], { [id]: { messages: two, hasOlder: false, hasNewer: false } });
  };
  const erased = (id: string, seq: number) => ({
    type: 'message.erased',
    data: { conversation_id: id, seq, message_id: `m-${id}-${seq}` },
  });
  const bodies = (w: ReturnType<typeof world>, id: string) => w.timeline(id)?.messages.map((one) => one.body);

  it('takes the text away in the conversation and in the list, and nothing else', () => {
    const w = world('e1');
    expect(applyEntry(w.cache, ME, erased('e1', 2))).toEqual([]);
    expect(bodies(w, 'e1')).toEqual(['message 1', '']);
    expect(w.list()[0]).toMatchObject({ last_seq: 2, unread: 2, last_message: { body: '', seq: 2 } });
    const before = w.timeline('e1');
    applyEntry(w.cache, ME, erased('e1', 2));
    expect(w.timeline('e1')).toBe(before);
    applyEntry(w.cache, ME, erased('e1', 1));
    expect(bodies(w, 'e1')).toEqual(['', '']);
  });

  it('of what is not loaded changes nothing on screen', () => {
    const w = world('e2');
    applyEntry(w.cache, ME, erased('e2', 7));
    applyEntry(w.cache, ME, erased('elsewhere', 1));
    applyEntry(w.cache, ME, { type: 'message.erased', data: { conversation_id: 'e2' } });
    expect(bodies(w, 'e2')).toEqual(['message 1', 'message 2']);
  });

  it('holds for an answer that was on its way', () => {
    const w = world('e3');
    applyEntry(w.cache, ME, erased('e3', 3));
    const late = message(3, { conversation_id: 'e3' });
    applyEntry(w.cache, ME, created(late));
    expect(bodies(w, 'e3')).toEqual(['message 1', 'message 2', '']);
    const fetched = conversation({ id: 'e3', last_seq: 3, last_message: late });
    expect(mergeConversation(undefined, fetched).last_message?.body).toBe('');
    expect(mergeConversation(w.conversation('e3'), fetched).last_message?.body).toBe('');
  });

  it('is also told by an older server, as a message without a text', () => {
    const w = world('e4');
    applyEntry(w.cache, ME, created(message(2, { conversation_id: 'e4', body: '' })));
    expect(bodies(w, 'e4')).toEqual(['message 1', '']);
    expect(w.conversation('e4')?.last_message?.body).toBe('');
  });
});

it('ignores types and data it does not understand', () => {
  const known = conversation();
  const world = memoryCache([known], { c: empty });
  const bad = [null, 7, 'x', {}, { ...message(1), seq: '1' }, { ...message(1), body: undefined }];
  for (const data of bad) expect(applyEntry(world.cache, ME, { type: 'message.created', data })).toEqual([]);
  expect(applyEntry(world.cache, ME, { type: 'reaction.added', data: message(1) })).toEqual([]);
  expect(world.conversation('c')).toBe(known);
});

/** Applies entries; answers effects from the log like the server does, at random moments. */
function play(seed: number, size: number) {
  const random = randomOf(seed);
  const messages = Array.from({ length: size }, (_, i) =>
    message(i + 1, { sender_id: random() < 0.4 ? ME : PEER }),
  );
  const marks = Array.from({ length: 8 }, () =>
    read(random() < 0.5 ? ME : PEER, 1 + Math.floor(random() * size)),
  );
  const entries = [...messages.map(created), ...marks];
  const world = memoryCache([conversation()], { c: empty });
  const fill = () => {
    const last = world.conversation('c')?.last_seq ?? 0;
    const line = world.timeline('c') ?? empty;
    world.putTimeline('c', { ...line, messages: [...line.messages, ...messages.slice(endSeq(line), last)] });
  };
  for (const entry of shuffled(entries, random)) {
    const effects = applyEntry(world.cache, ME, entry);
    if (effects.some((one) => one.kind === 'fill-timeline') && random() < 0.5) fill();
  }
  fill();
  const once = memoryCache([conversation()], { c: empty });
  for (const entry of entries) applyEntry(once.cache, ME, entry);
  return { world, once };
}

it('any order and any number of times gives the state of once in order (1,000 seeds)', () => {
  for (let seed = 1; seed <= 1_000; seed++) {
    const { world, once } = play(seed, 12);
    const seqs = world.timeline('c')?.messages.map((one) => one.seq);
    expect(seqs, `seed ${seed}`).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(world.conversation('c'), `seed ${seed}`).toEqual(once.conversation('c'));
  }
});

it('a fetched conversation never takes back what events told', () => {
  const known = conversation({
    last_seq: 5,
    last_message: message(5),
    read_seq: 4,
    peer_read_seq: 2,
    unread: 1,
  });
  const stale = conversation({
    last_seq: 3,
    last_message: message(3),
    read_seq: 1,
    peer_read_seq: 3,
    unread: 2,
  });
  expect(mergeConversation(known, stale)).toMatchObject({
    last_seq: 5,
    read_seq: 4,
    peer_read_seq: 3,
    unread: 1,
  });
  expect(mergeConversation(undefined, stale)).toBe(stale);
});

describe('the list', () => {
  const one = (id: string) =>
    conversation({ id, last_seq: 1, last_message: message(1, { conversation_id: id }) });
  const pages = [
    { items: [one('a'), one('b')], next_cursor: 'x', more_unread: false, cursor: 'e-1' },
    { items: [one('c')], next_cursor: null, more_unread: false, cursor: 'e-1' },
  ];
  const ids = (all: typeof pages | ReturnType<typeof putInList>) =>
    all.map((page) => page.items.map((item) => item.id));

  it('moves a row between pages without a copy', () => {
    expect(ids(putInList(pages, one('c'), true))).toEqual([['c', 'a', 'b'], []]);
  });
  it('replaces a row in its place', () => {
    expect(ids(putInList(pages, { ...one('b'), unread: 3 }, false))).toEqual([['a', 'b'], ['c']]);
  });
  it('takes in a new conversation only with its first message', () => {
    expect(ids(putInList(pages, conversation({ id: 'new' }), true))).toEqual([['a', 'b'], ['c']]);
    expect(ids(putInList(pages, one('new'), true))).toEqual([['new', 'a', 'b'], ['c']]);
  });
});
