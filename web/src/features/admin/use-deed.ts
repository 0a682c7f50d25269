import { useState } from 'react';
import { toProblem } from '@/lib/api';

/** What became of the last try. */
export interface Outcome {
  done?: string;
  failed?: string;
}

/** Does one thing at a time on the server and keeps what it said; true when it went well. */
export function useDeed() {
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>({});
  const run = async (work: () => Promise<string>): Promise<boolean> => {
    if (busy) return false;
    setBusy(true);
    setOutcome({});
    try {
      setOutcome({ done: await work() });
      return true;
    } catch (error) {
      const { errors, detail } = toProblem(error);
      setOutcome({ failed: errors[0]?.message ?? detail });
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, outcome, run };
}
