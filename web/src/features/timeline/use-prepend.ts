import { useLayoutEffect, useRef } from 'react';
import { isPrepend, type Row } from './rows';

/** True in the render in which rows were added at the top: the list then keeps its place from the bottom. */
export function usePrepend(rows: readonly Row[]): boolean {
  const before = useRef<readonly Row[]>([]);
  const prepended = isPrepend(before.current, rows);
  useLayoutEffect(() => {
    before.current = rows;
  }, [rows]);
  return prepended;
}
