import { messages } from './messages';

/*
 * All times are shown in the person's own zone and locale. Days are compared by calendar day in
 * that zone, never by 24 hours, so days of 23 and 25 hours (daylight saving) are right.
 * A `locale` is given only by tests.
 */

type Instant = string | number | Date;

const cache = new Map<string, Intl.DateTimeFormat>();

function format(locale: string | undefined, options: Intl.DateTimeFormatOptions, date: Date): string {
  const key = `${locale ?? ''}|${JSON.stringify(options)}`;
  let formatter = cache.get(key);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat(locale, options);
    cache.set(key, formatter);
  }
  return formatter.format(date);
}

/** A number that is equal for two instants of the same local day and one apart for neighbours. */
export function dayNumber(instant: Instant): number {
  const date = new Date(instant);
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000);
}

const twelve = new Map<string, boolean>();

/** The time of day: "14:05", or "2:05 PM" where people write it so. */
export function formatClock(instant: Instant, locale?: string): string {
  const key = locale ?? '';
  let hour12 = twelve.get(key);
  if (hour12 === undefined) {
    hour12 = new Intl.DateTimeFormat(locale, { hour: 'numeric' }).resolvedOptions().hour12 ?? false;
    twelve.set(key, hour12);
  }
  return format(locale, { hour: hour12 ? 'numeric' : '2-digit', minute: '2-digit' }, new Date(instant));
}

/** For a row of the conversation list: clock today, "Yesterday", weekday within a week, date after. */
export function formatListTime(instant: Instant, now: Instant = Date.now(), locale?: string): string {
  const date = new Date(instant);
  const age = dayNumber(now) - dayNumber(date);
  if (age <= 0) return formatClock(date, locale);
  if (age === 1) return messages.time.yesterday;
  if (age < 7) return format(locale, { weekday: 'short' }, date);
  if (new Date(now).getFullYear() === date.getFullYear()) {
    return format(locale, { day: 'numeric', month: 'short' }, date);
  }
  return format(locale, { day: '2-digit', month: '2-digit', year: '2-digit' }, date);
}

/** For a day separator: "Today", "Yesterday", "Monday", "Monday, 3 March", with the year when it is another. */
export function formatDay(instant: Instant, now: Instant = Date.now(), locale?: string): string {
  const date = new Date(instant);
  const age = dayNumber(now) - dayNumber(date);
  if (age === 0) return messages.time.today;
  if (age === 1) return messages.time.yesterday;
  if (age > 1 && age < 7) return format(locale, { weekday: 'long' }, date);
  const sameYear = new Date(now).getFullYear() === date.getFullYear();
  return format(
    locale,
    { weekday: 'short', day: 'numeric', month: 'long', ...(sameYear ? {} : { year: 'numeric' as const }) },
    date,
  );
}

/** The full date and time, for tooltips and screen readers. */
export function formatFull(instant: Instant, locale?: string): string {
  return format(locale, { dateStyle: 'full', timeStyle: 'short' }, new Date(instant));
}
