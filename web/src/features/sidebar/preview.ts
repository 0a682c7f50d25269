import type { Conversation } from '@/lib/api';
import { messages } from '@/lib/messages';
import type { PendingMessage } from '@/lib/outbox';

/** What the second line of a row shows, and the state of the own last message. */
export type Preview =
  | { kind: 'typing' }
  | { kind: 'draft'; text: string }
  | { kind: 'mine'; text: string; state: 'sending' | 'failed' | 'sent' | 'read' | 'none' }
  | { kind: 'theirs'; text: string }
  | { kind: 'empty' };

export type PreviewInput = {
  conversation: Conversation;
  me: string;
  typing: boolean;
  draft: string;
  pending: readonly PendingMessage[];
};

/** More than fits in any sidebar; keeps long messages out of the DOM. */
const LONGEST = 160;

/** One line: every run of white space is one space. */
export function oneLine(text: string): string {
  return text.slice(0, LONGEST).replace(/\s+/gu, ' ').trim();
}

/** Typing wins over a draft, a draft over what waits to be sent, that over the last message. */
export function previewOf({ conversation, me, typing, draft, pending }: PreviewInput): Preview {
  if (typing) return { kind: 'typing' };
  if (draft.trim() !== '') return { kind: 'draft', text: oneLine(draft) };
  const waiting = pending[pending.length - 1];
  if (waiting) {
    // A failed one that waits for a decision matters more than a later one on its way.
    const failed = pending.find((one) => one.state === 'failed');
    const shown = failed ?? waiting;
    return { kind: 'mine', text: oneLine(shown.body), state: failed ? 'failed' : 'sending' };
  }
  const last = conversation.last_message;
  if (!last) return { kind: 'empty' };
  // Only a text that was erased is empty.
  const text = oneLine(last.body) || messages.farewell.erased;
  if (last.sender_id !== me) return { kind: 'theirs', text };
  return { kind: 'mine', text, state: stateOf(conversation, last.seq) };
}

function stateOf(conversation: Conversation, seq: number): 'sent' | 'read' | 'none' {
  if (conversation.kind === 'self') return 'none';
  return conversation.peer_read_seq >= seq ? 'read' : 'sent';
}
