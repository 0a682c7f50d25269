import { Download } from 'lucide-react';
import { LoadFailed } from '@/components/load-failed';
import { OutcomeLine } from '@/components/outcome-line';
import { Button, Skeleton, useSlow } from '@/components/ui';
import { useAction } from '@/components/use-action';
import type { DataExport as File } from '@/lib/api';
import {
  downloadDataExport,
  dropDataExport,
  isUnderWay,
  requestDataExport,
  useDataExport,
} from '@/lib/data-export';
import { useFormat } from '@/lib/format';
import { messages } from '@/lib/messages';
import { formatSize } from '@/lib/size';

const t = messages.dataExport;

/** Settings: all that is kept of one, as a file. */
export function DataExport() {
  const { data: file, isPending, isError, refetch } = useDataExport();
  const slow = useSlow(isPending);
  const { busy, outcome, run } = useAction();
  const doing = (work: () => Promise<void>, done = '') => {
    void run(async () => {
      await work();
      return done;
    });
  };

  return (
    <section aria-labelledby="export-title" className="flex max-w-prose flex-col items-start gap-3">
      <h2 id="export-title" className="font-semibold text-base">
        {t.title}
      </h2>
      <p className="text-md text-muted">{t.hint}</p>
      {isError ? <LoadFailed text={t.loadFailed} onRetry={refetch} /> : null}
      {slow ? <Skeleton className="h-10 w-full" /> : null}
      {file && isUnderWay(file) ? (
        <UnderWay file={file} onCancel={() => doing(() => dropDataExport(file.id))} />
      ) : null}
      {file?.state === 'ready' ? (
        <Ready
          file={file}
          busy={busy}
          onDownload={() => doing(() => downloadDataExport(file.id), t.downloaded)}
          onRemove={() => doing(() => dropDataExport(file.id))}
        />
      ) : null}
      {file?.state === 'failed' ? (
        <p role="alert" className="text-danger text-md">
          {t.failed[file.reason ?? ''] ?? t.failed.internal}
        </p>
      ) : null}
      {file !== undefined && !isUnderWay(file) ? (
        <Button
          variant="secondary"
          busy={busy && file?.state !== 'ready'}
          onClick={() => doing(requestDataExport)}
        >
          {file ? t.again : t.ask}
        </Button>
      ) : null}
      <OutcomeLine outcome={outcome} />
    </section>
  );
}

function UnderWay({ file, onCancel }: { file: File; onCancel: () => void }) {
  const { done, total } = file;
  const format = useFormat();
  return (
    <div className="flex w-full flex-col items-start gap-3">
      <p className="text-md tabular-nums">
        {total > 0 ? t.running(format.number(done), format.number(total)) : t.waiting}
      </p>
      <progress
        aria-label={t.progress}
        className="h-2 w-full appearance-none overflow-hidden rounded-full bg-line [&::-moz-progress-bar]:bg-accent [&::-webkit-progress-bar]:bg-line [&::-webkit-progress-value]:bg-accent"
        max={Math.max(total, 1)}
        // Without a value it says that nobody knows how long.
        value={total > 0 ? done : undefined}
      />
      <Button variant="secondary" onClick={onCancel}>
        {t.cancel}
      </Button>
    </div>
  );
}

type ReadyProps = { file: File; busy: boolean; onDownload: () => void; onRemove: () => void };

function Ready({ file, busy, onDownload, onRemove }: ReadyProps) {
  const format = useFormat();
  return (
    <div className="flex flex-col items-start gap-3">
      <p role="status" className="text-md">
        {t.ready(formatSize(file.size, format.lang), format.full(file.expires_at ?? ''))}
      </p>
      <div className="flex flex-wrap gap-2">
        <Button busy={busy} onClick={onDownload}>
          <Download aria-hidden="true" className="size-4" />
          {t.download}
        </Button>
        <Button variant="secondary" onClick={onRemove}>
          {t.remove}
        </Button>
      </div>
    </div>
  );
}
