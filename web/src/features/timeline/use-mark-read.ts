import { useCallback, useEffect, useRef, useState } from 'react';
import type { Conversation } from '@/lib/api';
import { markRead } from '@/lib/read-marks';
import { endSeq, type Timeline } from '@/lib/timeline';
import { type Row, seqUpTo } from './rows';

/** Whether somebody can be looking: a hidden tab or a window behind another one reads nothing. */
function watching(): boolean {
  return document.visibilityState === 'visible' && document.hasFocus();
}

/**
 * Marks what was on the screen as read, and remembers where the unread messages began: the line
 * stays there until the person leaves, and appears for what came while they were away.
 */
export function useMarkRead(conversation: Conversation, timeline: Timeline) {
  const { id } = conversation;
  const [unreadFrom, setUnreadFrom] = useState(() =>
    conversation.unread > 0 ? conversation.read_seq + 1 : 0,
  );
  const seen = useRef(0);

  const mark = useCallback(
    (rows: readonly Row[], lastVisible: number) => {
      seen.current = Math.max(seen.current, seqUpTo(rows, lastVisible));
      if (watching()) markRead(id, seen.current);
    },
    [id],
  );

  useEffect(() => {
    const back = () => watching() && markRead(id, seen.current);
    window.addEventListener('focus', back);
    document.addEventListener('visibilitychange', back);
    return () => {
      window.removeEventListener('focus', back);
      document.removeEventListener('visibilitychange', back);
    };
  }, [id]);

  const end = endSeq(timeline);
  const known = useRef(end);
  const { read_seq: readSeq, unread } = conversation;
  useEffect(() => {
    const arrived = end > known.current;
    known.current = Math.max(known.current, end);
    if (arrived && unread > 0 && !watching()) setUnreadFrom((before) => before || readSeq + 1);
  }, [end, unread, readSeq]);

  return { unreadFrom, mark };
}
