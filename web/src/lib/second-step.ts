import { useQuery } from '@tanstack/react-query';
import { accountKey, type Confirmation, devicesKey } from './account';
import { api, call } from './api';
import { createPasskey, getPasskey, offerPasskey, passkeysOffered } from './passkeys';
import { queryClient } from './query-client';
import { signInBy } from './token';

/*
 * Two-step sign-in: taking the second step, and what it asks for. Everything throws ApiProblem.
 */

const factorsKey = ['factors'];

/** Takes the second step with a code; `challenge` is from the answer to the first. */
export async function signInSecond(
  challenge: string,
  evidence: Pick<Confirmation, 'code' | 'recovery_code'>,
): Promise<void> {
  await signInBy(() => call(api.POST('/api/v1/auth/login/second', { body: { challenge, ...evidence } })));
}

/** Takes the second step with a passkey. */
export async function signInSecondWithPasskey(challenge: string): Promise<void> {
  const { public_key } = await call(api.POST('/api/v1/auth/login/second/passkey', { body: { challenge } }));
  const passkey = await getPasskey(public_key);
  await signInBy(() => call(api.POST('/api/v1/auth/login/second', { body: { challenge, passkey } })));
}

/** Signs in with a passkey alone. */
export async function signInWithPasskey(): Promise<void> {
  const { public_key } = await call(api.POST('/api/v1/auth/passkeys/login/begin', {}));
  await signInWith(await getPasskey(public_key));
}

/** Signs in with a passkey that the browser offers where the username is typed, until `signal`; false when none was taken. */
export async function signInWithOffered(signal: AbortSignal): Promise<boolean> {
  if (!(await passkeysOffered())) return false;
  const { public_key } = await call(api.POST('/api/v1/auth/passkeys/login/begin', { signal }));
  const credential = await offerPasskey(public_key, signal);
  if (credential) await signInWith(credential);
  return credential !== undefined;
}

async function signInWith(credential: Record<string, unknown>): Promise<void> {
  await signInBy(() => call(api.POST('/api/v1/auth/passkeys/login/finish', { body: { credential } })));
}

/** The caller's app, passkeys and how many recovery codes are left. */
export function useFactors() {
  return useQuery({ queryKey: factorsKey, queryFn: () => call(api.GET('/api/v1/auth/factors', {})) });
}

async function changed(): Promise<void> {
  await Promise.all(
    [factorsKey, accountKey, devicesKey].map((queryKey) => queryClient.invalidateQueries({ queryKey })),
  );
}

/** A confirmation with a passkey of this account. */
export async function confirmWithPasskey(): Promise<Confirmation> {
  const { public_key } = await call(api.POST('/api/v1/auth/passkeys/confirm', {}));
  return { passkey: await getPasskey(public_key) };
}

/** The key for an app; nothing changes before activateApp. */
export function enrolApp(body: Confirmation): Promise<{ secret: string; uri: string }> {
  return call(api.POST('/api/v1/auth/factors/totp', { body }));
}

/** Turns the app on. The recovery codes are shown once; none when there are some already. */
export async function activateApp(code: string): Promise<string[]> {
  const made = await call(api.POST('/api/v1/auth/factors/totp/activate', { body: { code } }));
  await changed();
  return made.recovery_codes ?? [];
}

export async function removeApp(body: Confirmation): Promise<void> {
  await call(api.POST('/api/v1/auth/factors/totp/remove', { body }));
  await changed();
}

export async function renewCodes(body: Confirmation): Promise<string[]> {
  const made = await call(api.POST('/api/v1/auth/factors/recovery-codes', { body }));
  await changed();
  return made.recovery_codes ?? [];
}

/** Has this device make a passkey and adds it; the codes are as with activateApp. */
export async function addPasskey(body: Confirmation): Promise<string[]> {
  const { public_key } = await call(api.POST('/api/v1/auth/passkeys/register/begin', { body }));
  const credential = await createPasskey(public_key);
  const made = await call(api.POST('/api/v1/auth/passkeys/register/finish', { body: { credential } }));
  await changed();
  return made.recovery_codes ?? [];
}

export async function renamePasskey(id: string, name: string): Promise<void> {
  await call(api.PATCH('/api/v1/auth/passkeys/{id}', { params: { path: { id } }, body: { name } }));
  await changed();
}

export async function removePasskey(id: string, body: Confirmation): Promise<void> {
  await call(api.POST('/api/v1/auth/passkeys/{id}/remove', { params: { path: { id } }, body }));
  await changed();
}
