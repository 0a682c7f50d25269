import { type UIEvent, useEffect } from 'react';
import { cn, Skeleton, useSlow } from '@/components/ui';
import type { User } from '@/lib/api';
import { messages } from '@/lib/messages';
import { ChoiceRow } from './choice-row';
import { type Choice, type Group, isShort } from './match';

const t = messages.people;
const NEAR_END_PX = 300;

type Status = { query: string; searching: boolean; failed: boolean };

type Props = {
  id: string;
  groups: Group[];
  me: User;
  activeKey: string | undefined;
  onActive: (key: string) => void;
  onPick: (choice: Choice) => void;
  onNearEnd: () => void;
  status: Status;
};

/** The results in groups, and what to say when there are none. */
export function ChoiceList({ id, groups, me, activeKey, onActive, onPick, onNearEnd, status }: Props) {
  const slow = useSlow(status.searching);
  const count = groups.reduce((sum, group) => sum + group.choices.length, 0);

  useEffect(() => {
    if (activeKey) document.getElementById(`${id}-${activeKey}`)?.scrollIntoView({ block: 'nearest' });
  }, [activeKey, id]);

  const onScroll = ({ currentTarget: box }: UIEvent<HTMLElement>) => {
    if (box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX) onNearEnd();
  };

  return (
    <>
      <div
        role="listbox"
        id={id}
        aria-label={t.results}
        onScroll={onScroll}
        className={cn('min-h-0 overflow-y-auto overscroll-contain', count > 0 && 'py-2')}
      >
        {groups.map((group) => (
          // biome-ignore lint/a11y/useSemanticElements: groups of a listbox have no element of their own.
          <div key={group.label} role="group" aria-label={group.label}>
            <div aria-hidden="true" className="px-5 pt-2 pb-1 font-medium text-muted text-xs">
              {group.label}
            </div>
            {group.choices.map((choice) => (
              <ChoiceRow
                key={choice.key}
                choice={choice}
                me={me}
                id={`${id}-${choice.key}`}
                active={choice.key === activeKey}
                onPick={() => onPick(choice)}
                onHover={() => onActive(choice.key)}
              />
            ))}
          </div>
        ))}
      </div>
      <div className="shrink-0">{slow ? <Searching /> : <Outcome count={count} {...status} />}</div>
      <div className="flex-1" />
    </>
  );
}

function Searching() {
  return (
    <div>
      <span role="status" className="sr-only">
        {t.searching}
      </span>
      {['w-32', 'w-40', 'w-28'].map((width) => (
        <div key={width} className="mx-2 flex h-14 items-center gap-3 px-2.5">
          <Skeleton className="size-10 shrink-0 rounded-full" />
          <Skeleton className={`h-3 ${width}`} />
        </div>
      ))}
    </div>
  );
}

function Outcome({ count, query, searching, failed }: Status & { count: number }) {
  if (failed) {
    return (
      <p role="alert" className="px-5 py-4 text-center text-danger text-md">
        {t.failed}
      </p>
    );
  }
  if (searching) return null;
  if (count > 0) {
    return (
      <p role="status" className="sr-only">
        {t.count(count)}
      </p>
    );
  }
  return (
    <div role="status" className="px-8 py-10 text-center text-md">
      <p className="font-medium">{query.trim() ? t.none(query.trim()) : t.start}</p>
      {query.trim() ? <p className="mt-1 text-muted">{isShort(query) ? t.short : t.noneHint}</p> : null}
    </div>
  );
}
