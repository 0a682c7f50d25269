import type { Format } from './format';
import { messages } from './messages';

const NOW_MINUTES = 2;

/** "last seen …" in words; the server tells it to the minute, a minute late. */
export function formatLastSeen(format: Format, instant: string, now = Date.now()): string {
  const minutes = Math.floor((now - Date.parse(instant)) / 60_000);
  if (minutes <= NOW_MINUTES) return messages.privacy.seenNow;
  if (minutes < 60) return messages.privacy.seenMinutes(minutes);
  const day = format.list(instant, now);
  const clock = format.clock(instant);
  return messages.privacy.seenAt(day === clock ? clock : `${day} ${clock}`);
}
