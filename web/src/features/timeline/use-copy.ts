import { type ClipboardEvent, useCallback } from 'react';
import { formatNow } from '@/lib/format';
import { messages } from '@/lib/messages';
import { copyText, type Row } from './rows';

/** Copying more than one message gives name, time and text of each, also of those scrolled out of the page. */
export function useCopy(rows: readonly Row[], peerName: string) {
  return useCallback(
    (event: ClipboardEvent<HTMLDivElement>) => {
      const selection = getSelection();
      if (!selection || selection.rangeCount === 0) return;
      const range = selection.getRangeAt(0);
      const touched = new Set(
        [...event.currentTarget.querySelectorAll<HTMLElement>('[data-row]')]
          .filter((element) => range.intersectsNode(element))
          .map((element) => element.dataset.row),
      );
      const first = rows.findIndex((row) => touched.has(row.key));
      const last = rows.findLastIndex((row) => touched.has(row.key));
      const chosen = rows.slice(first, last + 1).filter((row) => row.kind === 'message');
      if (first < 0 || chosen.length < 2) return;
      event.preventDefault();
      const nameOf = (mine: boolean) => (mine ? messages.timeline.you : peerName);
      event.clipboardData.setData('text/plain', copyText(chosen, nameOf, formatNow().full));
    },
    [rows, peerName],
  );
}
