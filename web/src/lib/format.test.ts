import { afterEach, describe, expect, it, vi } from 'vitest';
import { chooseFormat, formatNow, makeFormat, number, startFormat } from './format';

const own = process.env.TZ;
afterEach(() => {
  process.env.TZ = own;
  chooseFormat();
});

// Clocks in Berlin go forward on 29 March 2026, back on 25 October 2026. Where the device is must not matter.
const berlin = { TZ: 'Europe/Berlin', zone: '' };
const devices = [berlin, ...['UTC', 'Pacific/Auckland'].map((TZ) => ({ TZ, zone: 'Europe/Berlin' }))];
const now = new Date('2026-03-30T08:00:00+02:00');

describe.each(devices)('in Berlin, as a device in $TZ knows by "$zone"', ({ TZ, zone }) => {
  const made = (language = 'en-GB') => {
    process.env.TZ = TZ;
    return makeFormat(language, zone);
  };

  it.each([
    ['2026-03-30T07:59:00+02:00', '07:59'],
    ['2026-03-30T00:00:00+02:00', '00:00'],
    ['2026-03-29T23:59:59+02:00', 'Yesterday'],
    ['2026-03-29T00:30:00+01:00', 'Yesterday'], // 30.5 hours ago: the day had 23
    ['2026-03-28T23:59:59+01:00', 'Sat'],
    ['2026-03-24T12:00:00+01:00', 'Tue'],
    ['2026-03-23T12:00:00+01:00', '23 Mar'],
    ['2026-01-02T12:00:00+01:00', '2 Jan'],
    ['2026-01-01T00:00:00+01:00', '1 Jan'],
    ['2025-12-31T23:59:59+01:00', '31/12/25'],
    ['2026-03-30T09:00:00+02:00', '09:00'], // a server clock ahead of ours
  ])('the list says of %s: %s', (at, text) => expect(made().list(at, now)).toBe(text));

  it.each([
    ['2026-03-30T00:00:00+02:00', 'Today'],
    ['2026-03-29T12:00:00+02:00', 'Yesterday'],
    ['2026-03-28T12:00:00+01:00', 'Saturday'],
    ['2026-03-02T12:00:00+01:00', 'Mon 2 March'],
    ['2024-02-29T12:00:00+01:00', 'Thu 29 February 2024'],
  ])('the day line says of %s: %s', (at, text) => expect(made().day(at, now).replace(',', '')).toBe(text));

  it('counts days of 23 and 25 hours as one day', () => {
    const { dayNumber } = made();
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

  it.each([
    ['2026-03-29T01:59', '2026-03-29T00:59:00.000Z'],
    ['2026-03-29T03:00', '2026-03-29T01:00:00.000Z'],
    ['2026-10-25T01:59', '2026-10-24T23:59:00.000Z'],
    ['2026-10-25T03:00', '2026-10-25T02:00:00.000Z'],
    ['2026-07-01T00:00', '2026-06-30T22:00:00.000Z'],
  ])('the field %s is %s', (field, instant) => {
    expect(made().fromField(field)).toBe(instant);
    expect(made().toField(instant)).toBe(field);
  });
});

it('divides the same messages into other days elsewhere', () => {
  const [evening, night] = ['2026-03-29T23:30:00+02:00', '2026-03-30T00:30:00+02:00'] as const;
  const days = (zone: string) => {
    const { dayNumber } = makeFormat('en-GB', zone);
    return dayNumber(night) - dayNumber(evening);
  };
  expect(['Europe/Berlin', 'UTC', 'Asia/Kolkata', 'America/St_Johns'].map(days)).toEqual([1, 0, 0, 0]);
  expect(makeFormat('en-GB', 'Pacific/Chatham').clock(night)).toBe('12:15');
});

it('writes as the language does, days in words too', () => {
  const german = makeFormat('de', 'Europe/Berlin');
  expect([german.lang, german.list('2026-03-29T12:00:00+02:00', now), german.day(now, now)]).toEqual([
    'de',
    'Gestern',
    'Heute',
  ]);
  expect(german.day('2026-03-27T12:00:00+01:00', now)).toBe('Freitag');
  expect(german.number(12345)).toBe('12.345');
  expect(german.date('2026-11-24')).toBe('24.11.2026');
  const clock = (language: string) =>
    makeFormat(language, 'Europe/Berlin').clock('2026-03-30T19:05:00+02:00');
  expect(clock('en-US').replace(/\s/u, ' ')).toBe('7:05 PM');
  expect(clock('en-GB')).toBe('19:05');
});

it('keeps the other half where the browser does not know one', () => {
  expect(makeFormat('not a language', 'Asia/Tokyo').clock('2026-03-30T00:30:00Z').replace(/\s/u, ' ')).toBe(
    '9:30 AM',
  );
  expect(makeFormat('de', 'Moon/Crater').lang).toBe('de');
});

it('takes over what is chosen, and the browser again after it', () => {
  process.env.TZ = 'UTC';
  chooseFormat({ language: 'de', zone: 'Asia/Tokyo' });
  expect(number(1234.5)).toBe('1.234,5');
  expect(formatNow().clock('2026-03-30T00:30:00Z')).toBe('09:30');
  chooseFormat();
  expect(number(1234.5)).toBe('1,234.5');
});

it('follows the languages of the browser and the zone of a device that travels', () => {
  process.env.TZ = 'UTC';
  startFormat();
  const languages = vi.spyOn(navigator, 'languages', 'get').mockReturnValue(['de-AT']);
  dispatchEvent(new Event('languagechange'));
  expect(formatNow().lang).toBe('de-AT');
  process.env.TZ = 'Asia/Tokyo';
  dispatchEvent(new Event('focus'));
  expect(formatNow().clock('2026-03-30T00:30:00Z')).toBe('09:30');
  languages.mockRestore();
});
