import { memo } from 'react';
import { Button, cn } from '@/components/ui';
import { When } from '@/components/when';
import { messages } from '@/lib/messages';
import { deleteMessage, retryMessage } from '@/lib/outbox';
import { isLargeEmoji } from '@/lib/text';
import { MessageState } from './message-state';
import { MessageText } from './message-text';
import { ReportButton } from './report-button';
import type { MessageRow as Row } from './rows';

/** One message: its bubble, time and state. `name`: who wrote it, for screen readers. */
export const MessageRow = memo(function MessageRow({ row, name }: { row: Row; name: string }) {
  const large = isLargeEmoji(row.body);
  return (
    <div
      data-message={row.key}
      className={cn('flex flex-col', row.mine ? 'items-end' : 'items-start', row.first ? 'pt-3' : 'pt-0.5')}
    >
      <div
        className={cn(ring, 'relative max-w-[min(36rem,82%)]', large ? 'flex flex-col px-1' : bubble(row))}
      >
        <span className="sr-only">{row.mine ? messages.timeline.you : name}: </span>
        {large ? (
          <span
            className={cn(
              'text-emoji [font-family:Apple_Color_Emoji,Segoe_UI_Emoji,Noto_Color_Emoji,var(--font-sans)]',
              row.mine && 'text-end',
            )}
          >
            {row.body}
          </span>
        ) : row.body === '' ? (
          <em>{messages.farewell.erased}</em>
        ) : (
          <MessageText text={row.body} mine={row.mine} />
        )}
        <Meta row={row} large={large} />
        {row.mine || row.seq === undefined || row.body === '' ? null : <ReportButton messageId={row.key} />}
      </div>
      {row.state === 'failed' ? <Failed row={row} /> : null}
      {row.state === 'pending' && row.reason ? <Paced reason={row.reason} /> : null}
    </div>
  );
});

/** The row has the focus of the keyboard, its bubble shows it. */
const ring =
  'group-focus-visible/row:outline-2 group-focus-visible/row:outline-offset-2 group-focus-visible/row:outline-ring';

/** Corners towards the neighbours of the same group are small. */
function bubble(row: Row): string {
  return cn(
    'flow-root rounded-bubble px-3 py-[7px] text-base [unicode-bidi:plaintext]',
    row.mine ? 'bg-mine text-on-mine selection:bg-white/30' : 'bg-theirs text-ink',
    row.mine && !row.first && 'rounded-tr-inner',
    row.mine && !row.last && 'rounded-br-inner',
    !row.mine && !row.first && 'rounded-tl-inner',
    !row.mine && !row.last && 'rounded-bl-inner',
  );
}

/** The time floats at the end of the last line, or below it when there is no room. */
function Meta({ row, large }: { row: Row; large: boolean }) {
  const plain = large || !row.mine;
  return (
    <span
      className={cn(
        'select-none text-meta tabular-nums',
        large
          ? 'flex items-center gap-1 self-end'
          : 'float-right mt-[5px] -mb-0.5 ml-2.5 flex items-center gap-1',
        plain ? 'text-muted' : 'text-on-mine-muted',
      )}
    >
      <When at={row.at} as="clock" />
      {row.state ? <MessageState state={row.state} className={large ? 'text-muted' : undefined} /> : null}
    </span>
  );
}

/** Why a message is not sent right now; it will be without anybody's help. */
function Paced({ reason }: { reason: string }) {
  return (
    <p role="status" className="mt-1 max-w-[min(36rem,82%)] text-right text-muted text-xs">
      {reason}
    </p>
  );
}

function Failed({ row }: { row: Row }) {
  return (
    <div className="mt-1 flex max-w-[min(36rem,82%)] flex-wrap items-center justify-end gap-x-1 text-danger text-xs">
      <span>{row.reason ? messages.states.failedBecause(row.reason) : messages.states.failed}</span>
      <Button variant="ghost" size="sm" className="px-2" onClick={() => retryMessage(row.clientId)}>
        {messages.states.retry}
      </Button>
      <Button variant="ghost" size="sm" className="px-2" onClick={() => deleteMessage(row.clientId)}>
        {messages.states.delete}
      </Button>
    </div>
  );
}
