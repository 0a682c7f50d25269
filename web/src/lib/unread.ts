import { useEffect } from 'react';
import { useConversations } from './queries';

/**
 * How many messages wait unread in all conversations; those of requests do not count. Pages are loaded for as
 * long as a later one has unread messages: what is loaded is exact, because it is kept live.
 */
export function useTotalUnread(): number {
  const { data, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = useConversations();
  const last = data?.pages.at(-1);
  const waits = isFetchingNextPage || isFetchNextPageError;
  // For each last page anew: a page can come so fast that nothing else changes in between.
  useEffect(() => {
    if (last?.more_unread === true && hasNextPage && !waits) void fetchNextPage();
  }, [last, hasNextPage, waits, fetchNextPage]);
  let total = 0;
  for (const page of data?.pages ?? [])
    for (const { request, unread } of page.items) if (request === 'none') total += unread;
  return total;
}
