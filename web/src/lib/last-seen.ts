import { messages } from './messages';
import { formatClock, formatListTime } from './time';

const NOW_MINUTES = 2;

/** "last seen …" in words; the server tells it to the minute, a minute late. */
export function formatLastSeen(instant: string, now = Date.now(), locale?: string): string {
  const minutes = Math.floor((now - Date.parse(instant)) / 60_000);
  if (minutes <= NOW_MINUTES) return messages.privacy.seenNow;
  if (minutes < 60) return messages.privacy.seenMinutes(minutes);
  const day = formatListTime(instant, now, locale);
  const clock = formatClock(instant, locale);
  return messages.privacy.seenAt(day === clock ? clock : `${day} ${clock}`);
}
