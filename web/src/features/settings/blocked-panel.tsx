import { LoadFailed } from '@/components/load-failed';
import { MoreButton } from '@/components/more-button';
import { PersonAvatar } from '@/components/person-avatar';
import { Button } from '@/components/ui';
import { toProblem, type User } from '@/lib/api';
import { useBlocked, useSetBlock } from '@/lib/blocks';
import { messages } from '@/lib/messages';
import { handleOf } from '@/lib/text';

const t = messages.blocks;

/** Settings: whom one blocked, and the way to change one's mind. */
export function BlockedPanel() {
  const list = useBlocked();
  const { data, error, refetch } = list;
  if (error && !data) {
    return <LoadFailed text={t.loadFailed} onRetry={refetch} />;
  }
  if (!data) return null;
  const people = data.pages.flatMap((page) => page.items);
  return (
    <div className="flex flex-col items-start gap-4">
      <p className="text-md text-muted">{people.length === 0 ? t.none : t.hint}</p>
      {people.length > 0 ? (
        <ul aria-label={t.list} className="flex w-full flex-col">
          {people.map((person) => (
            <Blocked key={person.id} person={person} />
          ))}
        </ul>
      ) : null}
      <MoreButton text={t.more} list={list} />
    </div>
  );
}

function Blocked({ person }: { person: User }) {
  const setBlock = useSetBlock();
  return (
    <li className="flex items-center gap-3 border-line border-b py-3">
      <PersonAvatar id={person.id} name={person.display_name} size="md" />
      <span className="min-w-0 flex-1">
        <bdi className="block truncate font-medium text-base">{person.display_name}</bdi>
        <span className="block truncate text-muted text-sm">{handleOf(person.username)}</span>
        {setBlock.error ? (
          <span role="alert" className="block text-danger text-sm">
            {toProblem(setBlock.error).detail}
          </span>
        ) : null}
      </span>
      <Button
        variant="secondary"
        busy={setBlock.isPending}
        onClick={() => setBlock.mutate({ userId: person.id, blocked: false })}
      >
        {t.unblock}
        <span className="sr-only"> {person.display_name}</span>
      </Button>
    </li>
  );
}
