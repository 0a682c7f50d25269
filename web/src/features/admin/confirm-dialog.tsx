import type { FormEvent, ReactNode } from 'react';
import { Button, Dialog } from '@/components/ui';
import { messages } from '@/lib/messages';

type Props = {
  title: string;
  text: string;
  button: string;
  danger?: boolean | undefined;
  busy: boolean;
  disabled?: boolean;
  onConfirm: () => void;
  onClose: () => void;
  children?: ReactNode;
};

/** Asks before something that concerns somebody else. */
export function ConfirmDialog({
  title,
  text,
  button,
  danger,
  busy,
  disabled,
  onConfirm,
  onClose,
  children,
}: Props) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!busy && !disabled) onConfirm();
  };
  return (
    <Dialog open onOpenChange={onClose} title={title} closeLabel={messages.layout.close}>
      <form onSubmit={submit} className="flex flex-col gap-4 px-5 pb-5">
        <p className="text-md text-muted">{text}</p>
        {children}
        <div className="mt-2 flex justify-end gap-2">
          <Button variant="secondary" onClick={onClose}>
            {messages.admin.cancel}
          </Button>
          <Button type="submit" variant={danger ? 'danger' : 'primary'} busy={busy} disabled={disabled}>
            {button}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
