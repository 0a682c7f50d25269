import type { Message } from '@/lib/api';
import type { Format } from '@/lib/format';
import type { PendingMessage } from '@/lib/outbox';
import type { Timeline } from '@/lib/timeline';

/** Messages of one sender closer than this stand together. */
export const GROUP_MS = 2 * 60_000;

export type SendState = 'pending' | 'sent' | 'read' | 'failed';

export interface MessageRow {
  kind: 'message';
  key: string;
  /** Undefined while the server has not given it one. */
  seq: number | undefined;
  clientId: string;
  body: string;
  at: string;
  mine: boolean;
  /** First and last of its group: decides corners and gaps. */
  first: boolean;
  last: boolean;
  /** Only for own messages. */
  state: SendState | undefined;
  /** Why it failed. */
  reason: string | undefined;
}

export type Row =
  | { kind: 'beginning'; key: 'beginning' }
  | { kind: 'day'; key: string; at: string }
  | { kind: 'unread'; key: 'unread' }
  | MessageRow;

export interface RowInput {
  timeline: Timeline;
  pending: readonly PendingMessage[];
  me: string;
  peerReadSeq: number;
  /** The "New messages" line stands before the first message with at least this seq; 0 for none. */
  unreadFrom: number;
  /** Which day an instant belongs to. */
  dayNumber: Format['dayNumber'];
}

/** The state of an own message. With growing seqs it can only go forward: pending, sent, read. */
export function stateOf(seq: number, peerReadSeq: number): SendState {
  return seq <= peerReadSeq ? 'read' : 'sent';
}

/**
 * Everything the timeline shows, top to bottom. A row that was shown never changes when older messages
 * are put before it: the oldest loaded message is held back, as the context that decides about the day
 * line and the group of the next one. So nothing moves while somebody scrolls back.
 */
export function buildRows(input: RowInput): Row[] {
  const { timeline } = input;
  const shown = toRows(input);
  const heldBack = timeline.hasOlder && shown.length > 1 ? 1 : 0;
  const rows: Row[] = timeline.hasOlder ? [] : [{ kind: 'beginning', key: 'beginning' }];
  let day = Number.NEGATIVE_INFINITY;
  let divider = false;
  shown.forEach((row, index) => {
    const rowDay = input.dayNumber(row.at);
    // Only forward: the clock of the server may have been set back.
    const newDay = rowDay > day;
    day = Math.max(day, rowDay);
    if (index < heldBack) return;
    if (newDay) rows.push({ kind: 'day', key: `day:${row.key}`, at: row.at });
    if (!divider && startsUnread(row, input.unreadFrom)) {
      divider = true;
      rows.push({ kind: 'unread', key: 'unread' });
    }
    rows.push(row);
  });
  return rows;
}

function startsUnread(row: MessageRow, unreadFrom: number): boolean {
  return unreadFrom > 0 && row.seq !== undefined && row.seq >= unreadFrom && !row.mine;
}

function toRows({ timeline, pending, me, peerReadSeq, unreadFrom, dayNumber }: RowInput): MessageRow[] {
  const sent = new Set<string>();
  const rows: MessageRow[] = [];
  for (const message of timeline.messages) {
    if (message.sender_id === me) sent.add(message.client_id);
    rows.push(ofMessage(message, me, peerReadSeq));
  }
  // In the middle of the history there is no place for what comes last.
  if (!timeline.hasNewer) for (const one of pending) if (!sent.has(one.client_id)) rows.push(ofPending(one));
  let divided = false;
  rows.forEach((row, index) => {
    const before = rows[index - 1];
    const divides = !divided && startsUnread(row, unreadFrom);
    divided ||= divides;
    row.first = !before || divides || !together(before, row, dayNumber);
    if (before) before.last = row.first;
  });
  return rows;
}

/** Whether two neighbours belong to one group: same sender, less than two minutes, same day. */
function together(
  a: Pick<MessageRow, 'mine' | 'at'>,
  b: Pick<MessageRow, 'mine' | 'at'>,
  dayNumber: Format['dayNumber'],
): boolean {
  return (
    a.mine === b.mine &&
    Math.abs(Date.parse(b.at) - Date.parse(a.at)) < GROUP_MS &&
    dayNumber(a.at) === dayNumber(b.at)
  );
}

function ofMessage(message: Message, me: string, peerReadSeq: number): MessageRow {
  const mine = message.sender_id === me;
  return {
    kind: 'message',
    // An own message keeps its element from pending to sent.
    key: mine ? message.client_id : message.id,
    seq: message.seq,
    clientId: message.client_id,
    body: message.body,
    at: message.created_at,
    mine,
    first: true,
    last: true,
    state: mine ? stateOf(message.seq, peerReadSeq) : undefined,
    reason: undefined,
  };
}

function ofPending(pending: PendingMessage): MessageRow {
  return {
    kind: 'message',
    key: pending.client_id,
    seq: undefined,
    clientId: pending.client_id,
    body: pending.body,
    at: pending.created_at,
    mine: true,
    first: true,
    last: true,
    state: pending.state === 'failed' ? 'failed' : 'pending',
    reason: pending.reason,
  };
}

/** Whether rows were only added at the top, so that the view must keep its place from the bottom. */
export function isPrepend(before: readonly Row[], after: readonly Row[]): boolean {
  return (
    before.length > 0 &&
    after.length > before.length &&
    after.at(-1)?.key === before.at(-1)?.key &&
    after[0]?.key !== before[0]?.key
  );
}

/** The seq of the last message at or above this row; 0 when there is none. */
export function seqUpTo(rows: readonly Row[], index: number): number {
  for (let i = Math.min(index, rows.length - 1); i >= 0; i--) {
    const row = rows[i];
    if (row?.kind === 'message' && row.seq !== undefined) return row.seq;
  }
  return 0;
}

/** Several copied messages as text: one "name, time" line and the text for each. */
export function copyText(
  rows: readonly Row[],
  nameOf: (mine: boolean) => string,
  format: (at: string) => string,
) {
  return rows
    .filter((row) => row.kind === 'message')
    .map((row) => `${nameOf(row.mine)}, ${format(row.at)}\n${row.body}`)
    .join('\n\n');
}
