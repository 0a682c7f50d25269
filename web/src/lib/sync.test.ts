import { QueryObserver } from '@tanstack/react-query';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Conversation, Entry, Message } from './api';
import { queryClient } from './query-client';
import { cacheOf, keys } from './store';
import { Sync } from './sync';
import { conversation, created, ME, message, PEER } from './testing';
import { FakeSocket } from './testing-socket';
import type { Timeline } from './timeline';
import { adopt, forget } from './token';

/** The server: one conversation, one log; `epoch` changes when it was restored from a backup. */
class World {
  epoch = 'e';
  messages: Message[] = [];
  log: Entry[] = [];
  /** Entries up to here are trimmed. */
  trimmed = 0;
  down = false;
  peer = conversation({}).peer;
  peerGone = false;
  requests: string[] = [];

  post(): Entry {
    const next = message(this.messages.length + 1, { sender_id: PEER });
    this.messages.push(next);
    const seq = this.log.length + 1;
    const entry = { ...created(next), cursor: `${this.epoch}-${seq}`, seq, time: next.created_at };
    this.log.push(entry);
    return entry;
  }

  view(): Conversation {
    const last = this.messages.length;
    return conversation({
      last_seq: last,
      last_message: this.messages.at(-1) ?? null,
      unread: last,
      peer_read_seq: last,
      peer: this.peer,
      peer_gone: this.peerGone,
    });
  }

  answer(url: URL): Response {
    const path = url.pathname.replace('/api/v1', '');
    this.requests.push(path);
    const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
    if (path === '/conversations')
      return json({ items: [this.view()], next_cursor: null, cursor: `${this.epoch}-${this.log.length}` });
    if (path === '/conversations/c') return json(this.view());
    if (path === '/conversations/c/messages') {
      const after = Number(url.searchParams.get('after') ?? 0);
      const items = after ? this.messages.slice(after, after + 100) : this.messages.slice(-15);
      return json({
        items,
        has_older: (items[0]?.seq ?? 1) > 1,
        has_newer: (items.at(-1)?.seq ?? 0) < this.messages.length && items.length > 0,
      });
    }
    const one = this.messages.find(({ id }) => path === `/messages/${id}`);
    if (one) return json(one);
    if (path === '/events') {
      const [epoch, seq] = (url.searchParams.get('after') ?? '').split('-');
      if (epoch !== this.epoch) return json({ type: '/problems/cursor-ahead' }, 409);
      if (Number(seq) < this.trimmed) return json({ type: '/problems/cursor-expired' }, 410);
      return json({
        items: this.log.slice(Number(seq)),
        cursor: `${this.epoch}-${this.log.length}`,
        has_more: false,
      });
    }
    throw new Error(`not expected: ${path}`);
  }
}

let world: World;
let sync: Sync;
const confirmed: string[] = [];

const seqs = () =>
  cacheOf(queryClient)
    .timeline('c')
    ?.messages.map((one) => one.seq);
const unread = () => cacheOf(queryClient).conversation('c')?.unread;
const range = (to: number) => Array.from({ length: to }, (_, i) => i + 1);
const tick = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
const push = (...entries: Entry[]) => {
  for (const event of entries) FakeSocket.last.say({ type: 'event', event });
};

beforeEach(async () => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  FakeSocket.all = [];
  vi.stubGlobal('WebSocket', FakeSocket);
  world = new World();
  vi.stubGlobal('fetch', async (request: Request) => {
    if (world.down) throw new TypeError('Failed to fetch');
    return world.answer(new URL(request.url));
  });
  adopt({
    access_token: 't',
    token_type: 'Bearer',
    enrol: false,
    expires_in: 600,
    user: { id: ME, username: 'me', display_name: 'Me', role: 'user' },
  });
  for (let i = 0; i < 3; i++) world.post();
  sync = new Sync(ME, { confirmed: (id) => confirmed.push(id) });
  void sync.start();
  await tick(10);
  FakeSocket.last.welcome();
  queryClient.setQueryData<Timeline>(keys.timeline('c'), {
    messages: [...world.messages],
    hasOlder: false,
    hasNewer: false,
  });
});
afterEach(() => {
  sync.stop();
  forget('signed-out');
  queryClient.clear();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('following the log', () => {
  it('begins where the snapshot ends', () => {
    expect(FakeSocket.last.sent[0]).toEqual({ type: 'hello', cursor: 'e-3', payload: 'full' });
    expect(unread()).toBe(3);
  });

  it('applies entries in order and ignores what it has', async () => {
    const [four, five] = [world.post(), world.post()];
    push(four, four, five, four, five);
    expect(seqs()).toEqual(range(5));
    expect(unread()).toBe(5);
    await tick(500);
    expect(world.requests).toEqual(['/conversations']);
  });

  it('a hole sends it back to the cursor, and nothing behind the hole is applied before', async () => {
    const [four, five] = [world.post(), world.post()];
    push(five);
    expect(seqs()).toEqual(range(3));
    await tick(2_000);
    expect(FakeSocket.all).toHaveLength(2);
    FakeSocket.last.welcome();
    expect(FakeSocket.last.sent[0]).toMatchObject({ cursor: 'e-3' });
    push(four, five);
    expect(seqs()).toEqual(range(5));
  });
});

describe('when push is away', () => {
  it('reads the log over HTTP after a failed try, and goes on from there', async () => {
    FakeSocket.last.end(1006);
    await tick(300);
    world.post();
    FakeSocket.last.end(1006);
    await tick(10);
    expect(seqs()).toEqual(range(4));
    await tick(1_000);
    FakeSocket.last.welcome();
    expect(FakeSocket.last.sent[0]).toMatchObject({ cursor: 'e-4' });
  });

  it('finds a dead socket by asking the log, and leaves a living one alone', async () => {
    await tick(80_000);
    expect(FakeSocket.all).toHaveLength(1);
    world.post();
    await tick(80_000);
    expect(seqs()).toEqual(range(4));
    expect(FakeSocket.all.length).toBeGreaterThan(1);
  });
});

describe('when the log does not reach back', () => {
  it('takes a new snapshot, fills open timelines, and follows from the head', async () => {
    for (let i = 0; i < 30; i++) world.post();
    const stop = new QueryObserver(queryClient, { queryKey: keys.timeline('c') }).subscribe(() => undefined);
    FakeSocket.last.say({
      type: 'resync',
      reason: 'cursor-expired',
      cursor: 'e-33',
      snapshot: '/api/v1/conversations',
    });
    push(world.post());
    await tick(1_000);
    expect(unread()).toBe(34);
    expect(seqs()).toEqual(range(34));
    stop();
    expect(world.requests.filter((path) => path === '/conversations')).toHaveLength(2);
  });

  it('forgets what a restored server never had', async () => {
    world.epoch = 'f';
    world.messages = world.messages.slice(0, 1);
    world.log = [];
    FakeSocket.last.say({
      type: 'resync',
      reason: 'cursor-ahead',
      cursor: 'f-0',
      snapshot: '/api/v1/conversations',
    });
    await tick(1_000);
    expect(cacheOf(queryClient).conversation('c')).toMatchObject({ last_seq: 1, unread: 1 });
    expect(cacheOf(queryClient).timeline('c')).toBeUndefined();
    push(world.post());
    expect(unread()).toBe(2);
  });

  it('hears of it over HTTP, too', async () => {
    world.trimmed = 5;
    for (let i = 0; i < 10; i++) world.post();
    FakeSocket.last.end(1006);
    await tick(300);
    FakeSocket.last.end(1006);
    await tick(3_000);
    expect(unread()).toBe(13);
    FakeSocket.last.welcome();
    expect(FakeSocket.last.sent[0]).toMatchObject({ cursor: 'e-13' });
  });
});

it('asks anew for a person who has changed, and for nobody whom nothing is shown of', async () => {
  world.peer = { ...world.peer, display_name: 'Another name' };
  const told = (user: string) => FakeSocket.last.say({ type: 'person', user_id: user });
  told('a stranger');
  await tick(2_000);
  expect(world.requests).toEqual(['/conversations']);
  told(PEER);
  told(PEER);
  await tick(2_000);
  expect(world.requests).toEqual(['/conversations', '/conversations/c']);
  expect(cacheOf(queryClient).conversation('c')?.peer.display_name).toBe('Another name');
  expect(seqs()).toEqual(range(3));
});

it('what the server keeps of a deleted account stays on the screen', async () => {
  const bodies = () =>
    cacheOf(queryClient)
      .timeline('c')
      ?.messages.map((one) => one.body);
  const mine = { ...message(4, { sender_id: ME }), body: 'mine' };
  world.messages.push(mine);
  queryClient.setQueryData<Timeline>(keys.timeline('c'), {
    messages: [...world.messages],
    hasOlder: false,
    hasNewer: false,
  });
  const before = bodies();
  world.peerGone = true;
  FakeSocket.last.say({ type: 'person', user_id: PEER });
  await tick(2_000);
  expect(bodies()).toEqual(before);
  expect(world.requests.filter((path) => path.startsWith('/messages/'))).toHaveLength(1);
});

it('what was erased with the account goes from the screen', async () => {
  const gone = world.messages.map((one) => ({ ...one, body: '' }));
  world.messages = gone;
  world.peerGone = true;
  FakeSocket.last.say({ type: 'person', user_id: PEER });
  await tick(2_000);
  expect(
    cacheOf(queryClient)
      .timeline('c')
      ?.messages.map((one) => one.body),
  ).toEqual(['', '', '']);
  expect(cacheOf(queryClient).conversation('c')?.last_message?.body).toBe('');
});

it('the answer of a POST that overtook the log fills the gap and shows everything once', async () => {
  const [four, five] = [world.post(), world.post()];
  const mine = { ...world.messages[4], sender_id: ME } as Message;
  world.messages[4] = mine;
  const shown = sync.delivered(mine);
  expect(seqs()).toEqual(range(3));
  await tick(1_000);
  await shown;
  expect(seqs()).toEqual(range(5));
  push(four, { ...five, data: mine });
  expect(seqs()).toEqual(range(5));
  await tick(10);
  expect(confirmed).toContain(mine.client_id);
});

it('a new conversation shows its latest message, also when the answer about it is older', async () => {
  queryClient.removeQueries({ queryKey: keys.conversation('c') });
  queryClient.setQueryData(keys.conversations, {
    pages: [{ items: [], next_cursor: null, more_unread: false, cursor: '' }],
    pageParams: [undefined],
  });
  vi.stubGlobal('fetch', async (request: Request) => {
    const answer = world.answer(new URL(request.url));
    await new Promise((resolve) => setTimeout(resolve, 100));
    return answer;
  });
  push(world.post());
  await tick(50);
  push(world.post(), world.post());
  await tick(1_000);
  expect(cacheOf(queryClient).conversation('c')?.last_seq).toBe(6);
});
