import { QueryClientProvider } from '@tanstack/react-query';
import { act, cleanup, renderHook, waitFor } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { sleep } from './backoff';
import { queryClient } from './query-client';
import { conversation } from './testing';
import { adopt } from './token';
import { useTotalUnread } from './unread';

const me = { id: 'me', username: 'me', display_name: 'My Self', role: 'user' as const };

/** Pages of two conversations, by their unread messages. A negative number: those of a request. */
let pages: number[][];
let failing: boolean;
const asked = vi.fn();

function server(request: Request): Response {
  const at = Number(new URL(request.url).searchParams.get('cursor') ?? 0);
  asked(at);
  if (failing && at > 0) return new Response('{}', { status: 400 }); // not tried again by itself
  const items = (pages[at] ?? []).map((unread, index) =>
    conversation({
      id: `c${at}-${index}`,
      last_seq: 9,
      read_seq: 9 - Math.abs(unread),
      unread: Math.abs(unread),
      request: unread < 0 ? 'incoming' : 'none',
    }),
  );
  const later = pages.slice(at + 1);
  const body = {
    items,
    next_cursor: later.length > 0 ? String(at + 1) : null,
    more_unread: later.flat().some((unread) => unread > 0),
    cursor: 'e-1',
  };
  return new Response(JSON.stringify(body), { headers: { 'Content-Type': 'application/json' } });
}

const wrapper = ({ children }: { children: ReactNode }) => (
  <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>
);

beforeEach(() => {
  vi.stubGlobal('fetch', async (request: Request) => {
    await sleep(2); // a network: what comes at once skips states
    return server(request);
  });
  adopt({ access_token: 'token', token_type: 'Bearer', enrol: false, expires_in: 600, user: me });
  failing = false;
  asked.mockClear();
});
afterEach(() => {
  cleanup();
  queryClient.clear();
  vi.unstubAllGlobals();
});

it('counts what waits on later pages, and loads no more of them than that takes', async () => {
  pages = [[2, 0], [0, -5], [1, 4], [0, 0], [-3]];
  const { result } = renderHook(useTotalUnread, { wrapper });
  await waitFor(() => expect(result.current).toBe(7));
  await act(() => sleep(20)); // nothing is asked in this time
  expect(asked.mock.calls.flat()).toEqual([0, 1, 2]);
});

it('shows what it knows when a page fails, and does not ask for ever', async () => {
  pages = [[2], [1]];
  failing = true;
  const { result } = renderHook(useTotalUnread, { wrapper });
  await waitFor(() => expect(asked).toHaveBeenCalledTimes(2));
  await waitFor(() => expect(queryClient.isFetching()).toBe(0));
  await act(() => sleep(20)); // nothing is asked in this time
  expect(result.current).toBe(2);
  expect(asked.mock.calls.flat()).toEqual([0, 1]);
});
