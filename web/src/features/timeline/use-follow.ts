import { useCallback, useLayoutEffect, useRef } from 'react';
import type { PendingMessage } from '@/lib/outbox';
import type { Timeline } from '@/lib/timeline';

export interface FollowOptions {
  timeline: Timeline;
  pending: readonly PendingMessage[];
  toLatest: () => Promise<void>;
  toEnd: (smooth?: boolean) => void;
}

/** Sending brings the person to the end, wherever they were. Returns "jump to latest". */
export function useFollow({ timeline, pending, toLatest, toEnd }: FollowOptions): () => void {
  const inMiddle = timeline.hasNewer;
  const jump = useCallback(() => {
    if (!inMiddle) {
      toEnd();
      return;
    }
    void toLatest().then(
      () => toEnd(),
      // Without a connection we stay where we are.
      () => undefined,
    );
  }, [inMiddle, toLatest, toEnd]);

  const newest = pending.at(-1)?.order ?? 0;
  const seen = useRef(newest);
  useLayoutEffect(() => {
    if (newest > seen.current) jump();
    seen.current = Math.max(seen.current, newest);
  }, [newest, jump]);
  return jump;
}
