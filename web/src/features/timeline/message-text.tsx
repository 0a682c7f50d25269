import { Fragment } from 'react';
import { linkify } from '@/lib/linkify';

/** A message as text: never HTML. Addresses become links that cannot reach back to this page. */
export function MessageText({ text, mine }: { text: string; mine: boolean }) {
  let at = 0;
  return (
    <bdi className="whitespace-pre-wrap [overflow-wrap:anywhere]">
      {linkify(text).map((piece) => {
        // The place in the text is what tells equal pieces apart.
        const key = at;
        at += piece.text.length;
        if (piece.kind === 'text') return <Fragment key={key}>{piece.text}</Fragment>;
        return (
          <a
            key={key}
            href={piece.href}
            target="_blank"
            rel="noopener noreferrer"
            className={
              mine
                ? 'rounded-xs underline decoration-white/60 underline-offset-2 outline-white hover:decoration-white'
                : 'rounded-xs text-accent underline decoration-current/40 underline-offset-2 hover:decoration-current'
            }
          >
            {piece.text}
          </a>
        );
      })}
    </bdi>
  );
}
