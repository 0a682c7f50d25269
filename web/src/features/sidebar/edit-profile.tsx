import { type FormEvent, useState } from 'react';
import { Button, Dialog, Input } from '@/components/ui';
import { toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { useUpdateProfile } from '@/lib/queries';

const t = messages.profile;
const LONGEST = 64;

type Props = { open: boolean; onOpenChange: (open: boolean) => void; name: string; username: string };

/** The dialog to change the own display name. */
export function EditProfile({ open, onOpenChange, name, username }: Props) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={t.title} closeLabel={messages.layout.close}>
      {/* Mounted anew each time it opens, so it starts from the saved name. */}
      <NameForm name={name} username={username} onDone={() => onOpenChange(false)} />
    </Dialog>
  );
}

function NameForm({ name, username, onDone }: { name: string; username: string; onDone: () => void }) {
  const [value, setValue] = useState(name);
  const [error, setError] = useState<string>();
  const update = useUpdateProfile();

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const display_name = value.trim();
    if (display_name === name) return onDone();
    if (display_name === '') return setError(messages.auth.required);
    // Counted like the server does: code points.
    if ([...display_name].length > LONGEST) return setError(t.tooLong);
    try {
      await update.mutateAsync({ display_name });
      onDone();
    } catch (failure) {
      const problem = toProblem(failure);
      setError(problem.errors[0]?.message ?? problem.detail);
    }
  };

  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4 px-5 pt-1 pb-5">
      <Input
        label={t.name}
        name="name"
        autoComplete="name"
        autoFocus
        value={value}
        onChange={(event) => {
          setValue(event.target.value);
          setError(undefined);
        }}
        onFocus={(event) => event.target.select()}
        error={error}
        hint={t.hint}
      />
      <p className="text-muted text-sm">{t.username(username)}</p>
      <div className="flex justify-end gap-2">
        <Button variant="secondary" onClick={onDone}>
          {t.cancel}
        </Button>
        <Button type="submit" busy={update.isPending}>
          {t.save}
        </Button>
      </div>
    </form>
  );
}
