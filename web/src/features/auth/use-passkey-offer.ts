import { useEffect, useState } from 'react';
import { signInWithOffered } from '@/lib/second-step';
import { passkeyProblem } from './passkey-problem';

/** The server keeps what it asked for five minutes: before that the offer is made anew. */
const RENEW_MS = 4 * 60_000;

/**
 * While the form waits for somebody, their browser may offer a passkey where it fills in names. It ends
 * as soon as something else is done (`idle` is false) or the form is left.
 */
export function usePasskeyOffer(idle: boolean, onError: (text: string) => void): void {
  const [round, setRound] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each round is an offer.
  useEffect(() => {
    if (!idle) return;
    const leave = new AbortController();
    const again = () => setRound((before) => before + 1);
    const timer = setTimeout(again, RENEW_MS);
    signInWithOffered(leave.signal).catch((error: unknown) => {
      if (leave.signal.aborted) return;
      // What nobody has asked for fails quietly; a passkey that somebody took does not.
      const text = passkeyProblem(error, 'offered');
      if (text) {
        onError(text);
        again();
      }
    });
    return () => {
      clearTimeout(timer);
      leave.abort();
    };
  }, [idle, round]);
}
