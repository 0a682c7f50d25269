import { useState } from 'react';
import { LoadFailed } from '@/components/load-failed';
import { MoreButton } from '@/components/more-button';
import { Button } from '@/components/ui';
import { messages } from '@/lib/messages';
import { useReports } from '@/lib/moderation';
import { ReportCard } from './report-card';

const t = messages.moderation;

/** The reports, open ones first; for moderators and administrators. */
export function ReportsPage() {
  const [state, setState] = useState<'open' | 'closed'>('open');
  const list = useReports(state);
  const { data, error, refetch } = list;
  const reports = data?.pages.flatMap((page) => page.items);
  return (
    <section aria-labelledby="reports-title" className="flex flex-col gap-4 p-5">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h2 id="reports-title" className="font-semibold text-title">
          {t.reports}
        </h2>
        <fieldset className="flex gap-2">
          <legend className="sr-only">{t.state}</legend>
          {(['open', 'closed'] as const).map((one) => (
            <Button
              key={one}
              size="sm"
              variant={one === state ? 'primary' : 'secondary'}
              aria-pressed={one === state}
              onClick={() => setState(one)}
            >
              {t[one]}
            </Button>
          ))}
        </fieldset>
      </div>
      {error && !data ? <LoadFailed text={t.loadFailed} onRetry={refetch} /> : null}
      <p role="status" className="text-md text-muted empty:hidden">
        {reports?.length === 0 ? t.none : ''}
      </p>
      {reports && reports.length > 0 ? (
        <ul aria-label={t.reports} className="flex flex-col gap-3">
          {reports.map((report) => (
            <ReportCard key={report.id} report={report} />
          ))}
        </ul>
      ) : null}
      <MoreButton text={t.more} list={list} />
    </section>
  );
}
