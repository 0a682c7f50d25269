import { ArrowLeft } from 'lucide-react';
import { PersonAvatar } from '@/components/person-avatar';
import { cn, IconButton } from '@/components/ui';
import type { Conversation } from '@/lib/api';
import { useFormat } from '@/lib/format';
import { formatLastSeen } from '@/lib/last-seen';
import { messages } from '@/lib/messages';
import { usePerson } from '@/lib/queries';
import { handleOf } from '@/lib/text';
import { useTyping } from '@/lib/typing';
import { PersonMenu } from './person-menu';

export interface HeaderProps {
  conversation: Conversation;
  onBack: () => void;
}

/** Who this conversation is with. On a phone also the way back to the list. */
export function ConversationHeader({ conversation, onBack }: HeaderProps) {
  const { peer, kind } = conversation;
  const typing = useTyping(conversation.id);
  const self = kind === 'self';
  const { data: person } = usePerson(peer.id, !self);
  const format = useFormat();
  const seen = person?.last_seen_at && formatLastSeen(format, person.last_seen_at);
  const about = [handleOf(peer.username), seen, person?.status_text].filter(Boolean).join(' · ');
  const line = typing ? messages.conversation.typing : self ? messages.conversation.selfHint : about;
  return (
    <header className="bar flex shrink-0 items-center gap-3 border-line border-b bg-surface px-4 phone:gap-2 phone:px-1.5">
      <IconButton label={messages.conversation.back} onClick={onBack} className="wide:hidden">
        <ArrowLeft aria-hidden="true" size={22} />
      </IconButton>
      <PersonAvatar id={peer.id} name={peer.display_name} self={self} />
      <div className="min-w-0 flex-1">
        <h1 className="truncate font-semibold text-base leading-5">
          <bdi>{self ? messages.conversation.self : peer.display_name}</bdi>
        </h1>
        <p className={cn('truncate text-sm', typing ? 'text-accent' : 'text-muted')} data-testid="peer-line">
          {line}
        </p>
      </div>
      {self ? null : <PersonMenu peer={peer} blocked={conversation.blocked} />}
    </header>
  );
}
