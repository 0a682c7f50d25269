import { useState } from 'react';
import { OutcomeLine } from '@/components/outcome-line';
import { Button, Input } from '@/components/ui';
import { useAction } from '@/components/use-action';
import { deletePerson, type PersonItem } from '@/lib/admin';
import { messages } from '@/lib/messages';
import { ConfirmDialog } from './confirm-dialog';

const t = messages.admin;

/** Ends somebody's account for good, once its username was typed. */
export function DeletePerson({ person, onGone }: { person: PersonItem; onGone: () => void }) {
  const [asking, setAsking] = useState(false);
  const [typed, setTyped] = useState('');
  const { busy, outcome, run } = useAction();
  const confirm = async () => {
    if (await run(() => deletePerson(person.id, person.username).then(() => ''))) return onGone();
    setAsking(false);
  };
  return (
    <>
      <Button variant="danger" className="self-start" onClick={() => setAsking(true)}>
        {t.delete}
      </Button>
      <OutcomeLine outcome={outcome} />
      {asking ? (
        <ConfirmDialog
          danger
          title={t.deleteTitle(person.display_name)}
          text={t.deleteText}
          button={t.deleteAction}
          busy={busy}
          disabled={typed.trim().toLowerCase() !== person.username}
          onConfirm={() => void confirm()}
          onClose={() => setAsking(false)}
        >
          <Input
            label={t.deleteType(person.username)}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        </ConfirmDialog>
      ) : null}
    </>
  );
}
