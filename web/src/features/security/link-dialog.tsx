import { type FormEvent, useState } from 'react';
import { PasswordField } from '@/components/password-field';
import { Button, Dialog } from '@/components/ui';
import { useAccount } from '@/lib/account';
import { messages } from '@/lib/messages';
import { linkProvider } from '@/lib/providers';
import { OutcomeLine } from './outcome-line';
import { useAction } from './use-action';

const t = messages.providers;

type Props = { provider: { id: string; name: string } | undefined; onClose: () => void };

/** Asks for the password, where there is one, and leaves for the provider. */
export function LinkDialog({ provider, onClose }: Props) {
  return (
    <Dialog
      open={provider !== undefined}
      onOpenChange={(open) => (open ? undefined : onClose())}
      title={t.linkLabel(provider?.name ?? '')}
      closeLabel={t.close}
    >
      {provider ? <LinkForm {...provider} /> : null}
    </Dialog>
  );
}

function LinkForm({ id, name }: { id: string; name: string }) {
  const has = useAccount().data?.has_password ?? true;
  const [current, setCurrent] = useState('');
  const { busy, outcome, setOutcome, run } = useAction();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (has && !current) return setOutcome({ fields: { 'body.current_password': messages.auth.required } });
    await run(async () => {
      await linkProvider(id, current, location.pathname);
      return '';
    });
  };
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4 px-5 pb-5">
      <p className="text-md text-muted">{t.linkLead(name)}</p>
      {has ? (
        <PasswordField
          label={messages.security.passwordCurrent}
          name="current-password"
          autoComplete="current-password"
          value={current}
          onChange={(event) => setCurrent(event.target.value)}
          error={outcome.fields?.['body.current_password']}
        />
      ) : null}
      <OutcomeLine outcome={outcome} />
      <Button type="submit" busy={busy} className="self-start">
        {t.goTo(name)}
      </Button>
    </form>
  );
}
