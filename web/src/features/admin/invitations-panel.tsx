import { type FormEvent, useState } from 'react';
import { OutcomeLine } from '@/components/outcome-line';
import { Button, Input, Skeleton, useSlow } from '@/components/ui';
import { useAction } from '@/components/use-action';
import { invite, useInvitations, withdraw } from '@/lib/admin';
import { useFormat } from '@/lib/format';
import { messages } from '@/lib/messages';
import { LinkField } from './link-field';
import { LoadFailed } from './load-failed';

const t = messages.admin;

/** Links with which people may sign up. */
export function InvitationsPanel() {
  return (
    <div className="flex flex-col gap-8">
      <NewInvitation />
      <Invitations />
    </div>
  );
}

function NewInvitation() {
  const [note, setNote] = useState('');
  const [uses, setUses] = useState('1');
  const [days, setDays] = useState('7');
  const [link, setLink] = useState('');
  const { busy, outcome, run } = useAction();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setLink('');
    void run(async () => {
      setLink(await invite(note.trim(), Number(uses), Number(days)));
      setNote('');
      return '';
    });
  };
  return (
    <form onSubmit={submit} aria-labelledby="invite-title" className="flex flex-col gap-4">
      <h2 id="invite-title" className="font-semibold text-base">
        {t.newInvitation}
      </h2>
      <Input
        label={t.note}
        hint={t.noteHint}
        maxLength={200}
        value={note}
        onChange={(event) => setNote(event.target.value)}
      />
      <div className="grid grid-cols-2 gap-3">
        <Input
          label={t.uses}
          type="number"
          required
          min={1}
          max={1000}
          value={uses}
          onChange={(event) => setUses(event.target.value)}
        />
        <Input
          label={t.days}
          type="number"
          required
          min={1}
          max={365}
          value={days}
          onChange={(event) => setDays(event.target.value)}
        />
      </div>
      <Button type="submit" busy={busy} className="self-start">
        {t.invite}
      </Button>
      {link ? <LinkField link={link} /> : null}
      <OutcomeLine outcome={outcome} />
    </form>
  );
}

function Invitations() {
  const { data, error, isPending, refetch } = useInvitations();
  const slow = useSlow(isPending);
  const { outcome, run } = useAction();
  const format = useFormat();
  const remove = (id: string) =>
    run(async () => {
      await withdraw(id);
      return t.done;
    });
  if (error && !data) return <LoadFailed error={error} onRetry={() => void refetch()} />;
  if (!data) return slow ? <Skeleton className="h-40 w-full" /> : null;
  return (
    <section aria-label={t.invitations} className="flex flex-col gap-2">
      {data.length === 0 ? <p className="text-md text-muted">{t.invitationsNone}</p> : null}
      <ul aria-label={t.invitationList} className="flex flex-col divide-y divide-line empty:hidden">
        {data.map((item) => (
          <li key={item.id} className="flex items-center gap-3 py-3">
            <div className="min-w-0 flex-1">
              <p className="break-words font-medium">{item.note || t.invitationUnnamed}</p>
              <p className="text-muted text-sm">
                {t.invitationLine(item.uses, item.max_uses, item.made_by, format.full(item.expires_at))}
              </p>
            </div>
            <Button
              variant="secondary"
              size="sm"
              aria-label={t.withdrawLabel(item.note || t.invitationUnnamed)}
              onClick={() => void remove(item.id)}
            >
              {t.withdraw}
            </Button>
          </li>
        ))}
      </ul>
      <OutcomeLine outcome={outcome} />
    </section>
  );
}
