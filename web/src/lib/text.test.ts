import { expect, it } from 'vitest';
import { codePoints, isLargeEmoji, trimBody } from './text';

it.each(['🎉', '👍🏽', '👨‍👩‍👧‍👦', '🇩🇪', '❤️', '1️⃣', '☕🎉', '🎉 🎉\n🎉', '🏴󠁧󠁢󠁳󠁣󠁴󠁿'])(
  '%s is shown large',
  (text) => {
    expect(isLargeEmoji(text)).toBe(true);
  },
);

it.each(['', ' ', '1', '12', '#', '©', 'ok 🎉', '🎉🎉🎉🎉', 'a', '🎉!', '™'])('%j is not', (text) => {
  expect(isLargeEmoji(text)).toBe(false);
});

it('counts code points, as the server does', () => {
  expect(codePoints('a🎉ä')).toBe(3);
  expect(codePoints('')).toBe(0);
});

it('cuts white space around', () => {
  expect(trimBody(' \n a b \t')).toBe('a b');
});
