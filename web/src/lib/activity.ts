import { useInfiniteQuery } from '@tanstack/react-query';
import { api, call } from './api';
import { mergedPage, type Tail } from './merged';

const PAGE = 20;

/** Each service has a list of its own. */
const sources = (
  ['/api/v1/auth/events', '/api/v1/users/me/activity', '/api/v1/messages/activity'] as const
).map(
  (path) => (cursor: string | undefined) =>
    call(api.GET(path, { params: { query: { cursor, limit: PAGE } } })),
);

type Item = Awaited<ReturnType<(typeof sources)[number]>>['items'][number];

/**
 * What the caller did and what happened to the account, the newest first. Always asked anew: it is looked at in
 * doubt. A page says `incomplete` when not all services answered.
 */
export function useActivity() {
  return useInfiniteQuery({
    queryKey: ['activity'],
    queryFn: ({ pageParam }) => mergedPage(sources, pageParam, PAGE),
    initialPageParam: undefined as readonly Tail<Item>[] | undefined,
    getNextPageParam: ({ more, tails }) => (more ? tails : undefined),
    staleTime: 0,
    gcTime: 0,
  });
}
