import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { Virtualizer, type VirtualizerHandle } from 'virtua';
import type { Conversation } from '@/lib/api';
import { messages } from '@/lib/messages';
import { Row } from './row';

const ROW_PX = 60;
/** Fetch the next page when this many rows are left below the last visible one. */
const AHEAD = 10;

type Props = {
  conversations: Conversation[];
  me: string;
  openId: string | undefined;
  /** Called when the end of what is loaded comes near; may be called often. */
  onNearEnd: () => void;
};

/** The virtualised list: one tab stop, arrow keys move inside; the focused row stays mounted. */
export function ConversationList({ conversations, me, openId, onNearEnd }: Props) {
  const list = useRef<VirtualizerHandle>(null);
  const root = useRef<HTMLDivElement>(null);
  const [focusedId, setFocusedId] = useState<string>();
  const [wanted, setWanted] = useState<string>();

  const indexOf = (id: string | undefined) => conversations.findIndex((one) => one.id === id);
  const current = Math.max(indexOf(focusedId), 0);
  const tabStop = indexOf(focusedId) >= 0 ? focusedId : (openId ?? conversations[0]?.id);

  useEffect(() => {
    if (!wanted) return;
    // A row that comes from far outside the window is invisible until it is measured, a frame or two.
    let tries = 10;
    let frame = 0;
    const focus = () => {
      const row = root.current?.querySelector<HTMLElement>(`[data-conversation="${CSS.escape(wanted)}"]`);
      row?.focus();
      if (row && document.activeElement === row) setWanted(undefined);
      else if (tries-- > 0) frame = requestAnimationFrame(focus);
    };
    focus();
    return () => cancelAnimationFrame(frame);
  }, [wanted]);

  const onKeyDown = (event: KeyboardEvent) => {
    const last = conversations.length - 1;
    const next = { ArrowDown: current + 1, ArrowUp: current - 1, Home: 0, End: last }[event.key];
    if (next === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const target = conversations[Math.min(Math.max(next, 0), last)];
    if (!target) return;
    setFocusedId(target.id);
    setWanted(target.id);
    list.current?.scrollToIndex(indexOf(target.id), { align: 'nearest' });
  };

  const onScroll = () => {
    const handle = list.current;
    if (!handle) return;
    const lastSeen = handle.findItemIndex(handle.scrollOffset + handle.viewportSize);
    if (lastSeen >= conversations.length - AHEAD) onNearEnd();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys move between the links inside.
    <div
      ref={root}
      onKeyDown={onKeyDown}
      onFocus={(event) => setFocusedId(event.target.dataset.conversation)}
      className="min-h-0 flex-1 overflow-y-auto overscroll-contain pt-1 pb-[max(0.5rem,env(safe-area-inset-bottom))]"
    >
      <Virtualizer
        ref={list}
        as={List}
        item="li"
        data={conversations}
        itemSize={ROW_PX}
        bufferSize={ROW_PX * 6}
        startMargin={4}
        keepMounted={indexOf(focusedId) >= 0 ? [current] : undefined}
        onScroll={onScroll}
      >
        {(conversation) => (
          <Row
            key={conversation.id}
            conversation={conversation}
            me={me}
            openId={openId}
            tabbable={conversation.id === tabStop}
          />
        )}
      </Virtualizer>
    </div>
  );
}

/** A list that says so: Safari forgets the role of lists without bullets. */
function List(props: React.ComponentProps<'ul'>) {
  // biome-ignore lint/a11y/noRedundantRoles: see above.
  return <ul {...props} role="list" aria-label={messages.sidebar.list} />;
}
