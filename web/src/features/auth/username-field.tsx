import { Check, CircleAlert } from 'lucide-react';
import { Input } from '@/components/ui';
import { messages } from '@/lib/messages';
import { usernameError } from './rules';
import type { Availability } from './use-username-check';

const t = messages.auth;

type Props = {
  username: string;
  onChange: (username: string) => void;
  availability: Availability;
  /** An error of the last try; typing clears it. */
  error?: string;
};

/** The wanted username, with what the server says of it while typing. */
export function UsernameField({ username, onChange, availability, error }: Props) {
  const local = username === '' ? undefined : usernameError(username);
  // Too short is no error while somebody is still typing.
  const typing = local === t.usernameShort ? undefined : local;
  const taken = availability === 'taken' ? t.usernameTaken(username) : undefined;
  const wrong = error ?? typing ?? taken;

  return (
    <Input
      label={t.username}
      name="username"
      autoComplete="username"
      autoCapitalize="none"
      autoCorrect="off"
      spellCheck={false}
      maxLength={64}
      value={username}
      onChange={(event) => onChange(event.target.value.toLowerCase().trim())}
      error={wrong && <Note icon={<CircleAlert className="mt-0.5 size-3.5 shrink-0" />} text={wrong} />}
      hint={<Hint username={username} availability={availability} />}
    />
  );
}

function Hint({ username, availability }: { username: string; availability: Availability }) {
  if (availability === 'checking') return <span>{t.usernameChecking}</span>;
  if (availability === 'free') {
    return (
      <span role="status" className="flex items-start gap-1.5 text-ok">
        <Check aria-hidden="true" className="mt-0.5 size-3.5 shrink-0" />
        {t.usernameFree(username)}
      </span>
    );
  }
  return <span>{t.usernameHint}</span>;
}

function Note({ icon, text }: { icon: React.ReactNode; text: string }) {
  return (
    <span role="status" className="flex items-start gap-1.5">
      {icon}
      {text}
    </span>
  );
}
