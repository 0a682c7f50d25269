import { Skeleton, useSlow } from '@/components/ui';
import { useStatistics } from '@/lib/admin';
import { useFormat } from '@/lib/format';
import { messages } from '@/lib/messages';
import { DayChart } from './day-chart';
import { LoadFailed } from './load-failed';

const t = messages.admin;

/** Figures about accounts. */
export function OverviewPanel() {
  const { data, error, isPending, refetch } = useStatistics();
  const slow = useSlow(isPending);
  const format = useFormat();
  if (error && !data) return <LoadFailed error={error} onRetry={() => void refetch()} />;
  if (!data) return slow ? <Skeleton className="h-60 w-full" /> : null;
  const figures = [
    [t.accounts, data.accounts],
    [t.activeDay, data.active_day],
    [t.activeWeek, data.active_week],
    [t.activeMonth, data.active_month],
    [t.devices, data.sessions],
    [t.suspendedCount, data.suspended],
  ] as const;
  return (
    <div className="flex flex-col gap-8">
      <section aria-label={t.figures}>
        <dl className="grid grid-cols-3 gap-3 phone:grid-cols-2">
          {figures.map(([name, value]) => (
            <div key={name} className="flex flex-col-reverse rounded-lg bg-raised px-4 py-3">
              <dt className="text-muted text-sm">{name}</dt>
              <dd className="font-semibold text-title">{format.number(value)}</dd>
            </div>
          ))}
        </dl>
      </section>
      <DayChart title={t.signUps} days={data.days} value={(day) => day.sign_ups} />
      <DayChart title={t.signIns} days={data.days} value={(day) => day.sign_ins} />
    </div>
  );
}
