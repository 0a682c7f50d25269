import { type ReactNode, useState } from 'react';
import { useLocation } from 'wouter';
import { paths } from '@/components/paths';
import { Banner, Button, Dialog } from '@/components/ui';
import { toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { signOut } from '@/lib/session';

const t = messages.signOut;

/** Asks before signing out, because unsent texts go with it; says so when the server cannot be reached. */
export function useSignOut(): { ask: () => void; dialog: ReactNode } {
  const [, navigate] = useLocation();
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();

  const leave = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await signOut();
      // The next person at this computer does not start in the last one's conversation.
      navigate(paths.signIn, { replace: true });
    } catch (error) {
      setProblem(toProblem(error).detail);
      setBusy(false);
    }
  };

  const dialog = (
    <Dialog open={open} onOpenChange={setOpen} title={t.title} closeLabel={messages.layout.close}>
      <div className="px-5 pb-5">
        <p className="text-md text-muted">{t.text}</p>
        {problem ? (
          <Banner tone="danger" role="alert" className="mt-4 rounded-lg">
            {problem}
          </Banner>
        ) : null}
        <div className="mt-6 flex justify-end gap-2">
          <Button variant="secondary" onClick={() => setOpen(false)}>
            {t.cancel}
          </Button>
          <Button variant="danger" busy={busy} onClick={() => void leave()}>
            {messages.sidebar.signOut}
          </Button>
        </div>
      </div>
    </Dialog>
  );
  return { ask: () => setOpen(true), dialog };
}
