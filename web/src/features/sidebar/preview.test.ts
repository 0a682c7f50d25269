import { describe, expect, it } from 'vitest';
import type { Conversation } from '@/lib/api';
import type { PendingMessage } from '@/lib/outbox';
import { oneLine, type PreviewInput, previewOf } from './preview';

const message = (sender_id: string, body: string) => ({
  id: 'm',
  conversation_id: 'c',
  seq: 7,
  sender_id,
  client_id: 'x',
  body,
  created_at: '2026-11-23T10:00:00Z',
});

const conversation: Conversation = {
  id: 'c',
  kind: 'direct',
  peer: { id: 'ada', username: 'ada', display_name: 'Ada' },
  last_message: message('ada', 'hello\n\n  there'),
  last_seq: 7,
  read_seq: 0,
  peer_read_seq: 0,
  blocked: false,
  peer_gone: false,
  request: 'none',
  unread: 1,
  created_at: '2026-11-23T10:00:00Z',
};

const waiting = (body: string, state: 'queued' | 'failed'): PendingMessage => ({
  client_id: body,
  user_id: 'me',
  conversation_id: 'c',
  body,
  created_at: '2026-11-23T10:00:00Z',
  order: 1,
  state,
});

const input = (more: Partial<PreviewInput> = {}): PreviewInput => ({
  conversation,
  me: 'me',
  typing: false,
  draft: '',
  pending: [],
  ...more,
});
const mine = (more: Partial<Conversation> = {}) => ({
  ...conversation,
  last_message: message('me', 'my words'),
  ...more,
});

describe('previewOf', () => {
  it('shows the last message in one line', () => {
    expect(previewOf(input())).toEqual({ kind: 'theirs', text: 'hello there' });
  });
  it('typing wins over everything', () => {
    expect(previewOf(input({ typing: true, draft: 'draft' }))).toEqual({ kind: 'typing' });
  });
  it('a draft wins over messages, white space is no draft', () => {
    expect(previewOf(input({ draft: ' to say ', pending: [waiting('a', 'queued')] }))).toEqual({
      kind: 'draft',
      text: 'to say',
    });
    expect(previewOf(input({ draft: ' \n' })).kind).toBe('theirs');
  });
  it('the newest waiting message is shown, a failed one first', () => {
    const pending = [waiting('first', 'queued'), waiting('second', 'queued')];
    expect(previewOf(input({ pending }))).toEqual({ kind: 'mine', text: 'second', state: 'sending' });
    expect(previewOf(input({ pending: [waiting('bad', 'failed'), waiting('next', 'queued')] }))).toEqual({
      kind: 'mine',
      text: 'bad',
      state: 'failed',
    });
  });
  it('knows whether the own message was read', () => {
    expect(previewOf(input({ conversation: mine() }))).toMatchObject({ state: 'sent' });
    expect(previewOf(input({ conversation: mine({ peer_read_seq: 7 }) }))).toMatchObject({ state: 'read' });
    expect(previewOf(input({ conversation: mine({ kind: 'self' }) }))).toMatchObject({ state: 'none' });
  });
  it('has a form for a conversation without messages', () => {
    expect(previewOf(input({ conversation: { ...conversation, last_message: null } }))).toEqual({
      kind: 'empty',
    });
  });
});

it('oneLine keeps a long message short', () => {
  expect(oneLine('x'.repeat(9000)).length).toBe(160);
});
