import { expect, it } from 'vitest';
import { makeFormat } from './format';
import { formatLastSeen } from './last-seen';

const now = new Date(2026, 10, 25, 12, 30).getTime();
const ago = (minutes: number) => new Date(now - minutes * 60_000).toISOString();

it.each([
  [0, 'here just now'],
  [-3, 'here just now'],
  [2, 'here just now'],
  [3, 'last seen 3 minutes ago'],
  [59, 'last seen 59 minutes ago'],
  [60, 'last seen 11:30'],
  [24 * 60, 'last seen Yesterday 12:30'],
])('says when somebody was seen %i minutes ago', (minutes, want) => {
  expect(formatLastSeen(makeFormat('en-GB', ''), ago(minutes), now)).toBe(want);
});
