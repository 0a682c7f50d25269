import { useConversations } from './queries';

/** How many messages wait unread in all conversations that are loaded; those of requests do not count. */
export function useTotalUnread(): number {
  const { data } = useConversations();
  let total = 0;
  for (const page of data?.pages ?? [])
    for (const { request, unread } of page.items) if (request === 'none') total += unread;
  return total;
}
