import { useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import { paths } from '@/components/paths';
import { Button } from '@/components/ui';
import { confirmEmail } from '@/lib/account';
import { toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { AuthFrame } from './auth-frame';
import { FormError, FormNotice } from './form-error';
import { fromProblem } from './rules';
import { useLinkToken } from './use-link-token';

const t = messages.auth;

/** Where the link in a mail about an address leads: it confirms by itself. */
export function ConfirmPage() {
  const [, navigate] = useLocation();
  const token = useLinkToken();
  const [state, setState] = useState<{ notice?: string; error?: string }>({ notice: t.confirmBusy });

  useEffect(() => {
    let here = true;
    const show = (next: typeof state) => here && setState(next);
    if (!token) show({ error: t.linkBad });
    else
      confirmOnce(token).then(
        () => show({ notice: t.confirmDone }),
        (error: unknown) => show({ error: fromProblem(toProblem(error)).form ?? t.linkBad }),
      );
    return () => {
      here = false;
    };
  }, [token]);

  return (
    <AuthFrame title={t.confirmTitle}>
      <div className="flex flex-col gap-4">
        <FormError text={state.error} />
        <FormNotice text={state.notice} />
        <Button size="lg" onClick={() => navigate(paths.home)}>
          {t.goOn}
        </Button>
      </div>
    </AuthFrame>
  );
}

let confirming: { token: string; done: Promise<void> } | undefined;

/** One request for one link, also when the page is drawn twice. */
function confirmOnce(token: string): Promise<void> {
  if (confirming?.token !== token) confirming = { token, done: confirmEmail(token) };
  return confirming.done;
}
