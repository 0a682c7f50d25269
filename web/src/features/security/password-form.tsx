import { type FormEvent, useState } from 'react';
import { OutcomeLine } from '@/components/outcome-line';
import { PasswordField } from '@/components/password-field';
import { PasswordStrength } from '@/components/password-strength';
import { Button } from '@/components/ui';
import { useAction } from '@/components/use-action';
import { type Confirmation, changePassword, useAccount } from '@/lib/account';
import { messages } from '@/lib/messages';
import { ConfirmDialog } from './confirm-dialog';

const t = messages.security;

/** Replaces the password; the other devices are signed out. With two-step sign-in, a dialog asks for all of it. */
export function PasswordForm() {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [asking, setAsking] = useState(false);
  const { busy, outcome, setOutcome, run } = useAction(['body.password', 'body.current_password']);
  const { data: account } = useAccount();
  const has = account?.has_password ?? true;
  const action = has ? t.passwordChange : messages.providers.setPassword;
  const methods = account?.second_factor ?? [];
  const twoStep = methods.length > 0;

  const changed = () => {
    setCurrent('');
    setNext('');
  };
  const confirmed = async (confirmation: Confirmation) => {
    await changePassword(confirmation, next);
    setOutcome({ done: t.passwordChanged });
    changed();
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const fields: Record<string, string> = {};
    if (has && !current && !twoStep) fields['body.current_password'] = messages.auth.required;
    if (!next) fields['body.password'] = messages.auth.required;
    if (Object.keys(fields).length > 0) return setOutcome({ fields });
    if (twoStep) return setAsking(true);
    const done = await run(async () => {
      await changePassword({ current_password: current }, next);
      return t.passwordChanged;
    });
    if (done) changed();
  };

  return (
    <>
      <form onSubmit={submit} noValidate className="flex max-w-sm flex-col gap-4">
        {has ? null : <p className="text-md text-muted">{messages.providers.noPassword}</p>}
        {has && !twoStep ? (
          <PasswordField
            label={t.passwordCurrent}
            name="current-password"
            autoComplete="current-password"
            value={current}
            onChange={(event) => setCurrent(event.target.value)}
            error={outcome.fields?.['body.current_password']}
          />
        ) : null}
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
          {action}
        </Button>
      </form>
      {asking ? (
        <ConfirmDialog
          action={action}
          methods={methods}
          onClose={() => setAsking(false)}
          onConfirm={confirmed}
        />
      ) : null}
    </>
  );
}
