import { Check, CheckCheck, CircleAlert, Clock } from 'lucide-react';
import { Link } from 'wouter';
import { cameFrom, paths } from '@/components/paths';
import { PersonAvatar } from '@/components/person-avatar';
import { Badge, cn } from '@/components/ui';
import { When } from '@/components/when';
import type { Conversation } from '@/lib/api';
import { useDraft } from '@/lib/drafts';
import { messages } from '@/lib/messages';
import { usePending } from '@/lib/outbox';
import { useTyping } from '@/lib/typing';
import { type Preview, previewOf } from './preview';

const t = messages.sidebar;

type Props = { conversation: Conversation; me: string; openId: string | undefined; tabbable: boolean };

/** One conversation of the list: 60 px, a link, its name read out as "name, time, preview, unread". */
export function Row({ conversation, me, openId, tabbable }: Props) {
  const open = conversation.id === openId;
  const typing = useTyping(conversation.id);
  const pending = usePending(conversation.id);
  const [draft] = useDraft(conversation.id);
  const self = conversation.kind === 'self';
  const name = self ? messages.conversation.self : conversation.peer.display_name;
  // What is being written in the open conversation is no draft yet.
  const preview = previewOf({ conversation, me, typing, draft: open ? '' : draft, pending });

  return (
    <Link
      href={paths.toConversation(conversation.id)}
      state={cameFrom(openId)}
      data-conversation={conversation.id}
      aria-current={open ? 'page' : undefined}
      tabIndex={tabbable ? 0 : -1}
      draggable={false}
      className={cn(
        'mx-2 flex h-15 items-center gap-3 rounded-lg px-2 transition-colors focus-visible:outline-offset-[-2px]',
        open ? 'bg-accent-soft' : 'hover:bg-raised active:bg-raised',
      )}
    >
      <PersonAvatar id={conversation.peer.id} name={conversation.peer.display_name} self={self} size="lg" />
      <span className="flex min-w-0 flex-1 flex-col gap-0.5">
        <span className="flex items-baseline gap-2">
          <bdi
            className={cn(
              'min-w-0 flex-1 truncate text-base',
              conversation.unread ? 'font-semibold' : 'font-medium',
            )}
          >
            {name}
          </bdi>
          <State preview={preview} />
          <Time conversation={conversation} />
        </span>
        <span className="flex h-5 items-center gap-2">
          <PreviewLine preview={preview} />
          <Badge count={conversation.unread} label={t.unread(conversation.unread)} />
        </span>
      </span>
    </Link>
  );
}

function Time({ conversation: { last_message: last, unread } }: { conversation: Conversation }) {
  if (!last) return null;
  return (
    <When
      at={last.created_at}
      as="list"
      className={cn('shrink-0 text-xs tabular-nums', unread ? 'font-medium text-accent' : 'text-muted')}
    />
  );
}

/** Clock, tick, two ticks or an exclamation mark: different shapes, each with its word. */
function State({ preview }: { preview: Preview }) {
  if (preview.kind !== 'mine' || preview.state === 'none') return null;
  const [Icon, label, colour] = {
    sending: [Clock, t.sending, 'text-muted'] as const,
    failed: [CircleAlert, t.failed, 'text-danger'] as const,
    sent: [Check, t.sent, 'text-muted'] as const,
    read: [CheckCheck, t.read, 'text-accent'] as const,
  }[preview.state];
  return (
    <span className={cn('shrink-0 self-center', colour)}>
      <Icon aria-hidden="true" className="size-4" />
      <span className="sr-only">{label}</span>
    </span>
  );
}

function PreviewLine({ preview }: { preview: Preview }) {
  const line = 'min-w-0 flex-1 truncate text-md';
  if (preview.kind === 'typing') return <span className={cn(line, 'text-accent')}>{t.typing}</span>;
  if (preview.kind === 'empty') return <span className={line} />;
  return (
    <span className={cn(line, 'text-muted')}>
      {preview.kind === 'draft' ? <span className="text-danger">{t.draft}</span> : null}
      {preview.kind === 'mine' ? <span>{t.you}</span> : null}
      <bdi>{preview.text}</bdi>
    </span>
  );
}
