import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { api, call } from './api';
import { queryClient } from './query-client';

/*
 * Administration: other people's accounts, invitations, settings. Everything throws ApiProblem;
 * for whoever lacks the role there is only not-found.
 */

export type Role = 'user' | 'moderator' | 'admin';
export type SignUpMode = 'open' | 'invite' | 'closed';
export type SecondStepDemand = 'optional' | 'staff' | 'everybody';
export type Level = 'info' | 'warning' | 'critical';

export interface PeopleFilter {
  query: string;
  state: '' | 'active' | 'suspended';
  role: '' | Role;
}

const key = ['admin'];
const peopleKey = [...key, 'people'];
const personKey = (id: string) => [...key, 'person', id];
const invitationsKey = [...key, 'invitations'];
const settingsKey = [...key, 'settings'];
const retentionKey = [...key, 'retention'];

/** Nothing tells about changes, so what is shown again is asked for again. */
const fresh = { staleTime: 0 } as const;

export function usePeople({ query, state, role }: PeopleFilter) {
  return useInfiniteQuery({
    ...fresh,
    queryKey: [...peopleKey, query, state, role],
    queryFn: ({ pageParam, signal }) =>
      call(
        api.GET('/api/v1/admin/people', {
          params: {
            query: {
              limit: 30,
              ...(query ? { query } : {}),
              ...(state ? { state } : {}),
              ...(role ? { role } : {}),
              ...(pageParam ? { cursor: pageParam } : {}),
            },
          },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
}

export function usePerson(id: string) {
  return useQuery({
    ...fresh,
    queryKey: personKey(id),
    queryFn: () => call(api.GET('/api/v1/admin/people/{id}', { params: { path: { id } } })),
  });
}

export type PersonDetail = NonNullable<ReturnType<typeof usePerson>['data']>;
export type PersonItem = PersonDetail['person'];

/** What can be done to an account; each changes what is shown of it. */
export const deeds = {
  suspend: (id: string, reason: string) =>
    changed(
      id,
      call(api.POST('/api/v1/admin/people/{id}/suspend', { params: { path: { id } }, body: { reason } })),
    ),
  restore: (id: string) =>
    changed(id, call(api.POST('/api/v1/admin/people/{id}/restore', { params: { path: { id } } }))),
  signOut: (id: string) =>
    changed(id, call(api.POST('/api/v1/admin/people/{id}/sign-out', { params: { path: { id } } }))),
  mailReset: (id: string) =>
    changed(id, call(api.POST('/api/v1/admin/people/{id}/reset-password', { params: { path: { id } } }))),
  resetFactors: (id: string) =>
    changed(id, call(api.POST('/api/v1/admin/people/{id}/reset-factors', { params: { path: { id } } }))),
  setRole: (id: string, role: Role) =>
    changed(
      id,
      call(api.PUT('/api/v1/admin/people/{id}/role', { params: { path: { id } }, body: { role } })),
    ),
};

/** Deletes somebody's account for good; who asks has typed the username. */
export async function deletePerson(id: string, username: string): Promise<void> {
  await call(api.POST('/api/v1/admin/people/{id}/delete', { params: { path: { id } }, body: { username } }));
  queryClient.removeQueries({ queryKey: personKey(id) });
  await queryClient.invalidateQueries({ queryKey: peopleKey });
}

async function changed(id: string, work: Promise<unknown>): Promise<void> {
  await work;
  void queryClient.invalidateQueries({ queryKey: peopleKey });
  await queryClient.invalidateQueries({ queryKey: personKey(id) });
}

export function useInvitations() {
  return useQuery({
    ...fresh,
    queryKey: invitationsKey,
    queryFn: async () => (await call(api.GET('/api/v1/admin/invitations', {}))).items,
  });
}

/** Makes an invitation and returns its link, which cannot be asked for again. */
export async function invite(note: string, uses: number, days: number): Promise<string> {
  const body = { max_uses: uses, expires_in: days * 86_400, ...(note ? { note } : {}) };
  const { link } = await call(api.POST('/api/v1/admin/invitations', { body }));
  await queryClient.invalidateQueries({ queryKey: invitationsKey });
  return link;
}

export async function withdraw(id: string): Promise<void> {
  await call(api.DELETE('/api/v1/admin/invitations/{id}', { params: { path: { id } } }));
  await queryClient.invalidateQueries({ queryKey: invitationsKey });
}

export function useSettings() {
  return useQuery({
    ...fresh,
    queryKey: settingsKey,
    queryFn: () => call(api.GET('/api/v1/admin/settings', {})),
  });
}

export type Settings = NonNullable<ReturnType<typeof useSettings>['data']>;

export interface SettingsWish {
  sign_up: SignUpMode;
  second_step: SecondStepDemand;
  announcement?: { text: string; level: Level; until?: string };
}

export async function saveSettings(body: SettingsWish): Promise<void> {
  queryClient.setQueryData(settingsKey, await call(api.PUT('/api/v1/admin/settings', { body })));
  void queryClient.invalidateQueries({ queryKey: ['announcement'] });
}

export const MAX_RETENTION_DAYS = 3650;

/** How long the texts of messages are kept. */
export function useRetention() {
  return useQuery({
    ...fresh,
    queryKey: retentionKey,
    queryFn: () => call(api.GET('/api/v1/moderation/retention', {})),
  });
}

export type Retention = NonNullable<ReturnType<typeof useRetention>['data']>;

/** How many texts would be erased if they were kept for so many days. */
export async function previewRetention(days: number) {
  const { preview } = await call(api.GET('/api/v1/moderation/retention', { params: { query: { days } } }));
  return preview;
}

/** Changes it from the setting that was seen; 0 days is for ever. */
export async function saveRetention(days: number, { version }: Retention): Promise<void> {
  try {
    const body = { days, version };
    queryClient.setQueryData(retentionKey, await call(api.PUT('/api/v1/moderation/retention', { body })));
  } catch (error) {
    // Somebody else may have changed it: show what holds now.
    void queryClient.invalidateQueries({ queryKey: retentionKey });
    throw error;
  }
}

export function useStatistics() {
  return useQuery({
    ...fresh,
    queryKey: [...key, 'statistics'],
    queryFn: () => call(api.GET('/api/v1/admin/statistics', {})),
  });
}

/** Figures about messages, which another service counts. */
export function useMessageStatistics() {
  return useQuery({
    ...fresh,
    queryKey: [...key, 'message-statistics'],
    queryFn: () => call(api.GET('/api/v1/moderation/statistics', {})),
  });
}
