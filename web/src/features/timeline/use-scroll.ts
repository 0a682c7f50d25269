import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { VirtualizerHandle } from 'virtua';

/** Closer to the end than this counts as being at the end (px). */
const END_PX = 24;
/** A scroll within this time of a gesture was meant by the person (ms). */
const GESTURE_MS = 1_500;

export interface ScrollOptions {
  scroller: RefObject<HTMLDivElement | null>;
  list: RefObject<VirtualizerHandle | null>;
  /** Changes when rows change. */
  rows: readonly unknown[];
  /** The row to begin with; -1 for the end. */
  startAt: number;
  /** Called after every scroll, resize and change of rows. */
  onSettle: (place: Place) => void;
}

export interface Place {
  /** Pixels above and below the window. */
  above: number;
  below: number;
  viewport: number;
  /** The last row that is visible. */
  lastVisible: number;
}

/**
 * Where the list stands. It sticks to the end while somebody is there: through new messages, late
 * measurements, a growing composer, the keyboard. It leaves the end only by a gesture, and keeps its place then.
 */
export function useScroll({ scroller, list, rows, startAt, onSettle }: ScrollOptions) {
  const stick = useRef(startAt < 0);
  const begun = useRef(false);
  const offset = useRef(0);
  const height = useRef(0);
  const gestureAt = useRef(Number.NEGATIVE_INFINITY);
  const [far, setFar] = useState(false);

  const settle = useCallback(() => {
    const element = scroller.current;
    const handle = list.current;
    if (!element || !handle) return;
    const { scrollTop, clientHeight, scrollHeight } = element;
    const below = scrollHeight - clientHeight - scrollTop;
    setFar(below > clientHeight);
    const lastVisible = handle.findItemIndex(Math.max(0, scrollTop + clientHeight - 12));
    onSettle({ above: scrollTop, below, viewport: clientHeight, lastVisible });
  }, [scroller, list, onSettle]);

  const toEnd = useCallback(
    (smooth = false) => {
      const element = scroller.current;
      stick.current = true;
      if (!element) return;
      if (smooth) element.scrollTo({ top: element.scrollHeight, behavior: 'smooth' });
      else element.scrollTop = element.scrollHeight;
      offset.current = element.scrollTop;
      height.current = element.scrollHeight;
    },
    [scroller],
  );

  const onScroll = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    const { scrollTop, clientHeight, scrollHeight } = element;
    const up = offset.current - scrollTop;
    const byGesture = performance.now() - gestureAt.current < GESTURE_MS;
    const resized = scrollHeight !== height.current;
    offset.current = scrollTop;
    height.current = scrollHeight;
    if (scrollHeight - clientHeight - scrollTop <= END_PX) stick.current = true;
    // A long way without a gesture: find-in-page, or focus moved by the keyboard.
    else if ((up > 0 && byGesture) || (up > 120 && !resized)) stick.current = false;
    // Rows turned out to be smaller than expected, others larger: the browser moved the place, nobody left it.
    else if (stick.current && resized) toEnd();
    settle();
  }, [scroller, settle, toEnd]);

  const onResize = useCallback(() => {
    if (stick.current) toEnd();
    settle();
  }, [toEnd, settle]);

  // Before paint: the first position, and the end after every change while we stick to it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when the rows change, whatever they are.
  useLayoutEffect(() => {
    if (rows.length === 0) return;
    if (!begun.current) {
      begun.current = true;
      if (startAt >= 0) list.current?.scrollToIndex(startAt, { align: 'start', offset: -48 });
    }
    if (stick.current) toEnd();
  }, [rows]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: after every change of rows there may be a need for more.
  useEffect(settle, [rows, settle]);

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const gesture = () => {
      gestureAt.current = performance.now();
    };
    const types = ['wheel', 'touchstart', 'touchmove', 'pointerdown', 'keydown'] as const;
    for (const type of types) element.addEventListener(type, gesture, { passive: true });
    const observer = new ResizeObserver(() => {
      if (stick.current) toEnd();
    });
    observer.observe(element);
    return () => {
      for (const type of types) element.removeEventListener(type, gesture);
      observer.disconnect();
    };
  }, [scroller, toEnd]);

  return { far, toEnd, onScroll, onResize, settle };
}
