import { useRef } from 'react';
import { Dialog } from '@/components/ui';
import type { User } from '@/lib/api';
import { messages } from '@/lib/messages';
import { SearchPanel } from './search-panel';

export type SwitcherProps = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  me: User;
  /** Shows this conversation; the dialog closes itself. */
  onOpen: (conversationId: string) => void;
};

/** Ctrl/Cmd+K: find a conversation or a person, arrows and Enter. A whole page on phones. */
export function Switcher({ open, onOpenChange, me, onOpen }: SwitcherProps) {
  const picked = useRef(false);
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={messages.people.title}
      closeLabel={messages.layout.close}
      hideTitle
      top
      // After a choice the focus belongs to the conversation, not to the search button.
      onCloseAutoFocus={(event) => {
        if (picked.current) event.preventDefault();
        picked.current = false;
      }}
      className="flex max-h-[min(34rem,76dvh)] max-w-xl flex-col overflow-hidden phone:h-dvh phone:max-h-none phone:rounded-none"
    >
      <SearchPanel
        me={me}
        onClose={() => onOpenChange(false)}
        onOpen={(id) => {
          picked.current = true;
          onOpenChange(false);
          onOpen(id);
        }}
      />
    </Dialog>
  );
}
