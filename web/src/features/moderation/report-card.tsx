import type { Report } from '@/lib/api';
import { useFormat } from '@/lib/format';
import { messages } from '@/lib/messages';
import { nameOf } from './name';
import { ReportDecision } from './report-decision';

const t = messages.moderation;

/** One report: what, about whom, by whom, and what to do about it. */
export function ReportCard({ report }: { report: Report }) {
  const { person, reporter, body, sent_at, reason, note, created_at } = report;
  const format = useFormat();
  return (
    <li className="flex flex-col gap-2 rounded-lg border border-line bg-surface p-4">
      <h2 className="font-semibold text-base">
        {t.about(nameOf(person))}
        <span className="ml-2 rounded-full bg-raised px-2 py-0.5 font-medium text-muted text-xs">
          {messages.reports.reasons[reason]}
        </span>
      </h2>
      <p className="text-muted text-sm">{t.by(nameOf(reporter), format.full(created_at))}</p>
      {note ? <p className="whitespace-pre-wrap break-words text-md">{note}</p> : null}
      {body && sent_at ? (
        <figure className="rounded-md bg-raised px-3 py-2">
          <figcaption className="text-muted text-xs">{t.messageOf(format.full(sent_at))}</figcaption>
          <blockquote className="whitespace-pre-wrap break-words text-md">{body}</blockquote>
        </figure>
      ) : null}
      {report.state === 'open' ? <ReportDecision report={report} /> : <Decided report={report} />}
    </li>
  );
}

function Decided({ report: { decision, decided_by, decided_at, decision_note } }: { report: Report }) {
  const format = useFormat();
  if (!decision || !decided_by || !decided_at) return null;
  return (
    <p className="text-md">
      {t.decided(t.decisions[decision], nameOf(decided_by), format.full(decided_at))}
      {decision_note ? <span className="block text-muted">{decision_note}</span> : null}
    </p>
  );
}
