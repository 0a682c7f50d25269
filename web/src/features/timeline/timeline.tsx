import { useCallback, useMemo, useRef, useState } from 'react';
import { Virtualizer, type VirtualizerHandle } from 'virtua';
import { useSlow } from '@/components/ui';
import type { Conversation } from '@/lib/api';
import { useFormat } from '@/lib/format';
import { messages } from '@/lib/messages';
import { usePending } from '@/lib/outbox';
import { type TimelineView, useTimeline } from '@/lib/queries';
import type { Timeline as Loaded } from '@/lib/timeline';
import { Announcer } from './announcer';
import { Beginning, DayLine, UnreadLine } from './dividers';
import { JumpButton } from './jump-button';
import { MessageRow } from './message-row';
import { moveByArrows } from './move-by-arrows';
import { LoadFailed, Loading, Pill } from './placeholders';
import { buildRows, type Row } from './rows';
import { useCopy } from './use-copy';
import { useFollow } from './use-follow';
import { useMarkRead } from './use-mark-read';
import { usePrepend } from './use-prepend';
import { type Place, useScroll } from './use-scroll';

/** Fetch the next page when less than this is left in that direction (px). */
const AHEAD = 600;
/** Rows this far outside of the window are in the page already (px). */
const BUFFER = 800;

export interface TimelineProps {
  conversation: Conversation;
  /** The id of the signed-in person. */
  me: string;
}

/** The messages of one conversation. Mount it with the conversation's id as key. */
export function Timeline({ conversation, me }: TimelineProps) {
  const view = useTimeline(conversation.id);
  const slow = useSlow(!view.timeline && !view.error);
  return (
    <div data-region="timeline" className="relative flex min-h-0 flex-1 flex-col bg-canvas">
      {view.timeline ? (
        <List conversation={conversation} me={me} view={view} timeline={view.timeline} />
      ) : view.error ? (
        <LoadFailed retry={view.retry} />
      ) : slow ? (
        <Loading />
      ) : null}
    </div>
  );
}

type ListProps = TimelineProps & { view: TimelineView; timeline: Loaded };

function List({ conversation, me, view, timeline }: ListProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const pending = usePending(conversation.id);
  const { peer, peer_read_seq: peerReadSeq } = conversation;
  const { unreadFrom, mark } = useMarkRead(conversation, timeline);
  const { dayNumber } = useFormat();
  const rows = useMemo(
    () => buildRows({ timeline, pending, me, peerReadSeq, unreadFrom, dayNumber }),
    [timeline, pending, me, peerReadSeq, unreadFrom, dayNumber],
  );
  const [startAt] = useState(() => rows.findIndex((row) => row.kind === 'unread'));
  const shift = usePrepend(rows);

  const onSettle = useCallback(
    (place: Place) => {
      if (place.above < AHEAD) view.loadOlder();
      if (place.below < AHEAD) view.loadNewer();
      mark(rows, place.lastVisible);
    },
    [view, rows, mark],
  );
  const scroll = useScroll({ scroller, list, rows, startAt, onSettle });
  const jump = useFollow({ timeline, pending, toLatest: view.toLatest, toEnd: scroll.toEnd });
  const onCopy = useCopy(rows, peer.display_name);
  const loadingOlder = useSlow(view.loadingOlder);

  return (
    <>
      {loadingOlder ? <Pill text={messages.timeline.loadingOlder} /> : null}
      {/* biome-ignore lint/a11y/useSemanticElements: the rows are virtual, <li> would need to be direct children. */}
      <div
        ref={scroller}
        role="list"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable with the keyboard.
        tabIndex={0}
        aria-label={messages.timeline.list(peer.display_name)}
        onScroll={scroll.onScroll}
        onKeyDown={moveByArrows}
        onCopy={onCopy}
        data-testid="timeline"
        className="flex min-h-0 flex-1 flex-col overflow-y-auto overflow-x-hidden overscroll-contain px-4 pb-3 -outline-offset-2 [overflow-anchor:none] phone:px-2.5"
      >
        <div className="grow" />
        <Virtualizer
          bufferSize={BUFFER}
          ref={list}
          scrollRef={scroller}
          data={rows}
          shift={shift}
          onResize={scroll.onResize}
        >
          {(row) => <RowView key={row.key} row={row} conversation={conversation} empty={rows.length === 1} />}
        </Virtualizer>
      </div>
      {scroll.far || timeline.hasNewer ? <JumpButton unread={conversation.unread} onClick={jump} /> : null}
      <Announcer timeline={timeline} me={me} name={peer.display_name} />
    </>
  );
}

function RowView({ row, conversation, empty }: { row: Row; conversation: Conversation; empty: boolean }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: see the list above.
    <div
      role="listitem"
      tabIndex={-1}
      data-row={row.key}
      className="group/row mx-auto w-full max-w-[52rem] outline-none"
    >
      {row.kind === 'message' ? (
        <MessageRow row={row} name={conversation.peer.display_name} />
      ) : row.kind === 'day' ? (
        <DayLine at={row.at} />
      ) : row.kind === 'unread' ? (
        <UnreadLine />
      ) : (
        <Beginning conversation={conversation} empty={empty} />
      )}
    </div>
  );
}
