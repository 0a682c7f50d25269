import { useEffect, useMemo, useState } from 'react';
import type { User } from '@/lib/api';
import { useConversations, usePeopleSearch } from '@/lib/queries';
import { choices, type Group } from './match';

const PAUSE_MS = 150;

/** Follows the value, but only once it has rested: one request per word, not per key. */
function useRested(value: string): string {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return rested;
}

export type Choices = {
  groups: Group[];
  searching: boolean;
  failed: boolean;
  loadMore: () => void;
};

/** Conversations that fit at once, people as soon as the server has answered. */
export function useChoices(query: string, me: User): Choices {
  const rested = useRested(query.trim().replace(/^@/, ''));
  const { data: talks } = useConversations();
  const search = usePeopleSearch(rested);
  const waiting = query.trim().replace(/^@/, '') !== rested || search.isPlaceholderData;

  const groups = useMemo(() => {
    // Somebody whose request waits, or was put aside, is found among the people.
    const conversations =
      talks?.pages.flatMap((page) => page.items.filter((one) => one.request === 'none')) ?? [];
    const people = waiting ? [] : (search.data?.pages.flatMap((page) => page.items) ?? []);
    return choices({ query, conversations, people, me });
  }, [talks, search.data, waiting, query, me]);

  return {
    groups,
    searching: waiting || search.isPending,
    failed: search.isError && !waiting,
    loadMore: () => {
      if (search.hasNextPage && !search.isFetchingNextPage) void search.fetchNextPage();
    },
  };
}
