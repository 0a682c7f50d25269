import { QueryClient } from '@tanstack/react-query';
import { toProblem } from './api/problem';

/**
 * The cache of everything that came from the server. It is kept fresh by events, never by age:
 * a query is fetched again only when the event log had to be left (resync).
 */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 30 * 60_000,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      // navigator.onLine is a hint, not a reason to wait.
      networkMode: 'always',
      retry: (failures, error) => toProblem(error).temporary && failures < 4,
      retryDelay: (failures) => Math.min(8_000, 400 * 2 ** failures),
    },
    mutations: { networkMode: 'always' },
  },
});
