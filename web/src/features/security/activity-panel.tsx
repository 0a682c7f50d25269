import { Button, Skeleton, useSlow } from '@/components/ui';
import { useActivity } from '@/lib/activity';
import { messages } from '@/lib/messages';
import { formatFull, formatListTime } from '@/lib/time';

const t = messages.activity;

/** Settings: what happened to the account, and what its owner did. */
export function ActivityPanel() {
  const { data, isPending, isError, isRefetching, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } =
    useActivity();
  const slow = useSlow(isPending);

  if (isError && !data) {
    return (
      <div role="alert" className="flex flex-col items-start gap-4">
        <p className="text-md text-muted">{t.failed}</p>
        <Button variant="secondary" onClick={() => void refetch()}>
          {messages.conversation.retry}
        </Button>
      </div>
    );
  }
  if (!data) return slow ? <Skeleton className="h-40 w-full" /> : null;
  return (
    <section aria-labelledby="activity-title" className="flex flex-col items-start gap-4">
      <h2 id="activity-title" className="font-semibold text-base">
        {t.title}
      </h2>
      <p className="text-md text-muted">{t.hint}</p>
      <ul aria-label={t.list} className="flex w-full flex-col divide-y divide-line">
        {data.pages
          .flatMap((page) => page.items)
          .map(({ id, at, event, device, current }) => (
            <li key={id} className="flex flex-wrap items-baseline justify-between gap-x-4 py-3">
              <p className="font-medium">{t.events[event] ?? t.other}</p>
              <p className="text-muted text-sm">
                {device}
                {current ? ` (${t.here})` : ''}
                {' · '}
                <time dateTime={at} title={formatFull(at)}>
                  {formatListTime(at)}
                </time>
              </p>
            </li>
          ))}
      </ul>
      {data.pages.at(-1)?.incomplete ? (
        <div role="alert" className="flex flex-wrap items-center gap-4">
          <p className="text-md text-muted">{t.incomplete}</p>
          <Button variant="secondary" busy={isRefetching} onClick={() => void refetch()}>
            {messages.conversation.retry}
          </Button>
        </div>
      ) : null}
      {hasNextPage ? (
        <Button variant="secondary" busy={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {t.more}
        </Button>
      ) : null}
    </section>
  );
}
