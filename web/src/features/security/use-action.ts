import { useState } from 'react';
import { toProblem } from '@/lib/api';

/** What became of the last try; `fields` by the server's location, such as "body.password". */
export interface Outcome {
  done?: string;
  failed?: string;
  fields?: Record<string, string>;
}

/** Runs one thing at a time that talks to the server, and keeps what it said. */
export function useAction() {
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
      const fields = Object.fromEntries(errors.map(({ location, message }) => [location, message]));
      setOutcome(errors.length > 0 ? { fields } : { failed: detail });
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, outcome, setOutcome, run };
}
