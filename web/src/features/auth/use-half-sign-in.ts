import { useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import { paths } from '@/components/paths';

/** A sign-in that waits for its second step. */
export type Half = { challenge: string; methods: string[] };

/** Whether the address brings a sign-in that waits for its second step. */
export function bringsHalfSignIn(): boolean {
  return location.pathname === paths.signIn && new URLSearchParams(location.hash.slice(1)).has('second');
}

/**
 * The sign-in that another provider began: the server leads here with its challenge in the fragment.
 * It leaves the address bar at once, and the address becomes the one that was wanted.
 */
export function useHalfSignIn() {
  const [, navigate] = useLocation();
  const [given] = useState(() => {
    const fragment = new URLSearchParams(location.hash.slice(1));
    const challenge = fragment.get('second');
    if (!challenge) return undefined;
    history.replaceState(history.state, '', location.pathname);
    const methods = (fragment.get('methods') ?? '').split(',');
    return { half: { challenge, methods }, to: wanted(fragment.get('return')) };
  });
  useEffect(() => {
    if (given) navigate(given.to, { replace: true });
  }, [given, navigate]);
  return useState<Half | undefined>(given?.half);
}

/** A path here, whatever the address says. */
function wanted(path: string | null): string {
  const to = new URL(path ?? location.pathname, location.origin);
  return to.origin === location.origin ? to.pathname + to.search + to.hash : location.pathname;
}
