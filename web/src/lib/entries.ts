import type { Message } from './api';

/*
 * The event log on the wire. A cursor is "<epoch>-<number>"; the numbers of one person are dense,
 * so a client that holds one number can tell that it has missed nothing.
 */

export interface Position {
  epoch: string;
  seq: number;
}

/** Undefined for what is not a cursor. */
export function parseCursor(cursor: string): Position | undefined {
  const found = /^([0-9a-z]+)-(\d{1,15})$/i.exec(cursor);
  return found?.[1] === undefined ? undefined : { epoch: found[1], seq: Number(found[2]) };
}

export interface ReadMark {
  conversation_id: string;
  user_id: string;
  read_seq: number;
}

export interface Erasure {
  conversation_id: string;
  message_id: string;
}

function has<K extends string>(value: unknown, texts: K[]): value is Record<K, string> {
  return (
    typeof value === 'object' &&
    value !== null &&
    texts.every((key) => typeof (value as Record<string, unknown>)[key] === 'string')
  );
}

/** The message in the data of `message.created`, or undefined when it is not one. */
export function messageOf(data: unknown): Message | undefined {
  if (!has(data, ['id', 'conversation_id', 'sender_id', 'client_id', 'body', 'created_at'])) return undefined;
  return Number.isSafeInteger((data as { seq?: unknown }).seq) ? (data as unknown as Message) : undefined;
}

/** The read mark in the data of `conversation.read`, or undefined when it is not one. */
export function readMarkOf(data: unknown): ReadMark | undefined {
  if (!has(data, ['conversation_id', 'user_id'])) return undefined;
  return Number.isSafeInteger((data as { read_seq?: unknown }).read_seq)
    ? (data as unknown as ReadMark)
    : undefined;
}

/** What the data of `message.erased` names, or undefined when it is nothing. */
export function erasureOf(data: unknown): Erasure | undefined {
  return has(data, ['conversation_id', 'message_id']) ? data : undefined;
}
