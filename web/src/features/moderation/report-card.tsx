import { useState } from 'react';
import { Button, Input } from '@/components/ui';
import { type Report, toProblem } from '@/lib/api';
import { useFormat } from '@/lib/format';
import { messages } from '@/lib/messages';
import { useCloseReport } from '@/lib/moderation';

const t = messages.moderation;

/** "Ada (@ada)". */
export function nameOf({ display_name, username }: Report['person']): string {
  return `${display_name} (@${username})`;
}

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
      {report.state === 'open' ? <Decide report={report} /> : <Decided report={report} />}
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

function Decide({ report }: { report: Report }) {
  const [note, setNote] = useState('');
  const close = useCloseReport();
  const decide = (decision: 'dismissed' | 'suspended') =>
    close.mutate({ id: report.id, decision, note: note.trim() });
  return (
    <div className="mt-1 flex flex-col gap-3">
      <Input
        label={t.note}
        hint={t.suspendHint}
        maxLength={1000}
        value={note}
        onChange={(event) => setNote(event.target.value)}
      />
      <p role="alert" className="text-danger text-md empty:hidden">
        {close.error ? toProblem(close.error).detail : ''}
      </p>
      <div className="flex flex-wrap gap-2">
        <Button variant="secondary" busy={close.isPending} onClick={() => decide('dismissed')}>
          {t.dismiss}
        </Button>
        <Button variant="danger" busy={close.isPending} onClick={() => decide('suspended')}>
          {t.suspended}
        </Button>
      </div>
    </div>
  );
}
