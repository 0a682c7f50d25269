import {
  keepPreviousData,
  type QueryClient,
  queryOptions,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { api, type Conversation, call, type Me, type ProfileChange, type User, type UserPage } from './api';
import { sleep } from './backoff';
import { conversationsQuery, fetchConversation, fetchPage, openTimeline } from './fetch';
import { queryClient } from './query-client';
import { cacheOf, keys, learn } from './store';
import { ensureLive } from './sync';
import { appendPage, endSeq, fromPage, prependPage, startSeq, type Timeline } from './timeline';

/** The conversations with at least one message, newest first. Live. */
export function useConversations() {
  return useInfiniteQuery(conversationsQuery(useQueryClient()));
}

/** One conversation. Live. Fails with slug not-found for strangers. */
export function useConversation(id: string) {
  const client = useQueryClient();
  return useQuery<Conversation>({
    queryKey: keys.conversation(id),
    queryFn: () => fetchConversation(client, id),
    initialData: () => cacheOf(client).conversation(id),
    enabled: id !== '',
  });
}

const profileQuery = queryOptions<Me>({
  queryKey: keys.me,
  queryFn: () => call(api.GET('/api/v1/users/me', {})),
});

/** The signed-in person's own profile. */
export function useProfile() {
  return useQuery(profileQuery);
}

/** Changes one's own profile; what is left out stays. */
export function useUpdateProfile() {
  const client = useQueryClient();
  return useMutation<Me, Error, ProfileChange>({
    mutationFn: (body) => call(api.PATCH('/api/v1/users/me', { body })),
    onSuccess: (me) => client.setQueryData(keys.me, me),
  });
}

const PERSON_FRESH_MS = 60_000;

/** Another person with their status and when they were last seen; read again each minute while it is looked at. */
export function usePerson(id: string, enabled = true) {
  return useQuery<User>({
    queryKey: keys.user(id),
    queryFn: () => call(api.GET('/api/v1/users/{id}', { params: { path: { id } } })),
    staleTime: PERSON_FRESH_MS,
    refetchInterval: PERSON_FRESH_MS,
    retry: false,
    enabled,
  });
}

/** People whose username or name begins with the query; everybody for an empty one. Never the caller. */
export function usePeopleSearch(query: string) {
  const text = query.trim();
  return useInfiniteQuery({
    queryKey: keys.people(text),
    queryFn: ({ pageParam, signal }): Promise<UserPage> =>
      call(
        api.GET('/api/v1/users', {
          params: { query: { query: text, cursor: pageParam, limit: 30 } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    // People come and go; there is no event for it.
    staleTime: 10_000,
  });
}

/** The conversation with this person, made if there is none. Their own id gives the notes to oneself. Throws ApiProblem. */
export async function openConversation(userId: string): Promise<Conversation> {
  return learn(queryClient, await call(api.POST('/api/v1/conversations', { body: { user_id: userId } })));
}

export interface TimelineView {
  timeline: Timeline | undefined;
  error: Error | null;
  retry: () => void;
  /** Fetches the page before the first loaded message; again is fine, one runs at a time. */
  loadOlder: () => void;
  loadNewer: () => void;
  /** Leaves the middle: loads the live end. Resolves when it is there. */
  toLatest: () => Promise<void>;
  loadingOlder: boolean;
  loadingNewer: boolean;
}

type Direction = 'older' | 'newer';
const PAGE = 50;
const FAILED_PAUSE_MS = 2_000;

/** The loaded range of one conversation, kept live, and the ways to make it longer. */
export function useTimeline(id: string): TimelineView {
  const client = useQueryClient();
  useState(() => dropFarFromUnread(client, id));
  const query = useQuery<Timeline>({ queryKey: keys.timeline(id), queryFn: () => openTimeline(client, id) });
  const { data: timeline, refetch } = query;
  const [loading, setLoading] = useState<Record<Direction, boolean>>({ older: false, newer: false });
  const busy = useRef<Set<Direction>>(new Set());
  const rendered = useRef(timeline);
  useLayoutEffect(() => {
    rendered.current = timeline;
  }, [timeline]);

  const load = useCallback(
    async (direction: Direction) => {
      const now = cacheOf(client).timeline(id);
      // Who asks has measured what is on screen; a page that is not yet there may be all they need.
      if (now !== rendered.current) return;
      const more = direction === 'older' ? now?.hasOlder : now?.hasNewer;
      if (!now || !more || busy.current.has(direction)) return;
      busy.current.add(direction);
      setLoading((before) => ({ ...before, [direction]: true }));
      try {
        const range = direction === 'older' ? { before: startSeq(now) } : { after: endSeq(now) };
        const page = await fetchPage(id, { ...range, limit: PAGE });
        client.setQueryData<Timeline>(keys.timeline(id), (current) => {
          if (!current) return current;
          return direction === 'older' ? prependPage(current, page) : appendPage(current, page);
        });
      } catch {
        // Without a pause the list, still at its edge, would ask again at once and for ever.
        await sleep(FAILED_PAUSE_MS);
      } finally {
        busy.current.delete(direction);
        setLoading((before) => ({ ...before, [direction]: false }));
      }
    },
    [client, id],
  );

  const toLatest = useCallback(async () => {
    const page = await fetchPage(id, { limit: PAGE });
    client.setQueryData<Timeline>(keys.timeline(id), fromPage(page));
  }, [client, id]);

  useLive(id, timeline);
  useTrim(id);
  return useMemo(
    () => ({
      timeline,
      error: query.error,
      retry: () => void refetch(),
      loadOlder: () => void load('older'),
      loadNewer: () => void load('newer'),
      toLatest,
      loadingOlder: loading.older,
      loadingNewer: loading.newer,
    }),
    [timeline, query.error, refetch, load, toLatest, loading],
  );
}

/** A kept range that does not contain the first unread message is no good start. */
function dropFarFromUnread(client: QueryClient, id: string): void {
  const cache = cacheOf(client);
  const timeline = cache.timeline(id);
  const conversation = cache.conversation(id);
  if (!timeline?.hasOlder || !conversation || conversation.unread === 0) return;
  if (startSeq(timeline) > conversation.read_seq + 1) {
    client.removeQueries({ queryKey: keys.timeline(id), exact: true });
  }
}

/** Fills what arrived while the timeline was being fetched. */
function useLive(id: string, timeline: Timeline | undefined): void {
  const { data: conversation } = useConversation(id);
  const last = conversation?.last_seq ?? 0;
  const behind = timeline !== undefined && !timeline.hasNewer && endSeq(timeline) < last;
  useEffect(() => {
    if (behind) ensureLive(id);
  }, [id, behind]);
}

const KEEP = 80;

/** On leaving, keeps the newest messages for a fast return, and nothing of a range in the middle. */
function useTrim(id: string): void {
  const client = useQueryClient();
  useEffect(
    () => () => {
      const now = cacheOf(client).timeline(id);
      if (!now) return;
      if (now.hasNewer) client.removeQueries({ queryKey: keys.timeline(id), exact: true });
      else if (now.messages.length > KEEP) {
        cacheOf(client).putTimeline(id, {
          messages: now.messages.slice(-KEEP),
          hasOlder: true,
          hasNewer: false,
        });
      }
    },
    [client, id],
  );
}
