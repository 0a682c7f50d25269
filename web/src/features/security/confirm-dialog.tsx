import { KeyRound } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { OutcomeLine } from '@/components/outcome-line';
import { PasswordField } from '@/components/password-field';
import { Button, Dialog, Input } from '@/components/ui';
import { useAction } from '@/components/use-action';
import { type Confirmation, evidenceOf, useAccount } from '@/lib/account';
import { messages } from '@/lib/messages';
import { passkeysPossible } from '@/lib/passkeys';
import { confirmWithPasskey } from '@/lib/second-step';

const t = messages.twoStep;

type Props = {
  /** What is about to be done; on the button. */
  action: string;
  /** What the dialog is about, when that is more than asking. */
  title?: string;
  lead?: string;
  /** The ways to take the second step that the account has; none asks for the password alone, where there is one. */
  methods: readonly string[];
  /** For what cannot be undone: says so, and has the username typed. */
  grave?: { warning: string; username: string };
  onClose: () => void;
  /** Does it. What it throws is shown here, and the dialog stays. */
  onConfirm: (confirmation: Confirmation) => Promise<void>;
};

/** Asks once more who is signed in, before something that matters. */
export function ConfirmDialog({
  title = t.confirmTitle,
  action,
  lead,
  methods,
  grave,
  onClose,
  onConfirm,
}: Props) {
  // Where there is no password, having signed in a moment ago counts in its place.
  const has = useAccount().data?.has_password ?? true;
  const [typed, setTyped] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const { busy, outcome, setOutcome, run } = useAction(shown);
  const second = methods.length > 0;
  const passkey = methods.includes('passkey') && passkeysPossible();

  const slips = (): Record<string, string> =>
    grave && typed.trim().toLowerCase() !== grave.username ? { username: messages.farewell.retypeWrong } : {};
  const confirm = async (get: () => Promise<Confirmation>) => {
    const fields = slips();
    if (fields.username) return setOutcome({ fields });
    const done = await run(async () => {
      await onConfirm(await get());
      return '';
    });
    if (done) onClose();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const fields = slips();
    if (has && !password) fields['body.current_password'] = messages.auth.required;
    if (second && !code.trim()) fields['body.code'] = messages.auth.required;
    if (Object.keys(fields).length > 0) return setOutcome({ fields });
    void confirm(async () => ({
      ...(has ? { current_password: password } : {}),
      ...(second ? evidenceOf(code) : {}),
    }));
  };
  const { fields } = outcome;

  return (
    <Dialog open onOpenChange={(open) => open || onClose()} title={title} closeLabel={t.close}>
      <form onSubmit={submit} noValidate className="flex flex-col gap-4 px-5 pb-5">
        {lead ? <p className="text-md text-muted">{lead}</p> : null}
        {grave ? (
          <>
            <p className="text-md text-muted">{grave.warning}</p>
            <Input
              label={messages.farewell.retype(grave.username)}
              name="retyped-username"
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              autoFocus
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
              error={fields?.username}
            />
          </>
        ) : null}
        {has ? (
          <PasswordField
            label={messages.security.passwordCurrent}
            name="current-password"
            autoComplete="current-password"
            autoFocus={!grave}
            value={password}
            onChange={(event) => setPassword(event.target.value)}
            error={fields?.['body.current_password']}
          />
        ) : null}
        {second ? (
          <Input
            label={methods.includes('totp') ? t.confirmCode : t.confirmRecovery}
            name="one-time-code"
            autoComplete="one-time-code"
            autoCapitalize="none"
            spellCheck={false}
            value={code}
            onChange={(event) => setCode(event.target.value)}
            error={fields?.['body.code'] ?? fields?.['body.recovery_code']}
          />
        ) : null}
        <OutcomeLine outcome={outcome} />
        <Button type="submit" variant={grave ? 'danger' : 'primary'} busy={busy}>
          {action}
        </Button>
        {passkey ? (
          <Button variant="secondary" onClick={() => void confirm(confirmWithPasskey)}>
            <KeyRound aria-hidden="true" className="size-4" />
            {t.confirmPasskey}
          </Button>
        ) : null}
      </form>
    </Dialog>
  );
}

const shown = ['body.current_password', 'body.code', 'body.recovery_code'];
