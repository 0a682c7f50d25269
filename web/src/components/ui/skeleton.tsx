import { useEffect, useState } from 'react';
import { cn } from './cn';

/** A grey shape in the place of something that is loading. */
export function Skeleton({ className }: { className?: string }) {
  return (
    <span aria-hidden="true" className={cn('block animate-shimmer rounded-inner bg-raised', className)} />
  );
}

/** True once `waiting` has lasted 300 ms: what loads faster shows no skeleton and does not flicker. */
export function useSlow(waiting: boolean, delay = 300): boolean {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    if (!waiting) return;
    const timer = setTimeout(() => setSlow(true), delay);
    return () => {
      clearTimeout(timer);
      setSlow(false);
    };
  }, [waiting, delay]);
  return waiting && slow;
}
