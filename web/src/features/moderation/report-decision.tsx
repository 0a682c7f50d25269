import { useState } from 'react';
import { Button, Dialog, Input } from '@/components/ui';
import { type Report, toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { type Decision, HalfDone, useCloseReport } from '@/lib/moderation';

const t = messages.moderation;

type Grave = Exclude<Decision, 'dismissed'>;

/** What to do about an open report. What concerns others is asked about once more. */
export function ReportDecision({ report }: { report: Report }) {
  const [note, setNote] = useState('');
  const [asking, setAsking] = useState<Grave>();
  const close = useCloseReport();
  const decide = (decision: Decision) => {
    setAsking(undefined);
    close.mutate({ report, decision, note: note.trim() });
  };
  return (
    <div className="mt-1 flex flex-col gap-3">
      <Input label={t.note} maxLength={1000} value={note} onChange={(event) => setNote(event.target.value)} />
      <p role="alert" className="text-danger text-md empty:hidden">
        {failure(close.error)}
      </p>
      <div className="flex flex-wrap gap-2">
        <Button variant="secondary" busy={close.isPending} onClick={() => decide('dismissed')}>
          {t.dismiss}
        </Button>
        {report.message_id ? (
          <Button variant="danger" busy={close.isPending} onClick={() => setAsking('removed')}>
            {t.remove}
          </Button>
        ) : null}
        <Button variant="danger" busy={close.isPending} onClick={() => setAsking('suspended')}>
          {t.suspend}
        </Button>
      </div>
      {asking ? (
        <Ask
          grave={asking}
          name={report.person.display_name}
          onYes={() => decide(asking)}
          onNo={() => setAsking(undefined)}
        />
      ) : null}
    </div>
  );
}

function failure(error: Error | null): string {
  if (!error) return '';
  return error instanceof HalfDone ? t.halfSuspended(error.message) : toProblem(error).detail;
}

type AskProps = { grave: Grave; name: string; onYes: () => void; onNo: () => void };

function Ask({ grave, name, onYes, onNo }: AskProps) {
  const removes = grave === 'removed';
  return (
    <Dialog
      open
      onOpenChange={onNo}
      title={removes ? t.removeTitle : t.suspendTitle(name)}
      closeLabel={t.close}
    >
      <div className="flex flex-col gap-4 px-5 pb-5">
        <p className="text-md text-muted">{removes ? t.removeText : t.suspendText}</p>
        <div className="mt-2 flex justify-end gap-2">
          <Button variant="secondary" onClick={onNo}>
            {t.cancel}
          </Button>
          <Button variant="danger" onClick={onYes}>
            {removes ? t.remove : t.suspend}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
