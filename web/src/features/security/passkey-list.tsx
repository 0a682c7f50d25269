import { KeyRound } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { OutcomeLine } from '@/components/outcome-line';
import { Button, Dialog, Input } from '@/components/ui';
import { useAction } from '@/components/use-action';
import { useFormat } from '@/lib/format';
import { messages } from '@/lib/messages';
import { renamePasskey } from '@/lib/second-step';

const t = messages.twoStep;

type Passkey = { id: string; name: string; created_at: string; last_used_at?: string | undefined };
type Props = { passkeys: readonly Passkey[]; onRemove: (passkey: Passkey) => void };

/** The passkeys of the account. */
export function PasskeyList({ passkeys, onRemove }: Props) {
  const [renaming, setRenaming] = useState<Passkey>();
  const format = useFormat();
  if (passkeys.length === 0) return <p className="text-md text-muted">{t.passkeysNone}</p>;
  return (
    <>
      <ul className="flex flex-col divide-y divide-line">
        {passkeys.map((passkey) => (
          <li key={passkey.id} className="flex flex-wrap items-center gap-3 py-3">
            <KeyRound aria-hidden="true" className="size-5 shrink-0 text-muted" />
            <div className="min-w-0 flex-1 phone:basis-[70%]">
              <p className="truncate font-medium">{passkey.name}</p>
              <p className="text-muted text-sm">
                {passkey.last_used_at
                  ? t.passkeyUsed(format.list(passkey.last_used_at), format.list(passkey.created_at))
                  : t.passkeyUnused(format.list(passkey.created_at))}
              </p>
            </div>
            <Button
              variant="secondary"
              size="sm"
              aria-label={t.passkeyRenameLabel(passkey.name)}
              onClick={() => setRenaming(passkey)}
            >
              {t.passkeyRename}
            </Button>
            <Button
              variant="secondary"
              size="sm"
              aria-label={t.passkeyRemoveLabel(passkey.name)}
              onClick={() => onRemove(passkey)}
            >
              {t.passkeyRemove}
            </Button>
          </li>
        ))}
      </ul>
      {renaming ? <RenameDialog passkey={renaming} onClose={() => setRenaming(undefined)} /> : null}
    </>
  );
}

function RenameDialog({ passkey, onClose }: { passkey: Passkey; onClose: () => void }) {
  const [name, setName] = useState(passkey.name);
  const { busy, outcome, run } = useAction(['body.name', 'body.display_name']);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const renamed = await run(async () => {
      await renamePasskey(passkey.id, name.trim());
      return '';
    });
    if (renamed) onClose();
  };
  const { fields } = outcome;
  return (
    <Dialog open onOpenChange={(open) => open || onClose()} title={t.passkeyRename} closeLabel={t.close}>
      <form onSubmit={submit} noValidate className="flex flex-col gap-4 px-5 pb-5">
        <Input
          label={t.passkeyName}
          name="passkey-name"
          autoFocus
          maxLength={64}
          value={name}
          onChange={(event) => setName(event.target.value)}
          error={fields?.['body.name'] ?? fields?.['body.display_name']}
        />
        <OutcomeLine outcome={outcome} />
        <Button type="submit" busy={busy}>
          {t.save}
        </Button>
      </form>
    </Dialog>
  );
}
