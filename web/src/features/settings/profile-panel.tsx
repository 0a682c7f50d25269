import { type FormEvent, useState } from 'react';
import { Button, Input } from '@/components/ui';
import { type Me, toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { useProfile, useUpdateProfile } from '@/lib/queries';

const t = messages.profile;
const LONGEST = 64;

/** Settings: what others see of oneself. */
export function ProfilePanel() {
  const { data: me, error, refetch } = useProfile();
  if (me) return <NameForm me={me} />;
  if (!error) return null;
  return (
    <div role="alert" className="flex flex-col items-start gap-4">
      <p className="text-md text-muted">{t.loadFailed}</p>
      <Button variant="secondary" onClick={() => void refetch()}>
        {messages.conversation.retry}
      </Button>
    </div>
  );
}

function NameForm({ me }: { me: Me }) {
  const [value, setValue] = useState(me.display_name);
  const [error, setError] = useState<string>();
  const update = useUpdateProfile();

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const display_name = value.trim();
    if (display_name === '') return setError(messages.auth.required);
    // Counted like the server does: code points.
    if ([...display_name].length > LONGEST) return setError(t.tooLong);
    try {
      setValue((await update.mutateAsync({ display_name })).display_name);
    } catch (failure) {
      const problem = toProblem(failure);
      setError(problem.errors[0]?.message ?? problem.detail);
    }
  };

  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4">
      <Input
        label={t.name}
        name="name"
        autoComplete="name"
        value={value}
        onChange={(event) => {
          setValue(event.target.value);
          setError(undefined);
          update.reset();
        }}
        error={error}
        hint={t.hint}
      />
      <p className="text-muted text-sm">{t.username(me.username)}</p>
      <div className="flex items-center gap-3">
        <Button type="submit" busy={update.isPending}>
          {t.save}
        </Button>
        <span role="status" className="text-muted text-sm">
          {update.isSuccess ? t.saved : ''}
        </span>
      </div>
    </form>
  );
}
