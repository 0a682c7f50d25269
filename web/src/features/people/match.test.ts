import { describe, expect, it } from 'vitest';
import type { Conversation, User } from '@/lib/api';
import { type Choice, choices, isShort, matches } from './match';

const person = (id: string, display_name: string): User => ({ id, username: id, display_name });
const me = person('me', 'My Self');
const talk = (peer: User): Conversation => ({
  id: `with-${peer.id}`,
  kind: peer.id === 'me' ? 'self' : 'direct',
  peer,
  last_message: null,
  last_seq: 1,
  read_seq: 0,
  peer_read_seq: 0,
  blocked: false,
  peer_gone: false,
  request: 'none',
  unread: 0,
  created_at: '2026-11-23T10:00:00Z',
});
const keysOf = (groups: { choices: Choice[] }[]) =>
  groups.flatMap((group) => group.choices.map((one) => one.key));

describe('matches', () => {
  it.each([
    ['Ada Lovelace', 'ada', true],
    ['Ada Lovelace', 'LOVE', true],
    ['Ada Lovelace', 'ove', false],
    ['grace.hopper', 'hop', true],
    ['Élodie Müller', 'mull', true],
    ['ada', '@ada', true],
    ['bandana dana', 'dana', true],
    ['Ada', '', true],
  ])('%j begins with %j: %s', (text, query, expected) => expect(matches(text, query)).toBe(expected));
});

describe('choices', () => {
  const ada = person('ada', 'Ada Lovelace');
  const adam = person('adam', 'Adam Smith');
  const grace = person('grace', 'Grace Hopper');

  it('without a query: recent conversations, then people, then notes to oneself', () => {
    const groups = choices({ query: '', conversations: [talk(grace)], people: [ada, grace], me });
    expect(groups.map((group) => group.label)).toEqual(['Recent', 'People']);
    expect(keysOf(groups)).toEqual(['c-with-grace', 'p-ada', 'self']);
  });
  it('with a query: what fits, nobody twice', () => {
    const groups = choices({ query: 'ad', conversations: [talk(grace), talk(ada)], people: [ada, adam], me });
    expect(keysOf(groups)).toEqual(['c-with-ada', 'p-adam']);
  });
  it('notes to oneself are found by their name and shown once', () => {
    expect(keysOf(choices({ query: 'notes', conversations: [], people: [], me }))).toEqual(['self']);
    expect(keysOf(choices({ query: 'notes', conversations: [talk(me)], people: [], me }))).toEqual([
      'c-with-me',
    ]);
  });
  it('searches 10,000 conversations in less than 100 ms', () => {
    const conversations = Array.from({ length: 10_000 }, (_, i) =>
      talk(person(`user${i}`, `Person Number ${i}`)),
    );
    // The best of five: the machine that runs the tests does other things too.
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now();
      choices({ query: 'number 99', conversations, people: [], me });
      return performance.now() - start;
    });
    expect(Math.min(...times)).toBeLessThan(100);
  });
});

describe('isShort', () => {
  it.each([
    ['a', true],
    ['an', true],
    ['@an', true],
    ['a b', true],
    ['ann', false],
    ['a bee', false],
    ['山', false],
    ['김', false],
    ['🦊', false],
  ])('%s: %s', (query, want) => {
    expect(isShort(query)).toBe(want);
  });
});
