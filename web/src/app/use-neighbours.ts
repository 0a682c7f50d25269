import { useConversations } from '@/lib/queries';

/** The conversation above (-1) or below (1) the open one in the list; the first when none is open. */
export function useNeighbours(openId: string | undefined): (by: 1 | -1) => string | undefined {
  const { data } = useConversations();
  return (by) => {
    const ids =
      data?.pages.flatMap((page) =>
        page.items.filter((one) => one.request === 'none').map((one) => one.id),
      ) ?? [];
    const at = openId === undefined ? -1 : ids.indexOf(openId);
    if (at < 0) return ids[0];
    return ids[at + by];
  };
}
