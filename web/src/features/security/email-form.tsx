import { type FormEvent, useState } from 'react';
import { OutcomeLine } from '@/components/outcome-line';
import { PasswordField } from '@/components/password-field';
import { Button, Input } from '@/components/ui';
import { useAction } from '@/components/use-action';
import { type Confirmation, changeEmail, resendConfirmation, useAccount } from '@/lib/account';
import { messages } from '@/lib/messages';
import { ConfirmDialog } from './confirm-dialog';

const t = messages.security;

/** Shows the address and replaces it; the new one counts when its link was opened. */
export function EmailForm() {
  const { data: account } = useAccount();
  const [email, setEmail] = useState('');
  const [current, setCurrent] = useState('');
  const [asking, setAsking] = useState(false);
  const { busy, outcome, setOutcome, run } = useAction(['body.email', 'body.current_password']);
  if (!account) return null;
  const methods = account.second_factor ?? [];
  const twoStep = methods.length > 0;

  const confirmed = async (confirmation: Confirmation) => {
    await changeEmail(email.trim(), confirmation);
    setOutcome({ done: t.emailSent(email.trim()) });
  };

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const fields: Record<string, string> = {};
    if (!email.trim()) fields['body.email'] = messages.auth.required;
    if (account.has_password && !current && !twoStep)
      fields['body.current_password'] = messages.auth.required;
    if (Object.keys(fields).length > 0) return setOutcome({ fields });
    if (twoStep) return setAsking(true);
    const sent = await run(async () => {
      await changeEmail(email.trim(), { current_password: current });
      return t.emailSent(email.trim());
    });
    if (sent) setCurrent('');
  };
  const resend = () =>
    run(async () => {
      await resendConfirmation();
      return t.emailResent;
    });

  return (
    <div className="flex max-w-sm flex-col gap-4">
      <p className="text-md text-muted">
        {account.email === ''
          ? t.emailNone
          : account.email_confirmed
            ? t.emailConfirmed(account.email)
            : t.emailUnconfirmed(account.email)}
      </p>
      {account.email !== '' && !account.email_confirmed ? (
        <Button variant="secondary" className="self-start" busy={busy} onClick={resend}>
          {t.emailResend}
        </Button>
      ) : null}
      <form onSubmit={submit} noValidate className="flex flex-col gap-4">
        <Input
          label={t.emailNew}
          name="email"
          type="email"
          autoComplete="email"
          value={email}
          onChange={(event) => setEmail(event.target.value)}
          error={outcome.fields?.['body.email']}
        />
        {account.has_password && !twoStep ? (
          <PasswordField
            label={t.passwordCurrent}
            name="current-password"
            autoComplete="current-password"
            value={current}
            onChange={(event) => setCurrent(event.target.value)}
            error={outcome.fields?.['body.current_password']}
          />
        ) : null}
        <OutcomeLine outcome={outcome} />
        <Button type="submit" busy={busy} className="self-start">
          {t.emailChange}
        </Button>
      </form>
      {asking ? (
        <ConfirmDialog
          action={t.emailChange}
          methods={methods}
          onClose={() => setAsking(false)}
          onConfirm={confirmed}
        />
      ) : null}
    </div>
  );
}
