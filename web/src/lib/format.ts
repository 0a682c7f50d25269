import { create } from 'zustand';

/*
 * Every date, time and number that people see is written here, in the language and the time zone of
 * their profile; what they did not say there is the browser's. Days are compared by calendar day in that
 * zone, never by 24 hours, so days of 23 and 25 hours (daylight saving) are right.
 */

type Instant = string | number | Date;

/** Writes for one language and one time zone. */
export interface Format {
  /** The language of what is written, for `lang`: the texts around it are English. */
  lang: string;
  /** A number that is equal for two instants of the same day and one apart for neighbours. */
  dayNumber: (instant: Instant) => number;
  /** The time of day: "14:05", or "2:05 PM" where people write it so. */
  clock: (instant: Instant) => string;
  /** For a row of a list: clock today, "Yesterday", weekday within a week, date after. */
  list: (instant: Instant, now?: Instant) => string;
  /** For a day line: "Today", "Yesterday", "Monday", "Monday, 3 March", with the year when it is another. */
  day: (instant: Instant, now?: Instant) => string;
  /** The full date and time, for tooltips and screen readers. */
  full: (instant: Instant) => string;
  /** A day such as "2026-11-24", the same in every zone. */
  date: (day: string) => string;
  number: (value: number) => string;
  /** What a field of type datetime-local holds for an instant, to the minute; and back, as RFC 3339. */
  toField: (instant: Instant) => string;
  fromField: (local: string) => string;
}

const DAY_MS = 86_400_000;
/** No zone changes its clocks within a quarter of an hour. */
const STEP_MS = 900_000;

/** An empty language or zone is the browser's; so is one that the browser does not know. */
export function makeFormat(language: string, zone: string): Format {
  const { locale, timeZone } = resolve(language, zone);
  const offsetOf = offsets(timeZone);
  const writer = (options: Intl.DateTimeFormatOptions) => {
    let made: Intl.DateTimeFormat | undefined;
    return (instant: Instant) => {
      made ??= new Intl.DateTimeFormat(locale, { timeZone, ...options });
      return made.format(new Date(instant));
    };
  };
  const hour12 = new Intl.DateTimeFormat(locale, { hour: 'numeric' }).resolvedOptions().hour12;
  const clock = writer({ hour: hour12 ? 'numeric' : '2-digit', minute: '2-digit' });
  const shortWeekday = writer({ weekday: 'short' });
  const weekday = writer({ weekday: 'long' });
  const dayOfYear = writer({ day: 'numeric', month: 'short' });
  const shortDate = writer({ day: '2-digit', month: '2-digit', year: '2-digit' });
  const longDay = writer({ weekday: 'short', day: 'numeric', month: 'long' });
  const longDate = writer({ weekday: 'short', day: 'numeric', month: 'long', year: 'numeric' });
  const calendar = writer({ dateStyle: 'medium', timeZone: 'UTC' });
  const words = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const numbers = new Intl.NumberFormat(locale);

  /** The wall clock of an instant, as if it were UTC. */
  const wall = (instant: Instant) => {
    const at = new Date(instant).getTime();
    return at + offsetOf(at);
  };
  const dayNumber = (instant: Instant) => Math.floor(wall(instant) / DAY_MS);
  const year = (instant: Instant) => new Date(wall(instant)).getUTCFullYear();
  const near = (days: number) => capital(words.format(-days, 'day'), locale);

  return {
    lang: locale,
    dayNumber,
    clock,
    list: (instant, now = Date.now()) => {
      const age = dayNumber(now) - dayNumber(instant);
      if (age <= 0) return clock(instant);
      if (age === 1) return near(1);
      if (age < 7) return shortWeekday(instant);
      return year(now) === year(instant) ? dayOfYear(instant) : shortDate(instant);
    },
    day: (instant, now = Date.now()) => {
      const age = dayNumber(now) - dayNumber(instant);
      if (age === 0 || age === 1) return near(age);
      if (age > 1 && age < 7) return weekday(instant);
      return year(now) === year(instant) ? longDay(instant) : longDate(instant);
    },
    full: writer({ dateStyle: 'full', timeStyle: 'short' }),
    date: calendar,
    number: (value) => numbers.format(value),
    toField: (instant) => new Date(wall(instant)).toISOString().slice(0, 16),
    fromField: (local) => {
      const wanted = Date.parse(`${local}Z`);
      // The offset of a guess that is off by a change of the clocks is the one of the next guess.
      const guess = wanted - offsetOf(wanted);
      return new Date(wanted - offsetOf(guess)).toISOString();
    },
  };
}

function resolve(language: string, zone: string): { locale: string; timeZone: string } {
  const own = [...(navigator.languages ?? [])];
  for (const [locales, timeZone] of [
    [language ? [language] : own, zone || undefined],
    [own, zone || undefined],
    [language ? [language] : own, undefined],
    [[], undefined],
  ] as const) {
    try {
      return new Intl.DateTimeFormat([...locales], { timeZone }).resolvedOptions();
    } catch {
      // RangeError: the browser is older than the name.
    }
  }
  return { locale: 'en', timeZone: 'UTC' };
}

/** How far the clocks of a zone are ahead of UTC, in milliseconds. */
function offsets(timeZone: string): (at: number) => number {
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    ...{ year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  });
  const known = new Map<number, number>();
  return (at) => {
    const start = Math.floor(at / STEP_MS) * STEP_MS;
    let offset = known.get(start);
    if (offset === undefined) {
      const part = Object.fromEntries(clock.formatToParts(start).map(({ type, value }) => [type, +value]));
      const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
      offset = Date.UTC(year, month - 1, day, hour, minute, second) - start;
      known.set(start, offset);
    }
    return offset;
  };
}

function capital(text: string, locale: string): string {
  const [first = '', ...rest] = text;
  return first.toLocaleUpperCase(locale) + rest.join('');
}

interface Chosen {
  language: string;
  zone: string;
}

const nobody: Chosen = { language: '', zone: '' };
let chosen = nobody;
const store = create<Format>(() => makeFormat('', ''));

/** The format now, for components: they are drawn again when it changes. */
export const useFormat = (): Format => store();

/** The format now, for code outside components. */
export const formatNow = (): Format => store.getState();

/** A number in the format of now, for texts. */
export const number = (value: number): string => formatNow().number(value);

/** What somebody said in their profile, from now on; without it, what the browser says. */
export function chooseFormat(next: Chosen = nobody): void {
  if (next.language === chosen.language && next.zone === chosen.zone) return;
  chosen = next;
  renew();
}

function renew(): void {
  store.setState(makeFormat(chosen.language, chosen.zone), true);
}

/** Follows the browser: its languages, and the zone of a device that has travelled. Call once, at start. */
export function startFormat(): void {
  const zoneNow = () => new Intl.DateTimeFormat().resolvedOptions().timeZone;
  let zone = zoneNow();
  const look = () => {
    if (zoneNow() === zone) return;
    zone = zoneNow();
    renew();
  };
  addEventListener('languagechange', renew);
  // No event tells of the zone.
  addEventListener('focus', look);
  document.addEventListener('visibilitychange', look);
}
