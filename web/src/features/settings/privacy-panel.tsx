import { LoadFailed } from '@/components/load-failed';
import { Switch } from '@/components/ui';
import { type Privacy, toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { usePrivacy, useSetPrivacy } from '@/lib/privacy';

const t = messages.privacy;

const switches: { part: keyof Privacy; label: string; hint: string }[] = [
  { part: 'listed', label: t.listed, hint: t.listedHint },
  { part: 'show_last_seen', label: t.lastSeen, hint: t.lastSeenHint },
  { part: 'show_read_receipts', label: t.receipts, hint: t.receiptsHint },
];

/** Settings: what one shows of oneself. Each switch takes effect at once. */
export function PrivacyPanel() {
  const { data, error, refetch } = usePrivacy();
  const save = useSetPrivacy();
  if (!data) {
    if (!error) return null;
    return <LoadFailed text={t.loadFailed} onRetry={refetch} />;
  }
  // While it is being saved a switch shows what was asked for.
  const shown = save.isPending && save.variables ? save.variables : data;
  return (
    <div className="flex flex-col gap-6">
      {switches.map(({ part, label, hint }) => (
        <Switch
          key={part}
          label={label}
          hint={hint}
          checked={shown[part]}
          onChange={(on) => (save.isPending ? undefined : save.mutate({ ...data, [part]: on }))}
        />
      ))}
      <p role="status" className="text-muted text-sm empty:hidden">
        {save.isSuccess ? t.saved : ''}
      </p>
      <p role="alert" className="text-danger text-md empty:hidden">
        {save.error ? toProblem(save.error).detail : ''}
      </p>
    </div>
  );
}
