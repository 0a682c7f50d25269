import { describe, expect, it } from 'vitest';
import { makeFormat } from '@/lib/format';
import type { PendingMessage } from '@/lib/outbox';
import { ME, message, PEER } from '@/lib/testing';
import { prependPage, type Timeline } from '@/lib/timeline';
import { buildRows, copyText, isPrepend, type MessageRow, type RowInput, seqUpTo, stateOf } from './rows';

const { dayNumber } = makeFormat('', '');
const at = (text: string) => new Date(text).toISOString();

function timeline(specs: [string, string][], over: Partial<Timeline> = {}): Timeline {
  const messages = specs.map(([sender, time], i) =>
    message(i + 1, { sender_id: sender, created_at: at(time) }),
  );
  return { messages, hasOlder: false, hasNewer: false, ...over };
}

function build(over: Partial<RowInput> & { timeline: Timeline }) {
  return buildRows({ pending: [], me: ME, peerReadSeq: 0, unreadFrom: 0, dayNumber, ...over });
}

const pending = (order: number, over: Partial<PendingMessage> = {}): PendingMessage => ({
  client_id: `p${order}`,
  user_id: ME,
  conversation_id: 'c',
  body: `pending ${order}`,
  created_at: at('2026-01-05T12:30:00'),
  order,
  state: 'queued',
  ...over,
});

const bubbles = (rows: ReturnType<typeof build>) =>
  rows.filter((row): row is MessageRow => row.kind === 'message');
const shape = (rows: ReturnType<typeof build>) =>
  bubbles(rows).map((row) => `${row.first ? '[' : '-'}${row.last ? ']' : '-'}`);

describe('groups', () => {
  it('are of one sender and less than two minutes apart', () => {
    const rows = build({
      timeline: timeline([
        [PEER, '2026-01-05T12:00:00'],
        [PEER, '2026-01-05T12:01:59'],
        [PEER, '2026-01-05T12:03:58'],
        [PEER, '2026-01-05T12:05:58'],
        [ME, '2026-01-05T12:06:00'],
        [ME, '2026-01-05T12:06:01'],
        [PEER, '2026-01-05T12:06:02'],
      ]),
    });
    expect(shape(rows)).toEqual(['[-', '--', '-]', '[]', '[-', '-]', '[]']);
  });

  it('end at midnight and at the unread line', () => {
    const line = timeline([
      [PEER, '2026-01-05T23:59:30'],
      [PEER, '2026-01-06T00:00:10'],
      [PEER, '2026-01-06T00:00:20'],
    ]);
    const rows = build({ timeline: line, unreadFrom: 3 });
    expect(rows.map((row) => row.kind)).toEqual([
      'beginning',
      'day',
      'message',
      'day',
      'message',
      'unread',
      'message',
    ]);
    expect(shape(rows)).toEqual(['[]', '[]', '[]']);
  });
});

it('a clock that was set back makes no second line for a day', () => {
  const rows = build({
    timeline: timeline([
      [PEER, '2026-01-06T10:00:00'],
      [PEER, '2026-01-05T10:00:00'],
      [PEER, '2026-01-06T10:00:01'],
    ]),
  });
  expect(rows.filter((row) => row.kind === 'day')).toHaveLength(1);
});

describe('the unread line', () => {
  it('stands before the first unread message of the other one', () => {
    const line = timeline([
      [PEER, '2026-01-05T12:00:00'],
      [ME, '2026-01-05T12:10:00'],
      [PEER, '2026-01-05T12:20:00'],
    ]);
    expect(build({ timeline: line, unreadFrom: 2 }).map((row) => row.kind)).toEqual([
      'beginning',
      'day',
      'message',
      'message',
      'unread',
      'message',
    ]);
    expect(build({ timeline: line, unreadFrom: 9 }).some((row) => row.kind === 'unread')).toBe(false);
  });
});

describe('own messages', () => {
  it('go from pending to sent to read and never back', () => {
    const order = ['pending', 'sent', 'read'];
    let before = 0;
    const line = timeline([[ME, '2026-01-05T12:00:00']]);
    const clientId = line.messages[0]?.client_id ?? '';
    const steps: Partial<RowInput>[] = [
      { timeline: { ...line, messages: [] }, pending: [pending(1, { client_id: clientId })] },
      { timeline: line, pending: [pending(1, { client_id: clientId })] },
      { timeline: line, peerReadSeq: 0 },
      { timeline: line, peerReadSeq: 1 },
      { timeline: line, peerReadSeq: 5 },
    ];
    for (const step of steps) {
      const own = bubbles(build({ timeline: line, ...step }));
      expect(own).toHaveLength(1);
      // The element stays the same from Enter to read.
      expect(own[0]?.key).toBe(clientId);
      const now = order.indexOf(own[0]?.state ?? '');
      expect(now).toBeGreaterThanOrEqual(before);
      before = now;
    }
    expect(stateOf(3, 2)).toBe('sent');
    expect(stateOf(2, 2)).toBe('read');
  });

  it('that wait stand last, in order, but not in the middle of the history', () => {
    const line = timeline([[PEER, '2026-01-05T12:00:00']]);
    const waiting = [pending(1), pending(2, { state: 'failed', reason: 'No.' })];
    expect(bubbles(build({ timeline: line, pending: waiting })).map((row) => row.state)).toEqual([
      undefined,
      'pending',
      'failed',
    ]);
    expect(bubbles(build({ timeline: { ...line, hasNewer: true }, pending: waiting }))).toHaveLength(1);
  });
});

it('a row on screen never changes when older messages come', () => {
  const all = Array.from({ length: 60 }, (_, i) =>
    message(i + 1, {
      sender_id: i % 5 < 3 ? PEER : ME,
      created_at: new Date(Date.UTC(2026, 0, 1) + i * 3 * 3_600_000 + (i % 2) * -3 * 3_590_000).toISOString(),
    }),
  );
  // With a single loaded message there is nothing to hold back.
  for (let start = 2; start < 59; start++) {
    const line: Timeline = { messages: all.slice(start), hasOlder: true, hasNewer: false };
    const before = build({ timeline: line });
    for (const size of [1, 7, 60]) {
      const from = Math.max(0, start - size);
      const older = prependPage(line, {
        items: all.slice(from, start),
        has_older: from > 0,
        has_newer: true,
      });
      const after = build({ timeline: older });
      expect(after.slice(-before.length)).toEqual(before);
      expect(isPrepend(before, after)).toBe(after.length > before.length);
    }
  }
});

it('tells a new message at the end from older ones at the top', () => {
  const line = timeline([[PEER, '2026-01-05T12:00:00']]);
  const rows = build({ timeline: line });
  expect(isPrepend(rows, build({ timeline: line, pending: [pending(1)] }))).toBe(false);
  expect(isPrepend([], rows)).toBe(false);
});

it('knows how far was read from the last row on screen', () => {
  const rows = build({
    timeline: timeline([
      [PEER, '2026-01-05T12:00:00'],
      [PEER, '2026-01-06T12:00:00'],
    ]),
    pending: [pending(1)],
  });
  expect(rows.map((row) => row.kind)).toEqual(['beginning', 'day', 'message', 'day', 'message', 'message']);
  expect([0, 1, 2, 3, 4, 5, 99].map((index) => seqUpTo(rows, index))).toEqual([0, 0, 1, 1, 2, 2, 2]);
});

it('copies several messages as name, time and text', () => {
  const rows = build({
    timeline: timeline([
      [PEER, '2026-01-05T12:00:00'],
      [ME, '2026-01-05T12:01:00'],
    ]),
  });
  expect(
    copyText(
      rows,
      (mine) => (mine ? 'You' : 'Peer'),
      () => '12:00',
    ),
  ).toBe('Peer, 12:00\nmessage 1\n\nYou, 12:00\nmessage 2');
});
