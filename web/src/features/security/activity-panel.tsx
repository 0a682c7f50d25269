import { LoadFailed } from '@/components/load-failed';
import { MoreButton } from '@/components/more-button';
import { Button, Skeleton, useSlow } from '@/components/ui';
import { When } from '@/components/when';
import { useActivity } from '@/lib/activity';
import { messages } from '@/lib/messages';

const t = messages.activity;

/** Settings: what happened to the account, and what its owner did. */
export function ActivityPanel() {
  const list = useActivity();
  const { data, isPending, isError, isRefetching, refetch } = list;
  const slow = useSlow(isPending);

  if (isError && !data) {
    return <LoadFailed text={t.failed} onRetry={refetch} />;
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
                <When at={at} as="list" />
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
      <MoreButton text={t.more} list={list} />
    </section>
  );
}
