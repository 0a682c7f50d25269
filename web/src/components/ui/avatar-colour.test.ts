import { describe, expect, it } from 'vitest';
import { avatarColour, initials } from './avatar-colour';
import { badgeText } from './badge';

describe('initials', () => {
  it.each([
    ['Ada Lovelace', 'AL'],
    ['ada', 'A'],
    ['grace.hopper', 'GH'],
    ['  Jean  Luc  Picard ', 'JP'],
    ['Élodie', 'É'],
    ['👩‍🚀 Astro', '👩‍🚀A'],
    ['', '?'],
    ['---', '?'],
  ])('%j is %j', (name, expected) => expect(initials(name)).toBe(expected));
});

describe('avatarColour', () => {
  it('is the same for the same id', () => {
    expect(avatarColour('0192-a')).toBe(avatarColour('0192-a'));
  });
  it('spreads random ids evenly', () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 4000; i++) {
      const colour = avatarColour(
        `019b0e6a-${i.toString(16).padStart(4, '0')}-71a9-b372-${crypto.randomUUID().slice(-12)}`,
      );
      counts.set(colour, (counts.get(colour) ?? 0) + 1);
    }
    expect(Math.min(...counts.values())).toBeGreaterThan(350);
  });
  it('spreads time-ordered ids over the whole palette', () => {
    const seen = new Set(Array.from({ length: 200 }, (_, i) => avatarColour(`0192f0c1-${i}`)));
    expect(seen.size).toBe(8);
  });
});

describe('badgeText', () => {
  it.each([
    [1, '1'],
    [99, '99'],
    [100, '99+'],
  ])('%d shows %s', (count, text) => expect(badgeText(count)).toBe(text));
});
