import { type FormEvent, useId, useState } from 'react';
import { Banner, Button, Dialog } from '@/components/ui';
import { toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { type Reason, type Target, useReport } from '@/lib/moderation';

const t = messages.reports;
const reasons = Object.entries(t.reasons) as [Reason, string][];

type Props = {
  target: Target;
  title: string;
  /** What the moderators will see. */
  text: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
};

/** Asks what is wrong with a person or a message and tells the moderators. */
export function ReportDialog({ target, title, text, open, onOpenChange }: Props) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={title} closeLabel={t.close}>
      <Form target={target} text={text} onClose={() => onOpenChange(false)} />
    </Dialog>
  );
}

function Form({ target, text, onClose }: { target: Target; text: string; onClose: () => void }) {
  const [reason, setReason] = useState<Reason>('spam');
  const [note, setNote] = useState('');
  const report = useReport();
  const noteId = useId();

  if (report.isSuccess) {
    return (
      <div className="px-5 pb-5">
        <p role="status" className="text-md">
          {t.done}
        </p>
        <div className="mt-6 flex justify-end">
          <Button autoFocus onClick={onClose}>
            {t.close}
          </Button>
        </div>
      </div>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    report.mutate({ ...target, reason, note: note.trim() });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4 px-5 pb-5">
      <p className="text-md text-muted">{text}</p>
      <fieldset>
        <legend className="mb-1 font-medium text-sm">{t.reason}</legend>
        {reasons.map(([value, label]) => (
          <label key={value} className="flex h-9 touch:h-11 cursor-pointer items-center gap-3 text-md">
            <input
              type="radio"
              name="reason"
              checked={reason === value}
              onChange={() => setReason(value)}
              className="size-4 accent-accent"
            />
            {label}
          </label>
        ))}
      </fieldset>
      <div>
        <label htmlFor={noteId} className="mb-1.5 block font-medium text-sm">
          {t.note}
        </label>
        <textarea
          id={noteId}
          rows={3}
          maxLength={1000}
          value={note}
          onChange={(event) => setNote(event.target.value)}
          className="w-full rounded-lg border border-edge bg-surface px-3 py-2 text-base touch:text-touch"
        />
      </div>
      {report.error ? (
        <Banner tone="danger" role="alert" className="rounded-lg">
          {toProblem(report.error).detail}
        </Banner>
      ) : null}
      <div className="flex justify-end gap-2">
        <Button variant="secondary" onClick={onClose}>
          {t.cancel}
        </Button>
        <Button type="submit" busy={report.isPending}>
          {t.send}
        </Button>
      </div>
    </form>
  );
}
