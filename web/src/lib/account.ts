import { useQuery } from '@tanstack/react-query';
import { api, call } from './api';
import { queryClient } from './query-client';

/*
 * The account behind the session: password, e-mail address, devices. Everything throws ApiProblem.
 */

const accountKey = ['account'];
const devicesKey = ['devices'];

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

/** The current password, where the account has one. */
function proof(current: string): { current_password?: string } {
  return current ? { current_password: current } : {};
}

/** Signs the other devices out, too. */
export async function changePassword(current: string, password: string): Promise<void> {
  await call(api.POST('/api/v1/auth/password', { body: { password, ...proof(current) } }));
  void queryClient.invalidateQueries({ queryKey: devicesKey });
  void queryClient.invalidateQueries({ queryKey: accountKey });
}

/** The new address counts when the link that is sent to it was opened. */
export async function changeEmail(email: string, current: string): Promise<void> {
  await call(api.POST('/api/v1/auth/email', { body: { email, ...proof(current) } }));
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
