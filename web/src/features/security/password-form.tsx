import { type FormEvent, useState } from 'react';
import { PasswordField } from '@/components/password-field';
import { PasswordStrength } from '@/components/password-strength';
import { Button } from '@/components/ui';
import { changePassword, useAccount } from '@/lib/account';
import { messages } from '@/lib/messages';
import { OutcomeLine } from './outcome-line';
import { useAction } from './use-action';

const t = messages.security;

/** Replaces the password; the other devices are signed out. */
export function PasswordForm() {
  const has = useAccount().data?.has_password ?? true;
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const { busy, outcome, setOutcome, run } = useAction();

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const fields: Record<string, string> = {};
    if (has && !current) fields['body.current_password'] = messages.auth.required;
    if (!next) fields['body.password'] = messages.auth.required;
    if (Object.keys(fields).length > 0) return setOutcome({ fields });
    const changed = await run(async () => {
      await changePassword(current, next);
      return t.passwordChanged;
    });
    if (!changed) return;
    setCurrent('');
    setNext('');
  };

  return (
    <form onSubmit={submit} noValidate className="flex max-w-sm flex-col gap-4">
      {has ? (
        <PasswordField
          label={t.passwordCurrent}
          name="current-password"
          autoComplete="current-password"
          value={current}
          onChange={(event) => setCurrent(event.target.value)}
          error={outcome.fields?.['body.current_password']}
        />
      ) : (
        <p className="text-md text-muted">{messages.providers.noPassword}</p>
      )}
      <PasswordField
        label={messages.auth.newPassword}
        name="new-password"
        autoComplete="new-password"
        value={next}
        onChange={(event) => setNext(event.target.value)}
        error={outcome.fields?.['body.password']}
        hint={messages.auth.passwordHint}
      />
      <PasswordStrength password={next} />
      <OutcomeLine outcome={outcome} />
      <Button type="submit" busy={busy} className="self-start">
        {has ? t.passwordChange : messages.providers.setPassword}
      </Button>
    </form>
  );
}
