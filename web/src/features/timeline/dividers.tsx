import { PersonAvatar } from '@/components/person-avatar';
import { When } from '@/components/when';
import type { Conversation } from '@/lib/api';
import { messages } from '@/lib/messages';
import { handleOf } from '@/lib/text';

/** The day, between the last message of one day and the first of the next. */
export function DayLine({ at }: { at: string }) {
  return (
    <div className="flex justify-center pt-5 pb-1">
      <When at={at} as="day" className="rounded-full bg-raised px-3 py-1 font-medium text-muted text-xs" />
    </div>
  );
}

/** "New messages": stays where it was until the person leaves the conversation. */
export function UnreadLine() {
  return (
    <div className="flex items-center gap-3 pt-5 pb-1 font-semibold text-accent text-xs">
      <span className="h-px flex-1 bg-accent/35" />
      {messages.timeline.unread}
      <span className="h-px flex-1 bg-accent/35" />
    </div>
  );
}

/** Above the very first message. */
export function Beginning({ conversation, empty }: { conversation: Conversation; empty: boolean }) {
  const { peer, kind } = conversation;
  const self = kind === 'self';
  return (
    <div className="flex flex-col items-center px-4 pt-10 pb-4 text-center">
      <PersonAvatar id={peer.id} name={peer.display_name} size="xl" self={self} />
      <p className="pt-4 font-semibold text-base">
        {self ? messages.timeline.beginningSelf : messages.timeline.beginning(peer.display_name)}
      </p>
      <p className="pt-1 text-muted text-sm">
        {self
          ? messages.conversation.selfHint
          : empty
            ? messages.timeline.beginningHint
            : handleOf(peer.username)}
      </p>
    </div>
  );
}
