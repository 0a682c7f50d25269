import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { api, call, type FoundPage, type Report, type ReportPage, toProblem } from './api';
import { messages } from './messages';

export type Reason = Report['reason'];

/** What is reported: a person, or one message of theirs. */
export type Target = { user_id: string } | { message_id: string };

/** Reports to the moderators; the same again is fine. */
export function useReport() {
  return useMutation<void, Error, Target & { reason: Reason; note: string }>({
    mutationFn: async (body) => {
      await call(api.POST('/api/v1/reports', { body }));
    },
  });
}

const reportsKey = ['reports'];

/** Reports, newest first; for moderators. */
export function useReports(state: 'open' | 'closed') {
  return useInfiniteQuery({
    queryKey: [...reportsKey, state],
    queryFn: ({ pageParam, signal }): Promise<ReportPage> =>
      call(
        api.GET('/api/v1/moderation/reports', {
          params: { query: { state, cursor: pageParam, limit: 30 } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });
}

export type Decision = NonNullable<Report['decision']>;
export type Verdict = { report: Report; decision: Decision; note: string };

/** The account is suspended, but the report is open still; again is fine. */
export class HalfDone extends Error {}

/** Closes a report. `removed` erases the message; `suspended` suspends the person first, with the note as the reason. */
export function useCloseReport() {
  const client = useQueryClient();
  return useMutation<Report, Error, Verdict>({
    mutationFn: async ({ report: { id, person }, decision, note }) => {
      const close = () =>
        call(
          api.POST('/api/v1/moderation/reports/{id}/close', {
            params: { path: { id } },
            body: { decision, note },
          }),
        );
      if (decision !== 'suspended') return close();
      await call(
        api.POST('/api/v1/admin/people/{id}/suspend', {
          params: { path: { id: person.id } },
          body: { reason: note.slice(0, LONGEST_REASON) || messages.moderation.suspendReason },
        }),
      );
      return close().catch((cause: unknown) => {
        throw new HalfDone(toProblem(cause).detail, { cause });
      });
    },
    onSuccess: () => client.invalidateQueries({ queryKey: reportsKey }),
  });
}

const LONGEST_REASON = 500;

/** What an administrator looks for. Dates are RFC 3339. */
export type Search = {
  from?: string;
  to?: string;
  text?: string;
  since?: string;
  until?: string;
  reason: string;
};

/** One page of a search. Each call is recorded by the server, so it is no query that repeats itself. */
export function searchMessages(search: Search, cursor: string | undefined): Promise<FoundPage> {
  return call(api.GET('/api/v1/moderation/messages', { params: { query: { ...search, cursor } } }));
}
