import { useState } from 'react';
import { OutcomeLine } from '@/components/outcome-line';
import { Button, Input } from '@/components/ui';
import { useAction } from '@/components/use-action';
import { deeds, type PersonDetail, type Role } from '@/lib/admin';
import { messages } from '@/lib/messages';
import { useSession } from '@/lib/session';
import { Choice } from './choice';
import { ConfirmDialog } from './confirm-dialog';
import { DeletePerson } from './delete-person';

const t = messages.admin;

type Deed = 'suspend' | 'restore' | 'signOut' | 'reset' | 'factors' | 'role';

const words: Record<
  Deed,
  { title: (name: string) => string; text: string; button: string; danger?: boolean }
> = {
  suspend: { title: t.suspendTitle, text: t.suspendText, button: t.suspend, danger: true },
  restore: { title: t.restoreTitle, text: t.restoreText, button: t.restore },
  signOut: { title: t.signOutTitle, text: t.signOutText, button: t.signOut, danger: true },
  reset: { title: t.resetTitle, text: t.resetText, button: t.reset },
  factors: { title: t.factorsTitle, text: t.factorsText, button: t.factors, danger: true },
  role: { title: t.roleTitle, text: t.roleText, button: t.changeRole, danger: true },
};

const roles = [
  { value: 'user', label: t.roles.user },
  { value: 'moderator', label: t.roles.moderator },
  { value: 'admin', label: t.roles.admin },
] as const;

type Props = { detail: PersonDetail; admin: boolean; onGone: () => void };

/** What can be done to an account, each after a question. */
export function PersonActions({ detail, admin, onGone }: Props) {
  const { person, suspension } = detail;
  const [asking, setAsking] = useState<Deed>();
  const [reason, setReason] = useState('');
  const [role, setRole] = useState<Role>(person.role);
  const { busy, outcome, run } = useAction();
  const { user: me } = useSession();
  if (!admin && person.role !== 'user') return null;

  const work: Record<Deed, () => Promise<string>> = {
    suspend: () => deeds.suspend(person.id, reason.trim()).then(() => t.done),
    restore: () => deeds.restore(person.id).then(() => t.done),
    signOut: () => deeds.signOut(person.id).then(() => t.done),
    reset: () => deeds.mailReset(person.id).then(() => t.resetDone),
    factors: () => deeds.resetFactors(person.id).then(() => t.done),
    role: () => deeds.setRole(person.id, role).then(() => t.done),
  };
  const confirm = async (deed: Deed) => {
    if (await run(work[deed])) setReason('');
    setAsking(undefined);
  };
  const ask = (deed: Deed) => (
    <Button variant={words[deed].danger ? 'danger' : 'secondary'} onClick={() => setAsking(deed)}>
      {words[deed].button}
    </Button>
  );

  return (
    <section aria-labelledby="person-actions" className="flex flex-col gap-4">
      <h3 id="person-actions" className="font-semibold text-base">
        {t.actions}
      </h3>
      <div className="flex flex-wrap gap-2">
        {suspension ? ask('restore') : ask('suspend')}
        {admin ? ask('signOut') : null}
        {admin ? ask('factors') : null}
        {admin && person.email && !suspension ? ask('reset') : null}
      </div>
      {admin ? (
        <div className="flex items-end gap-2">
          <Choice label={t.role} value={role} options={roles} onChange={setRole} className="w-48" />
          <Button
            variant="secondary"
            className="h-11"
            disabled={role === person.role}
            onClick={() => setAsking('role')}
          >
            {t.changeRole}
          </Button>
        </div>
      ) : null}
      <OutcomeLine outcome={outcome} />
      {admin && person.id !== me?.id ? <DeletePerson person={person} onGone={onGone} /> : null}
      {asking ? (
        <ConfirmDialog
          title={words[asking].title(person.display_name)}
          text={words[asking].text}
          button={words[asking].button}
          danger={words[asking].danger}
          busy={busy}
          disabled={asking === 'suspend' && reason.trim() === ''}
          onConfirm={() => void confirm(asking)}
          onClose={() => setAsking(undefined)}
        >
          {asking === 'suspend' ? (
            <Input
              label={t.reason}
              hint={t.reasonHint}
              maxLength={500}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
          ) : null}
        </ConfirmDialog>
      ) : null}
    </section>
  );
}
