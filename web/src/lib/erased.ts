import type { Message } from './api';

/*
 * Messages whose text went away while this page was open. An answer that was on its way meanwhile
 * still has the text: what comes in goes through `withoutErased`.
 */

const erased = new Set<string>();

export function noteErased(messageId: string): void {
  erased.add(messageId);
}

/** The message as it is to be shown: without a text when that was erased. */
export function withoutErased(message: Message): Message {
  return message.body !== '' && erased.has(message.id) ? { ...message, body: '' } : message;
}
