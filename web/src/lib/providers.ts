import { useQuery } from '@tanstack/react-query';
import type { Confirmation } from './account';
import { api, call } from './api';
import { queryClient } from './query-client';
import { expectSession } from './token';

/*
 * Signing in with other providers (OpenID Connect). Everything throws ApiProblem.
 */

const linksKey = ['provider-links'];

/** The providers that this installation offers; they change when the operator restarts it. */
export function useProviders() {
  return useQuery({
    queryKey: ['providers'],
    queryFn: async () => (await call(api.GET('/api/v1/auth/oidc', {}))).items,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Leaves this page for the provider's; afterwards one is signed in at `returnTo`, a path here. */
export function signInWith(provider: string, returnTo: string): void {
  expectSession();
  const start = `/api/v1/auth/oidc/${encodeURIComponent(provider)}/start`;
  location.assign(`${start}?${new URLSearchParams({ return: returnTo })}`);
}

/** The providers linked to the caller's account. */
export function useLinks() {
  return useQuery({
    queryKey: linksKey,
    queryFn: async () => (await call(api.GET('/api/v1/auth/oidc/links', {}))).items,
  });
}

/** Leaves this page for the provider's, which comes back to `returnTo` with the link made. */
export async function linkProvider(
  provider: string,
  confirmation: Confirmation,
  returnTo: string,
): Promise<void> {
  const body = { ...confirmation, return: returnTo };
  const path = { provider };
  const { location: next } = await call(
    api.POST('/api/v1/auth/oidc/{provider}/link', { params: { path }, body }),
  );
  location.assign(next);
}

export async function unlinkProvider(provider: string): Promise<void> {
  await call(api.DELETE('/api/v1/auth/oidc/links/{provider}', { params: { path: { provider } } }));
  await queryClient.invalidateQueries({ queryKey: linksKey });
}
