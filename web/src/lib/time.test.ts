import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dayNumber, formatClock, formatDay, formatListTime } from './time';

const zone = process.env.TZ;
beforeEach(() => {
  // Clocks go forward on 29 March 2026, back on 25 October 2026.
  process.env.TZ = 'Europe/Berlin';
});
afterEach(() => {
  process.env.TZ = zone;
});

const now = new Date('2026-03-30T08:00:00+02:00');

describe('the time in a list row', () => {
  const cases: [string, string][] = [
    ['2026-03-30T07:59:00+02:00', '07:59'],
    ['2026-03-30T00:00:00+02:00', '00:00'],
    ['2026-03-29T23:59:59+02:00', 'Yesterday'],
    ['2026-03-29T00:30:00+01:00', 'Yesterday'], // 30.5 hours ago: the day had 23
    ['2026-03-28T23:59:59+01:00', 'Sat'],
    ['2026-03-24T12:00:00+01:00', 'Tue'],
    ['2026-03-23T12:00:00+01:00', '23 Mar'],
    ['2026-01-02T12:00:00+01:00', '2 Jan'],
    ['2025-12-31T12:00:00+01:00', '31/12/25'],
    ['2026-03-30T09:00:00+02:00', '09:00'], // a server clock ahead of ours
  ];
  it.each(cases)('%s is %s', (at, text) => {
    expect(formatListTime(at, now, 'en-GB')).toBe(text);
  });
});

describe('the day line', () => {
  const cases: [string, string][] = [
    ['2026-03-30T00:00:00+02:00', 'Today'],
    ['2026-03-29T12:00:00+02:00', 'Yesterday'],
    ['2026-03-28T12:00:00+01:00', 'Saturday'],
    ['2026-03-02T12:00:00+01:00', 'Mon 2 March'],
    ['2024-02-29T12:00:00+01:00', 'Thu 29 February 2024'],
  ];
  it.each(cases)('%s is %s', (at, text) => {
    expect(formatDay(at, now, 'en-GB').replace(',', '')).toBe(text);
  });
});

it('counts days of 23 and 25 hours as one day', () => {
  for (const [before, after] of [
    ['2026-03-28T23:30:00+01:00', '2026-03-29T23:30:00+02:00'],
    ['2026-03-29T00:10:00+01:00', '2026-03-30T00:05:00+02:00'],
    ['2026-10-25T00:10:00+02:00', '2026-10-26T00:05:00+01:00'],
    ['2026-10-24T23:50:00+02:00', '2026-10-25T23:50:00+01:00'],
  ] as const) {
    expect(dayNumber(after) - dayNumber(before)).toBe(1);
  }
  expect(dayNumber('2026-10-25T00:10:00+02:00')).toBe(dayNumber('2026-10-25T23:50:00+01:00'));
});

it('writes the clock as the locale does', () => {
  expect(formatClock('2026-03-30T19:05:00+02:00', 'en-US').replace(/\s/u, ' ')).toBe('7:05 PM');
  expect(formatClock('2026-03-30T07:05:00+02:00', 'en-GB')).toBe('07:05');
});
