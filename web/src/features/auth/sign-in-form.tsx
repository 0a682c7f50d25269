import { type FormEvent, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { useHistoryState } from 'wouter/use-browser-location';
import { PasswordField } from '@/components/password-field';
import { afterFarewell, paths } from '@/components/paths';
import { Button } from '@/components/ui';
import { toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { signIn } from '@/lib/session';
import { FormError, FormNotice } from './form-error';
import { LoginField } from './login-field';
import { PasskeyButton } from './passkey-button';
import { type FieldErrors, fromProblem } from './rules';
import { SecondStep } from './second-step';
import { useFocusFirstError } from './use-focus-first-error';
import { useHalfSignIn } from './use-half-sign-in';
import { usePasskeyOffer } from './use-passkey-offer';

const t = messages.auth;

/** Username or e-mail and password, then a second step where the account has one. The session store changes what is on screen afterwards. */
export function SignInForm() {
  const form = useRef<HTMLFormElement>(null);
  const [, navigate] = useLocation();
  const gone = afterFarewell(useHistoryState<unknown>());
  const [login, setLogin] = useState('');
  const [password, setPassword] = useState('');
  const [errors, setErrors] = useState<FieldErrors>({});
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState(false);
  const [step, setStep] = useHalfSignIn();
  useFocusFirstError(form, errors);
  usePasskeyOffer(!busy && !asking && !step, (form) => setErrors({ form }));

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const missing: FieldErrors = {};
    if (!login.trim()) missing.login = t.required;
    if (!password) missing.password = t.required;
    setErrors(missing);
    if (Object.keys(missing).length > 0) return;
    setBusy(true);
    try {
      await signIn(login.trim(), password);
    } catch (error) {
      const problem = toProblem(error);
      setBusy(false);
      if (problem.challenge) return setStep({ challenge: problem.challenge, methods: problem.methods });
      setErrors(fromProblem(problem));
    }
  };

  if (step) {
    const over = (form?: string) => {
      setStep(undefined);
      setPassword('');
      setErrors(form ? { form } : {});
    };
    return <SecondStep {...step} onOver={over} />;
  }
  return (
    <form ref={form} onSubmit={submit} noValidate className="flex flex-col gap-4">
      <FormError text={errors.form} />
      <FormNotice text={errors.notice ?? (gone && !errors.form ? messages.farewell.goodbye : undefined)} />
      <LoginField value={login} onChange={setLogin} error={errors.login} passkeys />
      <PasswordField
        name="password"
        autoComplete="current-password"
        value={password}
        onChange={(event) => setPassword(event.target.value)}
        error={errors.password}
      />
      <Button type="submit" size="lg" busy={busy} className="mt-2 w-full">
        {t.signIn}
      </Button>
      <PasskeyButton busy={asking} onBusy={setAsking} onError={(form) => setErrors(form ? { form } : {})} />
      <Button variant="ghost" onClick={() => navigate(paths.forgot)}>
        {t.forgot}
      </Button>
    </form>
  );
}
