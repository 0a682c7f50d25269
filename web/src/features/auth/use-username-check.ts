import { useEffect, useState } from 'react';
import { api } from '@/lib/api';
import { usernameError } from './rules';

/** Where the live check of a wanted username stands. `unknown`: nothing to check, or no answer. */
export type Availability = 'unknown' | 'checking' | 'free' | 'taken';

const PAUSE_MS = 400;

/** Asks the server once, 400 ms after the last keystroke, and only for names that could be valid. */
export function useUsernameCheck(username: string): Availability {
  const [answer, setAnswer] = useState<{ username: string; free: boolean }>();
  const valid = usernameError(username) === undefined;

  useEffect(() => {
    if (!valid) return;
    const cancel = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const params = { path: { username } };
        const { data } = await api.GET('/api/v1/auth/usernames/{username}', {
          params,
          signal: cancel.signal,
        });
        if (data) setAnswer({ username, free: data.available });
      } catch {
        // No answer is no error: the server checks again when the form is sent.
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      cancel.abort();
    };
  }, [username, valid]);

  if (!valid) return 'unknown';
  if (answer?.username !== username) return 'checking';
  return answer.free ? 'free' : 'taken';
}
