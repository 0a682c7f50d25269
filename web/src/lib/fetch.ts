import { type InfiniteData, infiniteQueryOptions, type QueryClient } from '@tanstack/react-query';
import { api, type Conversation, type ConversationPage, call, type MessagePage } from './api';
import { withoutErased } from './erased';
import { cacheOf, keys, learn, learnPage } from './store';
import { fromPage, type Timeline } from './timeline';

/** The list of conversations, newest first, 50 rows a page. */
export function conversationsQuery(client: QueryClient) {
  return infiniteQueryOptions<
    ConversationPage,
    Error,
    InfiniteData<ConversationPage, string | undefined>,
    typeof keys.conversations,
    string | undefined
  >({
    queryKey: keys.conversations,
    queryFn: async ({ pageParam, signal }) =>
      learnPage(
        client,
        await call(
          api.GET('/api/v1/conversations', { params: { query: { cursor: pageParam, limit: 50 } }, signal }),
        ),
      ),
    initialPageParam: undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });
}

export async function fetchConversation(client: QueryClient, id: string): Promise<Conversation> {
  return learn(client, await call(api.GET('/api/v1/conversations/{id}', { params: { path: { id } } })));
}

export interface PageRange {
  before?: number;
  after?: number;
  limit?: number;
}

/** Messages of one conversation, oldest first. Without a range: the latest, as many as the server is set to. */
export async function fetchPage(id: string, range: PageRange = {}): Promise<MessagePage> {
  const page = await call(
    api.GET('/api/v1/conversations/{id}/messages', { params: { path: { id }, query: queryOf(range) } }),
  );
  return { ...page, items: page.items.map(withoutErased) };
}

/** To the server after=0 is no range at all. The first n messages are those before n+1. */
export function queryOf(range: PageRange): PageRange {
  return range.after === 0 ? { before: (range.limit ?? 100) + 1, limit: range.limit ?? 100 } : range;
}

/** How many read messages to show above the first unread one. */
const CONTEXT = 12;

/** What a conversation opens with: the latest messages, or those round the first unread when it is further back. */
export async function openTimeline(client: QueryClient, id: string): Promise<Timeline> {
  const cache = cacheOf(client);
  const [latest, conversation] = await Promise.all([
    fetchPage(id),
    cache.conversation(id) ?? fetchConversation(client, id),
  ]);
  const firstUnread = conversation.read_seq + 1;
  const first = latest.items[0]?.seq ?? 0;
  // Strictly before: the first loaded message is only the context of the next (see rows.ts).
  if (conversation.unread === 0 || first < firstUnread || !latest.has_older) return fromPage(latest);
  return fromPage(await fetchPage(id, { after: Math.max(0, firstUnread - 1 - CONTEXT), limit: 50 }));
}
