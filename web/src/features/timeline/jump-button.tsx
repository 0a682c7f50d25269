import { ChevronDown } from 'lucide-react';
import { badgeText, IconButton } from '@/components/ui';
import { messages } from '@/lib/messages';

/** Back to the newest message; tells how many wait there unread. */
export function JumpButton({ unread, onClick }: { unread: number; onClick: () => void }) {
  return (
    <div className="absolute right-4 bottom-3 z-10 animate-rise">
      <IconButton
        label={unread > 0 ? messages.timeline.jumpUnread(unread) : messages.timeline.jump}
        onClick={onClick}
        className="size-11 bg-overlay text-ink shadow-overlay"
      >
        <ChevronDown aria-hidden="true" size={22} />
      </IconButton>
      {unread > 0 ? (
        <span
          aria-hidden="true"
          className="pointer-events-none absolute -top-2 left-1/2 min-w-5 -translate-x-1/2 rounded-full bg-accent px-1.5 py-0.5 text-center font-semibold text-meta text-on-accent tabular-nums"
        >
          {badgeText(unread)}
        </span>
      ) : null}
    </div>
  );
}
