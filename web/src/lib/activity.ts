import { useInfiniteQuery } from '@tanstack/react-query';
import { api, call } from './api';

/** What happened to the caller's account, the newest first. Always asked anew: it is looked at in doubt. */
export function useActivity() {
  return useInfiniteQuery({
    queryKey: ['activity'],
    queryFn: ({ pageParam }) =>
      call(api.GET('/api/v1/auth/events', { params: { query: { cursor: pageParam, limit: 20 } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    staleTime: 0,
    gcTime: 0,
  });
}
