import { useEffect, useState } from 'react';
import { Banner, Button } from '@/components/ui';
import { AuthFrame } from '@/features/auth';
import { TwoStepPanel } from '@/features/security';
import { toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { useFactors } from '@/lib/second-step';
import { secondStepIsSet } from '@/lib/session';
import { useSignOut } from './use-sign-out';

const t = messages.enrol;

/** In place of everything else, while a second step is demanded and there is none. */
export function EnrolPage() {
  const { data: factors } = useFactors();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const leaving = useSignOut();
  useEffect(() => {
    document.title = messages.app.name;
  }, []);

  const goOn = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await secondStepIsSet();
    } catch (error) {
      setProblem(toProblem(error).detail);
    }
    setBusy(false);
  };

  return (
    <AuthFrame title={t.title} lead={t.lead}>
      <div className="flex flex-col gap-8">
        <TwoStepPanel />
        {problem ? (
          <Banner tone="danger" role="alert" className="rounded-lg">
            {problem}
          </Banner>
        ) : null}
        {factors?.enabled ? (
          <Button size="lg" busy={busy} onClick={() => void goOn()}>
            {t.goOn}
          </Button>
        ) : null}
        <Button variant="ghost" onClick={leaving.ask}>
          {messages.sidebar.signOut}
        </Button>
      </div>
      {leaving.dialog}
    </AuthFrame>
  );
}
