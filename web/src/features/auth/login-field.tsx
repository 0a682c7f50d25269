import { Input } from '@/components/ui';
import { messages } from '@/lib/messages';

type Props = {
  value: string;
  onChange: (value: string) => void;
  error?: string | undefined;
  /** Browsers may offer passkeys here, too. */
  passkeys?: boolean;
};

/** Who somebody is: a username or an e-mail address, as password managers know it. */
export function LoginField({ value, onChange, error, passkeys }: Props) {
  return (
    <Input
      label={messages.auth.login}
      name="username"
      autoComplete={passkeys ? 'username webauthn' : 'username'}
      autoCapitalize="none"
      autoCorrect="off"
      spellCheck={false}
      autoFocus
      value={value}
      onChange={(event) => onChange(event.target.value)}
      error={error}
    />
  );
}
