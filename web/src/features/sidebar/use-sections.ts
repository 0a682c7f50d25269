import { useEffect, useState } from 'react';
import type { ConversationPage } from '@/lib/api';

/** So many rows fill every screen. */
const SCREEN = 25;

type More = {
  /** Loads the next page, where there is one that may be asked for now. */
  more: (() => Promise<unknown>) | undefined;
  /** Every page is loaded. */
  complete: boolean;
  /** How many requests there are on all pages, as the server last said. */
  counted: number;
};

/**
 * The list in two sections: conversations and, beside them, message requests. What was ignored is in
 * neither.
 */
export function useSections(
  pages: readonly ConversationPage[] | undefined,
  { more, complete, counted }: More,
) {
  const [wanted, setWanted] = useState(false);
  const all = (pages ?? []).flatMap((page) => page.items);
  const requests = all.filter((one) => one.request === 'incoming');
  // Of what is not loaded only the server knows.
  const count = complete ? requests.length : Math.max(requests.length, counted);
  // The last one was answered: back to where it went.
  const onRequests = wanted && count > 0;
  const shown = onRequests ? requests : all.filter((one) => one.request === 'none');

  // Rows that are not shown do not scroll, so they would never ask for the page behind them.
  const short = pages !== undefined && shown.length < SCREEN;
  useEffect(() => {
    if (short) void more?.();
  }, [short, more]);
  return { shown, requests: count, onRequests, toggle: () => setWanted(!onRequests) };
}
