import { act, renderHook } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import type { Conversation } from '@/lib/api';
import { conversation } from '@/lib/testing';
import { useSections } from './use-sections';

const rows = (count: number, request: Conversation['request'], from = 0) =>
  Array.from({ length: count }, (_, i) => conversation({ id: `c${from + i}`, request, last_seq: 1 }));
const page = (items: Conversation[]) => ({ items, next_cursor: null, more_unread: false, cursor: 'e-0' });

it('counts the requests of pages that are not loaded, and loads them when they are looked at', () => {
  const more = vi.fn(async () => undefined);
  const first = page(rows(50, 'none'));
  const { result, rerender } = renderHook(
    ({ pages, complete, counted }) => useSections(pages, { more, complete, counted }),
    { initialProps: { pages: [first], complete: false, counted: 2 } },
  );
  expect(result.current).toMatchObject({ requests: 2, onRequests: false });
  expect(more).not.toHaveBeenCalled();
  act(() => result.current.toggle());
  expect(result.current).toMatchObject({ requests: 2, onRequests: true, shown: [] });
  expect(more).toHaveBeenCalledTimes(1);

  const second = page(rows(2, 'incoming', 50));
  rerender({ pages: [first, second], complete: true, counted: 2 });
  expect(result.current.shown).toEqual(second.items);
  // Both are answered: what is loaded knows it before the server is asked again.
  rerender({ pages: [first, page(rows(2, 'none', 50))], complete: true, counted: 2 });
  expect(result.current).toMatchObject({ requests: 0, onRequests: false });
  expect(result.current.shown).toHaveLength(52);
});
