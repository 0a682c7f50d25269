import { useState } from 'react';
import { toProblem } from '@/lib/api';

/** What became of the last try; `fields` by the server's location, such as "body.password". */
export interface Outcome {
  done?: string;
  failed?: string;
  fields?: Record<string, string>;
}

const nowhere: readonly string[] = [];

/**
 * Does one thing at a time that talks to the server, and keeps what it said; true when it went well.
 * What is wrong with a field that the form shows (`shown`) is for that field, all else for the whole.
 */
export function useAction(shown: readonly string[] = nowhere) {
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
      const placed = errors.filter(({ location }) => shown.includes(location));
      const other = errors.find(({ location }) => !shown.includes(location));
      setOutcome({
        ...(placed.length > 0
          ? { fields: Object.fromEntries(placed.map((e) => [e.location, e.message])) }
          : {}),
        ...(other || placed.length === 0 ? { failed: other?.message ?? detail } : {}),
      });
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, outcome, setOutcome, run };
}
