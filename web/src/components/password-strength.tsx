import { useEffect, useState } from 'react';
import { cn } from '@/components/ui/cn';
import { messages } from '@/lib/messages';

const t = messages.auth;
const colours = ['bg-danger', 'bg-danger', 'bg-warn', 'bg-ok', 'bg-ok'] as const;

/** How long a password would hold, in five steps. Its rules are the server's business. */
export function PasswordStrength({ password }: { password: string }) {
  const [level, setLevel] = useState<number>();

  useEffect(() => {
    let here = true;
    if (!password) setLevel(undefined);
    else
      import('@/lib/strength')
        .then(({ strength }) => here && setLevel(strength(password)))
        .catch(() => undefined); // offline: the field works without
    return () => {
      here = false;
    };
  }, [password]);

  if (level === undefined) return null;
  const name = t.strength[level] ?? '';
  return (
    <div className="-mt-2 animate-fade">
      <div aria-hidden="true" className="flex gap-1">
        {t.strength.map((step, i) => (
          <span
            key={step}
            className={cn('h-1 flex-1 rounded-full', i <= level ? colours[level] : 'bg-line')}
          />
        ))}
      </div>
      <p role="status" className="mt-1 text-muted text-sm">
        {t.strengthLabel(name)}
      </p>
    </div>
  );
}
