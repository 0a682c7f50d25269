import type { InfiniteData, QueryClient } from '@tanstack/react-query';
import type { Conversation, ConversationPage } from './api';
import { type Cache, mergeConversation, putInList } from './reducer';
import type { Timeline } from './timeline';

/** The keys of the query cache. */
export const keys = {
  conversations: ['conversations'] as const,
  anyConversation: ['conversation'] as const,
  conversation: (id: string) => ['conversation', id] as const,
  timelines: ['timeline'] as const,
  timeline: (id: string) => ['timeline', id] as const,
  me: ['me'] as const,
  anyPeople: ['people'] as const,
  people: (query: string) => ['people', query] as const,
  blocked: ['blocked'] as const,
  privacy: ['privacy'] as const,
  anyUser: ['user'] as const,
  user: (id: string) => ['user', id] as const,
  contactPolicy: ['contact-policy'] as const,
  requestCount: ['request-count'] as const,
};

type List = InfiniteData<ConversationPage, string | undefined>;

/** The reducer's view of the query cache. */
export function cacheOf(client: QueryClient): Cache {
  const conversation = (id: string) =>
    client.getQueryData<Conversation>(keys.conversation(id)) ??
    client
      .getQueryData<List>(keys.conversations)
      ?.pages.flatMap((page) => page.items)
      .find((item) => item.id === id);
  return {
    conversation,
    putConversation: (next, moved) => {
      if (conversation(next.id)?.request !== next.request)
        void client.invalidateQueries({ queryKey: keys.requestCount });
      client.setQueryData<Conversation>(keys.conversation(next.id), next);
      client.setQueryData<List>(keys.conversations, (list) =>
        list ? { ...list, pages: putInList(list.pages, next, moved) } : list,
      );
    },
    timeline: (id) => client.getQueryData<Timeline>(keys.timeline(id)),
    putTimeline: (id, timeline) => {
      client.setQueryData<Timeline>(keys.timeline(id), timeline);
    },
  };
}

/** The conversation with a person, where it is shown somewhere. */
export function conversationWith(client: QueryClient, userId: string): string | undefined {
  const listed = client.getQueryData<List>(keys.conversations)?.pages.flatMap((page) => page.items) ?? [];
  const opened = client.getQueriesData<Conversation>({ queryKey: keys.anyConversation });
  return [...listed, ...opened.map(([, one]) => one)].find((one) => one?.peer.id === userId)?.id;
}

/** A conversation as the server has just told it, joined with what events told meanwhile, and stored. */
export function learn(client: QueryClient, fetched: Conversation): Conversation {
  const cache = cacheOf(client);
  const known = cache.conversation(fetched.id);
  const merged = mergeConversation(known, fetched);
  cache.putConversation(merged, merged.last_seq > (known?.last_seq ?? 0));
  return merged;
}

/** A page of the list, joined with what events told while it was on its way. */
export function learnPage(client: QueryClient, page: ConversationPage): ConversationPage {
  const cache = cacheOf(client);
  const items = page.items.map((item) => mergeConversation(cache.conversation(item.id), item));
  for (const item of items) {
    if (client.getQueryData(keys.conversation(item.id)))
      client.setQueryData(keys.conversation(item.id), item);
  }
  return { ...page, items };
}

/**
 * A page of the list that is being fetched replaces the list as it was when the fetch began. This puts
 * back what events changed in between. Returns the function that stops it.
 */
export function guardList(client: QueryClient): { changed: (id: string) => void; stop: () => void } {
  const changed = new Set<string>();
  const stop = client.getQueryCache().subscribe((event) => {
    if (event.type !== 'updated' || event.query.queryKey[0] !== keys.conversations[0]) return;
    if (event.action.type === 'fetch') changed.clear();
    if (event.action.type !== 'success' || event.action.manual) return;
    const ids = [...changed];
    changed.clear();
    const cache = cacheOf(client);
    for (const id of ids) {
      const conversation = cache.conversation(id);
      if (conversation) cache.putConversation(conversation, true);
    }
  });
  return { changed: (id) => changed.add(id), stop };
}
