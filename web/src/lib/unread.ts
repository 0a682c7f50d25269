import { useConversations } from './queries';

/** How many messages wait unread in all conversations that are loaded. */
export function useTotalUnread(): number {
  const { data } = useConversations();
  let total = 0;
  for (const page of data?.pages ?? []) for (const conversation of page.items) total += conversation.unread;
  return total;
}
