import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { api, type Conversation, call, type UserPage } from './api';
import { cacheOf, keys } from './store';

/** The people this person blocked, by username. */
export function useBlocked() {
  return useInfiniteQuery({
    queryKey: keys.blocked,
    queryFn: ({ pageParam, signal }): Promise<UserPage> =>
      call(
        api.GET('/api/v1/users/me/blocks', { params: { query: { cursor: pageParam, limit: 30 } }, signal }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });
}

/** Blocks a person, or no longer; afterwards every view of this device shows it. */
export function useSetBlock() {
  const client = useQueryClient();
  return useMutation<void, Error, { userId: string; blocked: boolean }>({
    mutationFn: async ({ userId, blocked }) => {
      const at = { params: { path: { id: userId } } };
      await (blocked
        ? call(api.PUT('/api/v1/users/me/blocks/{id}', at))
        : call(api.DELETE('/api/v1/users/me/blocks/{id}', at)));
    },
    onSuccess: async (_, { userId, blocked }) => {
      const cache = cacheOf(client);
      const known = client.getQueriesData<Conversation>({ queryKey: keys.anyConversation });
      for (const [, conversation] of known) {
        if (conversation?.peer.id === userId) cache.putConversation({ ...conversation, blocked }, false);
      }
      await Promise.all([
        client.invalidateQueries({ queryKey: keys.blocked }),
        client.invalidateQueries({ queryKey: keys.anyPeople }),
      ]);
    },
  });
}
