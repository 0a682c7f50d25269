import { useQuery } from '@tanstack/react-query';
import { api, call } from './api';
import { queryClient } from './query-client';

/*
 * The account behind the session: password, e-mail address, devices. Everything throws ApiProblem.
 */

/** Shows once more who is signed in: the password, with a code where there is a second step; or a passkey. */
export interface Confirmation {
  current_password?: string;
  code?: string;
  recovery_code?: string;
  passkey?: Record<string, unknown>;
}

/** What was typed for a code: six digits are of an app, all else is a recovery code. */
export function evidenceOf(typed: string): Pick<Confirmation, 'code' | 'recovery_code'> {
  const code = typed.replace(/\s/g, '');
  if (code === '') return {};
  return /^\d{6}$/.test(code) ? { code } : { recovery_code: typed.trim() };
}

export const accountKey = ['account'];
export const devicesKey = ['devices'];

export async function forgotPassword(login: string): Promise<void> {
  await call(api.POST('/api/v1/auth/forgot', { body: { login } }));
}

export async function resetPassword(token: string, password: string): Promise<void> {
  await call(api.POST('/api/v1/auth/reset', { body: { token, password } }));
}

export async function confirmEmail(token: string): Promise<void> {
  await call(api.POST('/api/v1/auth/email/confirm', { body: { token } }));
  void queryClient.invalidateQueries({ queryKey: accountKey });
}

/** The caller's own account. */
export function useAccount() {
  return useQuery({ queryKey: accountKey, queryFn: () => call(api.GET('/api/v1/auth/account', {})) });
}

/** Signs the other devices out, too. */
export async function changePassword(confirmation: Confirmation, password: string): Promise<void> {
  await call(api.POST('/api/v1/auth/password', { body: { ...confirmation, password } }));
  void queryClient.invalidateQueries({ queryKey: devicesKey });
  void queryClient.invalidateQueries({ queryKey: accountKey });
}

/** The new address counts when the link that is sent to it was opened. */
export async function changeEmail(email: string, confirmation: Confirmation): Promise<void> {
  await call(api.POST('/api/v1/auth/email', { body: { ...confirmation, email } }));
}

export async function resendConfirmation(): Promise<void> {
  await call(api.POST('/api/v1/auth/email/resend', {}));
}

/** Where this person is signed in, the last used first. */
export function useDevices() {
  return useQuery({
    queryKey: devicesKey,
    queryFn: async () => (await call(api.GET('/api/v1/auth/sessions', {}))).items,
  });
}

export async function endDevice(id: string): Promise<void> {
  await call(api.DELETE('/api/v1/auth/sessions/{id}', { params: { path: { id } } }));
  await queryClient.invalidateQueries({ queryKey: devicesKey });
}

export async function endOtherDevices(): Promise<void> {
  await call(api.POST('/api/v1/auth/sessions/end-others', {}));
  await queryClient.invalidateQueries({ queryKey: devicesKey });
}
