import { useState } from 'react';
import { type Found, toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { type Search, searchMessages } from '@/lib/moderation';

/** Searches when it is told to, never by itself: each page is recorded. */
export function useSearch() {
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState('');
  const [search, setSearch] = useState<Search>();
  const [cursor, setCursor] = useState<string>();
  const [found, setFound] = useState<Found[]>();

  const load = async (what: Search, from: string | undefined) => {
    setBusy(true);
    setFailed('');
    try {
      const page = await searchMessages(what, from);
      setSearch(what);
      setCursor(page.next_cursor ?? undefined);
      setFound((before) => (from && before ? [...before, ...page.items] : page.items));
    } catch (error) {
      const { slug, detail } = toProblem(error);
      setFailed(slug === 'not-found' ? messages.moderation.off : detail);
    } finally {
      setBusy(false);
    }
  };
  const more = search && cursor ? () => void load(search, cursor) : undefined;
  return { busy, failed, setFailed, found, find: (what: Search) => load(what, undefined), more };
}
