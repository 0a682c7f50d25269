import { KeyRound } from 'lucide-react';
import { Button } from '@/components/ui';
import { messages } from '@/lib/messages';
import { passkeysPossible } from '@/lib/passkeys';
import { signInWithPasskey } from '@/lib/second-step';
import { passkeyProblem } from './passkey-problem';

const t = messages.twoStep;

type Props = { busy: boolean; onBusy: (busy: boolean) => void; onError: (text: string | undefined) => void };

/** Signs in without name and password, where the browser can. */
export function PasskeyButton({ busy, onBusy, onError }: Props) {
  if (!passkeysPossible()) return null;

  const signIn = async () => {
    onBusy(true);
    onError(undefined);
    try {
      await signInWithPasskey();
    } catch (error) {
      onError(passkeyProblem(error));
      onBusy(false);
    }
  };
  return (
    <Button variant="secondary" size="lg" busy={busy} className="w-full" onClick={() => void signIn()}>
      <KeyRound aria-hidden="true" className="size-4" />
      {t.signInPasskey}
    </Button>
  );
}
