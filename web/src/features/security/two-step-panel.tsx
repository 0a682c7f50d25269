import { type ReactNode, useState } from 'react';
import { Button, Skeleton, useSlow } from '@/components/ui';
import { type Confirmation, useAccount } from '@/lib/account';
import { useFormat } from '@/lib/format';
import { messages } from '@/lib/messages';
import { passkeysPossible } from '@/lib/passkeys';
import { addPasskey, enrolApp, removeApp, removePasskey, renewCodes, useFactors } from '@/lib/second-step';
import { CodesDialog } from './codes-dialog';
import { ConfirmDialog } from './confirm-dialog';
import { EnrolDialog } from './enrol-dialog';
import { PasskeyList } from './passkey-list';

const t = messages.twoStep;

/** Work that makes no recovery codes. */
const silent =
  (work: (confirmation: Confirmation) => Promise<void>) => async (confirmation: Confirmation) => {
    await work(confirmation);
    return [];
  };

/** What waits for a confirmation. */
type Wanted = { action: string; act: (confirmation: Confirmation) => Promise<void> };

/** Settings: what sign-in asks for after, or instead of, the password. */
export function TwoStepPanel() {
  const { data: factors, isPending, isError } = useFactors();
  const { data: account } = useAccount();
  const [wanted, setWanted] = useState<Wanted>();
  const [enrolment, setEnrolment] = useState<{ secret: string; uri: string }>();
  const [codes, setCodes] = useState<readonly string[]>([]);
  const [said, setSaid] = useState('');
  const slow = useSlow(isPending);
  const format = useFormat();
  if (isError) return <p role="alert">{t.failed}</p>;
  if (!factors || !account) return slow ? <Skeleton className="h-40 w-full" /> : null;

  /** Runs after the confirmation, and says `done`. */
  const ask = (action: string, work: (c: Confirmation) => Promise<readonly string[]>, done = '') => {
    setSaid('');
    setWanted({
      action,
      act: async (confirmation) => {
        setCodes(await work(confirmation));
        setSaid(done);
      },
    });
  };
  const enrol = async (confirmation: Confirmation) => setEnrolment(await enrolApp(confirmation));
  const activated = (made: string[]) => {
    setEnrolment(undefined);
    setCodes(made);
    setSaid(t.appDone);
  };
  const passkeys = factors.passkeys ?? [];
  const possible = factors.passkeys_possible && passkeysPossible();

  return (
    <div className="flex flex-col gap-10">
      <section aria-labelledby="two-step-title" className="flex flex-col gap-2">
        <h2 id="two-step-title" className="font-semibold text-base">
          {t.title}
        </h2>
        <p className="text-md text-muted">{factors.enabled ? t.on : t.off}</p>
        <p role="status" className="text-md text-ok empty:hidden">
          {said}
        </p>
      </section>
      <Part
        id="app-title"
        title={t.appTitle}
        hint={factors.totp_since ? t.appSince(format.list(factors.totp_since)) : t.appHint}
      >
        {factors.totp_since ? (
          <Act danger text={t.appRemove} onClick={() => ask(t.appRemove, silent(removeApp), t.appRemoved)} />
        ) : (
          <Act text={t.appAdd} onClick={() => ask(t.appAdd, silent(enrol))} />
        )}
      </Part>
      <Part id="passkeys-title" title={t.passkeysTitle} hint={t.passkeysHint}>
        <PasskeyList
          passkeys={passkeys}
          onRemove={({ id, name }) =>
            ask(
              t.passkeyRemoveLabel(name),
              silent((confirmation) => removePasskey(id, confirmation)),
              t.passkeyRemoved,
            )
          }
        />
        {possible ? (
          <Act text={t.passkeyAdd} onClick={() => ask(t.passkeyAdd, addPasskey, t.passkeyAdded)} />
        ) : (
          <p className="text-md text-muted">{t.passkeysImpossible}</p>
        )}
      </Part>
      {factors.enabled ? (
        <Part id="codes-title" title={t.codesTitle} hint={t.codesLeft(factors.recovery_codes_left)}>
          <Act text={t.codesRenew} onClick={() => ask(t.codesRenew, renewCodes)} />
        </Part>
      ) : null}
      {wanted ? (
        <ConfirmDialog
          action={wanted.action}
          methods={account.second_factor ?? []}
          onClose={() => setWanted(undefined)}
          onConfirm={wanted.act}
        />
      ) : null}
      {enrolment && !wanted ? (
        <EnrolDialog {...enrolment} onClose={() => setEnrolment(undefined)} onDone={activated} />
      ) : null}
      {codes.length > 0 && !wanted ? <CodesDialog codes={codes} onClose={() => setCodes([])} /> : null}
    </div>
  );
}

function Part({
  id,
  title,
  hint,
  children,
}: {
  id: string;
  title: string;
  hint: string;
  children: ReactNode;
}) {
  return (
    <section aria-labelledby={id} className="flex flex-col gap-3">
      <h2 id={id} className="font-semibold text-base">
        {title}
      </h2>
      <p className="text-md text-muted">{hint}</p>
      {children}
    </section>
  );
}

function Act({ text, danger, onClick }: { text: string; danger?: boolean; onClick: () => void }) {
  return (
    <Button variant={danger ? 'danger' : 'secondary'} className="self-start" onClick={onClick}>
      {text}
    </Button>
  );
}
