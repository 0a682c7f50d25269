import { expect, it } from 'vitest';
import { backoffDelay, RECONNECT, retryAfterMs, sleep } from './backoff';

it('grows from half a second to thirty, and every delay below is as likely', () => {
  const most = [0, 1, 2, 3, 4, 5, 6, 7, 50].map((attempt) =>
    backoffDelay(attempt, RECONNECT, () => 0.999_999),
  );
  expect(most).toEqual([500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
  expect(backoffDelay(9, RECONNECT, () => 0)).toBe(0);
  expect(backoffDelay(3, RECONNECT, () => 0.5)).toBe(2000);
});

it.each([
  ['retry_after_ms=1500', 1500],
  ['retry_after_ms=0', 0],
  ['restart; retry_after_ms=20', 20],
  ['', undefined],
  ['retry_after_ms=soon', undefined],
  ['retry_after_ms=99999999', undefined],
  ['xretry_after_ms=5', undefined],
])('reads the wish of the server in %j', (reason, ms) => {
  expect(retryAfterMs(reason)).toBe(ms);
});

it('stops sleeping when told', async () => {
  const control = new AbortController();
  const slept = sleep(60_000, control.signal);
  control.abort();
  await slept;
  await sleep(60_000, control.signal);
});
