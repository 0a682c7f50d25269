import { KeyRound } from 'lucide-react';
import { useState } from 'react';
import { Button } from '@/components/ui';
import { toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { passkeysPossible } from '@/lib/passkeys';
import { signInWithPasskey } from '@/lib/second-step';
import { fromProblem } from './rules';

const t = messages.twoStep;

/** Signs in without name and password, where the browser can. */
export function PasskeyButton({ onError }: { onError: (text: string | undefined) => void }) {
  const [busy, setBusy] = useState(false);
  if (!passkeysPossible()) return null;

  const signIn = async () => {
    setBusy(true);
    onError(undefined);
    try {
      await signInWithPasskey();
    } catch (error) {
      const problem = toProblem(error);
      onError(
        problem.slug === 'unauthenticated' ? t.passkeyWrong : (fromProblem(problem).form ?? problem.detail),
      );
      setBusy(false);
    }
  };
  return (
    <Button variant="secondary" size="lg" busy={busy} className="w-full" onClick={() => void signIn()}>
      <KeyRound aria-hidden="true" className="size-4" />
      {t.signInPasskey}
    </Button>
  );
}
