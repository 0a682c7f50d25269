import { useEffect, useRef, useState } from 'react';
import { messages } from '@/lib/messages';
import { endSeq, type Timeline } from '@/lib/timeline';

/**
 * Says new messages of the other person once. Older pages are silent: a live list itself would
 * read the whole history while somebody scrolls back.
 */
export function Announcer({ timeline, me, name }: { timeline: Timeline; me: string; name: string }) {
  const said = useRef<number | undefined>(undefined);
  const [text, setText] = useState('');
  useEffect(() => {
    const from = said.current;
    said.current = Math.max(from ?? 0, endSeq(timeline));
    if (from === undefined || timeline.hasNewer) return;
    const fresh = timeline.messages.filter((message) => message.seq > from && message.sender_id !== me);
    const last = fresh.at(-1);
    if (!last) return;
    setText(
      fresh.length === 1
        ? messages.timeline.announce(name, last.body)
        : messages.timeline.announceMany(fresh.length, name),
    );
  }, [timeline, me, name]);
  return (
    <div className="sr-only" role="status" aria-live="polite" aria-atomic="true">
      {text}
    </div>
  );
}
