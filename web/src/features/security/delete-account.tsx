import { useState } from 'react';
import { useLocation } from 'wouter';
import { farewell, paths } from '@/components/paths';
import { Button } from '@/components/ui';
import { useAccount } from '@/lib/account';
import { messages } from '@/lib/messages';
import { deleteAccount } from '@/lib/session';
import { ConfirmDialog } from './confirm-dialog';

const t = messages.farewell;

/** Ends the account, after asking for the username and who is signed in. */
export function DeleteAccount() {
  const [, navigate] = useLocation();
  const [asking, setAsking] = useState(false);
  const { data: account } = useAccount();

  return (
    <>
      <p className="mb-4 max-w-prose text-md text-muted">
        {t.hint} {account ? t[account.deleted_messages] : null}
      </p>
      <Button variant="danger" disabled={!account} onClick={() => setAsking(true)}>
        {t.ask}
      </Button>
      {asking && account ? (
        <ConfirmDialog
          title={t.confirmTitle}
          action={t.action}
          methods={account.second_factor ?? []}
          grave={{ warning: t.warning, username: account.username }}
          onClose={() => setAsking(false)}
          onConfirm={async (confirmation) => {
            await deleteAccount(confirmation);
            navigate(paths.signIn, { replace: true, state: farewell });
          }}
        />
      ) : null}
    </>
  );
}
