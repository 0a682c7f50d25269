import { KeyRound } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { Button, Input } from '@/components/ui';
import { toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { passkeysPossible } from '@/lib/passkeys';
import { signInSecond, signInSecondWithPasskey } from '@/lib/second-step';
import { FormError } from './form-error';
import { fromProblem } from './rules';

const t = messages.twoStep;

type Props = {
  challenge: string;
  methods: readonly string[];
  /** The person wants to start again, or has to: then `text` says why. */
  onOver: (text?: string) => void;
  /** It was right; most need not know, because the session changes what is on screen. */
  onDone?: () => void;
};

/** After the password: a code of the app, a passkey or a recovery code. */
export function SecondStep({ challenge, methods, onOver, onDone }: Props) {
  const app = methods.includes('totp');
  const passkey = methods.includes('passkey') && passkeysPossible();
  const [recovery, setRecovery] = useState(!app && !passkey);
  const [code, setCode] = useState('');
  const [error, setError] = useState<{ code?: string; form?: string }>({});
  const [busy, setBusy] = useState(false);
  const typed = recovery || app;

  const run = async (work: () => Promise<void>, wrong: 'code' | 'form') => {
    if (busy) return;
    setBusy(true);
    setError({});
    try {
      await work();
      onDone?.();
    } catch (thrown) {
      const problem = toProblem(thrown);
      setBusy(false);
      if (problem.slug === 'challenge-expired') onOver(t.secondOver);
      else if (problem.slug === 'unauthenticated') setError({ [wrong]: t.secondWrong });
      else setError({ form: fromProblem(problem).form ?? problem.detail });
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!code.trim()) return setError({ code: messages.auth.required });
    const text = code.trim();
    void run(
      () => signInSecond(challenge, recovery ? { recovery_code: text } : { code: text.replace(/\s/g, '') }),
      'code',
    );
  };
  const other = (next: boolean) => {
    setRecovery(next);
    setCode('');
    setError({});
  };

  return (
    <form onSubmit={submit} noValidate aria-labelledby="second-title" className="flex flex-col gap-4">
      <h2 id="second-title" className="font-semibold text-base">
        {t.secondTitle}
      </h2>
      <FormError text={error.form} />
      {typed ? (
        <>
          <Input
            // Another field, not another label: the focus goes to it.
            key={recovery ? 'recovery' : 'code'}
            label={recovery ? t.secondRecovery : t.secondCode}
            name={recovery ? 'recovery-code' : 'one-time-code'}
            autoComplete={recovery ? 'off' : 'one-time-code'}
            inputMode={recovery ? 'text' : 'numeric'}
            autoCapitalize="none"
            spellCheck={false}
            autoFocus
            value={code}
            onChange={(event) => setCode(event.target.value)}
            error={error.code}
          />
          <Button type="submit" size="lg" busy={busy} className="w-full">
            {t.goOn}
          </Button>
        </>
      ) : null}
      {passkey ? (
        <Button
          variant={typed ? 'secondary' : 'primary'}
          size="lg"
          busy={busy && !typed}
          className="w-full"
          onClick={() => void run(() => signInSecondWithPasskey(challenge), 'form')}
        >
          <KeyRound aria-hidden="true" className="size-4" />
          {t.usePasskey}
        </Button>
      ) : null}
      {methods.includes('recovery_code') && !recovery ? (
        <Button variant="ghost" onClick={() => other(true)}>
          {t.useRecovery}
        </Button>
      ) : null}
      {recovery && app ? (
        <Button variant="ghost" onClick={() => other(false)}>
          {t.useCode}
        </Button>
      ) : null}
      <Button variant="ghost" onClick={() => onOver()}>
        {t.back}
      </Button>
    </form>
  );
}
