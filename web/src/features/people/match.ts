import type { Conversation, User } from '@/lib/api';
import { messages } from '@/lib/messages';

/** What the switcher offers. A person has no conversation yet, or none that is loaded. */
export type Choice =
  | { kind: 'conversation'; key: string; conversation: Conversation }
  | { kind: 'person'; key: string; user: User }
  | { kind: 'self'; key: string };

export type Group = { label: string; choices: Choice[] };

const folded = new Map<string, string>();

/** Lower case without accents, as the server's search compares. Kept: names are folded at each keystroke. */
export function fold(text: string): string {
  let result = folded.get(text);
  if (result === undefined) {
    result = text
      .normalize('NFD')
      .replace(/\p{M}+/gu, '')
      .toLowerCase();
    if (folded.size > 50_000) folded.clear();
    folded.set(text, result);
  }
  return result;
}

/** Whether the query begins the whole text or one of its words. */
export function matches(text: string, query: string): boolean {
  const hay = fold(text);
  const needle = fold(query.trim().replace(/^@/, ''));
  if (hay.startsWith(needle)) return true;
  for (let at = hay.indexOf(needle); at > 0; at = hay.indexOf(needle, at + 1)) {
    if (/[\s._-]/.test(hay.charAt(at - 1))) return true;
  }
  return false;
}

/** Signs that say as much as several letters. */
const dense =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{S}]/u;

/** Whether the server looks for nobody, because so few letters fit too many: searchFor in services/users/search.go. */
export function isShort(query: string): boolean {
  const words = query.trim().split(/\s+/);
  return !words.some((word) => [...word.replace(/^@/, '')].length >= 3 || dense.test(word));
}

const RECENT = 8;
const MOST = 30;

export type Sources = { query: string; conversations: Conversation[]; people: User[]; me: User };

/** The choices in order: conversations that fit, then people without one. Nobody comes twice. */
export function choices({ query, conversations, people, me }: Sources): Group[] {
  const text = query.trim();
  const fitting = text
    ? conversations.filter((one) => fits(one, text)).slice(0, MOST)
    : conversations.slice(0, RECENT);
  const shown = new Set(fitting.map((one) => one.peer.id));
  const talks: Choice[] = fitting.map((conversation) => ({
    kind: 'conversation',
    key: `c-${conversation.id}`,
    conversation,
  }));
  const others: Choice[] = people
    .filter((user) => !shown.has(user.id) && user.id !== me.id)
    .map((user) => ({ kind: 'person', key: `p-${user.id}`, user }));
  if (!shown.has(me.id) && (!text || selfFits(me, text))) others.push({ kind: 'self', key: 'self' });

  const groups: Group[] = [
    { label: text ? messages.people.conversations : messages.people.recent, choices: talks },
    { label: messages.people.people, choices: others },
  ];
  return groups.filter((group) => group.choices.length > 0);
}

function fits({ kind, peer }: Conversation, query: string): boolean {
  if (kind === 'self') return selfFits(peer, query);
  return matches(peer.display_name, query) || matches(peer.username, query);
}

function selfFits(me: User, query: string): boolean {
  return [me.display_name, me.username, messages.people.self].some((text) => matches(text, query));
}
