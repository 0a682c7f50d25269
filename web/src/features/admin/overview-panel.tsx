import { Skeleton, useSlow } from '@/components/ui';
import { useMessageStatistics, useStatistics } from '@/lib/admin';
import { messages } from '@/lib/messages';
import { DayChart } from './day-chart';
import { Figures } from './figures';
import { LoadFailed } from './load-failed';

const t = messages.admin;

/** Figures about accounts and about messages, which come from two services. */
export function OverviewPanel() {
  return (
    <div className="flex flex-col gap-8">
      <Accounts />
      <Messages />
    </div>
  );
}

function Accounts() {
  const { data, error, isPending, refetch } = useStatistics();
  const slow = useSlow(isPending);
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
    <>
      <Figures label={t.figures} figures={figures} />
      <DayChart title={t.signUps} days={data.days} value={(day) => day.sign_ups} />
      <DayChart title={t.signIns} days={data.days} value={(day) => day.sign_ins} />
    </>
  );
}

function Messages() {
  const { data, error, isPending, refetch } = useMessageStatistics();
  const slow = useSlow(isPending);
  if (error && !data) return <LoadFailed error={error} onRetry={() => void refetch()} />;
  if (!data) return slow ? <Skeleton className="h-60 w-full" /> : null;
  const figures = [
    [data.complete ? t.messages : t.messagesCounting, data.messages],
    [t.conversations, data.conversations],
    [t.openReports, data.open_reports],
    [t.wroteDay, data.writers_day],
    [t.wroteWeek, data.writers_week],
    [t.wroteMonth, data.writers_month],
  ] as const;
  return (
    <>
      <Figures label={t.messageFigures} figures={figures} />
      <DayChart title={t.messagesPerDay} days={data.days} value={(day) => day.messages} />
    </>
  );
}
