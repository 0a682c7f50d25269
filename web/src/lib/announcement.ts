import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, call } from './api';

const KEY = 'chatapp.announcement';
const EVERY_MS = 5 * 60_000;

function dismissed(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // Storage can be switched off.
  }
}

/**
 * What administrators tell everybody, unless this browser has seen enough of it. Asked for now and
 * then, and when somebody comes back to the page.
 */
export function useAnnouncement() {
  const [gone, setGone] = useState(dismissed);
  const { data } = useQuery({
    queryKey: ['announcement'],
    queryFn: async () => (await call(api.GET('/api/v1/auth/announcement', {}))).announcement ?? null,
    staleTime: 10_000,
    refetchInterval: EVERY_MS,
    refetchOnWindowFocus: true,
  });
  const dismiss = (id: string) => {
    setGone(id);
    try {
      localStorage.setItem(KEY, id);
    } catch {
      // Then it comes back with the page.
    }
  };
  return { announcement: data && data.id !== gone ? data : undefined, dismiss };
}

/** Who may sign up; undefined until the server said so. */
export function useSignUpMode() {
  const { data } = useQuery({
    queryKey: ['sign-up'],
    queryFn: async () => (await call(api.GET('/api/v1/auth/sign-up', {}))).mode,
    staleTime: 10_000,
  });
  return data;
}
