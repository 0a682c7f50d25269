import { useEffect, useState } from 'react';
import type { ConversationPage } from '@/lib/api';

/** So many rows fill every screen. */
const SCREEN = 25;

/**
 * The list in two sections: conversations and, beside them, message requests. What was ignored is in
 * neither. `more` loads the next page, where there is one that may be asked for now.
 */
export function useSections(
  pages: readonly ConversationPage[] | undefined,
  more: (() => Promise<unknown>) | undefined,
) {
  const [wanted, setWanted] = useState(false);
  const all = (pages ?? []).flatMap((page) => page.items);
  const requests = all.filter((one) => one.request === 'incoming');
  // The last one was answered: back to where it went.
  const onRequests = wanted && requests.length > 0;
  const shown = onRequests ? requests : all.filter((one) => one.request === 'none');

  // Rows that are not shown do not scroll, so they would never ask for the page behind them.
  const short = pages !== undefined && shown.length < SCREEN;
  useEffect(() => {
    if (short) void more?.();
  }, [short, more]);
  return { shown, requests: requests.length, onRequests, toggle: () => setWanted(!onRequests) };
}
