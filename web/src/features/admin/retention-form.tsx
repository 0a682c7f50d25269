import { type FormEvent, useState } from 'react';
import { OutcomeLine } from '@/components/outcome-line';
import { Banner, Button, Input, Skeleton, useSlow } from '@/components/ui';
import { useAction } from '@/components/use-action';
import {
  MAX_RETENTION_DAYS,
  previewRetention,
  type Retention,
  saveRetention,
  useRetention,
} from '@/lib/admin';
import { useFormat } from '@/lib/format';
import { messages } from '@/lib/messages';
import { Choice } from './choice';
import { ConfirmDialog } from './confirm-dialog';
import { LoadFailed } from './load-failed';

const t = messages.admin;

type Mode = 'ever' | 'days';
const modes: readonly { value: Mode; label: string }[] = [
  { value: 'ever', label: t.keepForEver },
  { value: 'days', label: t.keepDays },
];

/** How long the texts of messages are kept. */
export function RetentionForm() {
  const { data, error, isPending, refetch } = useRetention();
  const slow = useSlow(isPending);
  const deed = useAction();
  if (error && !data) return <LoadFailed error={error} onRetry={() => void refetch()} />;
  if (!data) return slow ? <Skeleton className="h-40 w-full" /> : null;
  return (
    <section aria-labelledby="retention-title" className="flex flex-col gap-4">
      <div>
        <h2 id="retention-title" className="mb-1 font-semibold text-base">
          {t.keepTitle}
        </h2>
        <p className="text-md text-muted">{t.keepHint}</p>
      </div>
      {/* Anew for each change, also of somebody else: the fields show what holds. */}
      <Fields key={data.version} retention={data} deed={deed} />
      <OutcomeLine outcome={deed.outcome} />
    </section>
  );
}

/** Whether fewer texts stay than now: then people are asked. */
function erases(days: number, { days: wanted, previous_days, takes_effect_at }: Retention): boolean {
  const now = takes_effect_at ? previous_days : wanted;
  return days > 0 && (now === 0 || days < now);
}

type Asking = { days: number; text: string };

function Fields({ retention, deed }: { retention: Retention; deed: ReturnType<typeof useAction> }) {
  const [mode, setMode] = useState<Mode>(retention.days === 0 ? 'ever' : 'days');
  const [count, setCount] = useState(retention.days === 0 ? '' : String(retention.days));
  const [wrong, setWrong] = useState(false);
  const [asking, setAsking] = useState<Asking>();
  const { busy, run } = deed;
  const save = async (days: number) => {
    await run(() => saveRetention(days, retention).then(() => t.keepSaved));
    setAsking(undefined);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const days = mode === 'ever' ? 0 : Number(count);
    const bad = mode === 'days' && !(Number.isInteger(days) && days >= 1 && days <= MAX_RETENTION_DAYS);
    setWrong(bad);
    if (bad) return;
    if (!erases(days, retention)) return void save(days);
    void run(async () => {
      const preview = await previewRetention(days);
      const text = t.keepAsk(preview?.messages ?? 0, days, preview?.complete ?? false);
      setAsking({ days, text });
      return '';
    });
  };
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4">
      <Pending retention={retention} onUndo={() => void save(retention.previous_days)} />
      <div className="grid grid-cols-2 gap-3 phone:grid-cols-1">
        <Choice label={t.keep} value={mode} options={modes} onChange={setMode} />
        {mode === 'days' ? (
          <Input
            label={t.keepDaysCount}
            type="number"
            inputMode="numeric"
            min={1}
            max={MAX_RETENTION_DAYS}
            value={count}
            onChange={(event) => setCount(event.target.value)}
            error={wrong ? t.keepDaysWrong(MAX_RETENTION_DAYS) : undefined}
          />
        ) : null}
      </div>
      <Button type="submit" variant="secondary" busy={busy} className="self-start">
        {t.keepSave}
      </Button>
      {asking ? (
        <ConfirmDialog
          danger
          title={t.keepAskTitle}
          text={asking.text}
          button={t.keepAskAction}
          busy={busy}
          onConfirm={() => void save(asking.days)}
          onClose={() => setAsking(undefined)}
        />
      ) : null}
    </form>
  );
}

/** What was decided and does not hold yet. */
function Pending({ retention, onUndo }: { retention: Retention; onUndo: () => void }) {
  const { days, previous_days, takes_effect_at } = retention;
  const format = useFormat();
  if (!takes_effect_at) return null;
  return (
    <Banner
      tone="warn"
      className="rounded-lg"
      action={
        <Button variant="secondary" size="sm" onClick={onUndo}>
          {t.keepUndo}
        </Button>
      }
    >
      {t.keepPending(t.keepNow(days), format.full(takes_effect_at), t.keepNow(previous_days))}
    </Banner>
  );
}
