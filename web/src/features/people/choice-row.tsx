import { CornerDownLeft } from 'lucide-react';
import { PersonAvatar } from '@/components/person-avatar';
import { Badge, cn } from '@/components/ui';
import type { User } from '@/lib/api';
import { messages } from '@/lib/messages';
import type { Choice } from './match';

const t = messages.people;

type Props = {
  choice: Choice;
  me: User;
  id: string;
  active: boolean;
  onPick: () => void;
  onHover: () => void;
};

/** One option of the switcher. Focus stays in the search field; `active` is what Enter opens. */
export function ChoiceRow({ choice, me, id, active, onPick, onHover }: Props) {
  const self =
    choice.kind === 'self' || (choice.kind === 'conversation' && choice.conversation.kind === 'self');
  const user =
    choice.kind === 'person' ? choice.user : choice.kind === 'self' ? me : choice.conversation.peer;
  const unread = choice.kind === 'conversation' ? choice.conversation.unread : 0;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are handled by the search field (combobox pattern).
    // biome-ignore lint/a11y/useFocusableInteractive: focus stays in the search field (aria-activedescendant).
    <div
      role="option"
      id={id}
      aria-selected={active}
      onClick={onPick}
      onPointerMove={active ? undefined : onHover}
      className={cn(
        'mx-2 flex h-14 cursor-pointer items-center gap-3 rounded-lg px-2.5',
        active && 'bg-hover',
      )}
    >
      <PersonAvatar id={user.id} name={user.display_name} self={self} size="md" />
      <span className="min-w-0 flex-1">
        <bdi className="block truncate font-medium text-base">{self ? t.self : user.display_name}</bdi>
        <span className="block truncate text-muted text-sm">{self ? t.selfHint : `@${user.username}`}</span>
      </span>
      <Badge count={unread} label={messages.sidebar.unread(unread)} />
      {active ? (
        <CornerDownLeft aria-hidden="true" className="size-4 shrink-0 text-muted touch:hidden" />
      ) : null}
    </div>
  );
}
