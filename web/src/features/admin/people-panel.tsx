import { useState } from 'react';
import { MoreButton } from '@/components/more-button';
import { PersonAvatar } from '@/components/person-avatar';
import { Input, Skeleton, useSlow } from '@/components/ui';
import { type PeopleFilter, type PersonItem, type Role, usePeople } from '@/lib/admin';
import { messages } from '@/lib/messages';
import { Choice } from './choice';
import { LoadFailed } from './load-failed';
import { useSettled } from './use-settled';

const t = messages.admin;

const states = [
  { value: '', label: t.stateAll },
  { value: 'active', label: t.stateActive },
  { value: 'suspended', label: t.stateSuspended },
] as const;

const roles = [
  { value: '', label: t.stateAll },
  { value: 'user', label: t.roles.user },
  { value: 'moderator', label: t.roles.moderator },
  { value: 'admin', label: t.roles.admin },
] as const;

type Props = { admin: boolean; onOpen: (id: string) => void };

/** Everybody who has an account, and a search among them. */
export function PeoplePanel({ admin, onOpen }: Props) {
  const [query, setQuery] = useState('');
  const [state, setState] = useState<PeopleFilter['state']>('');
  const [role, setRole] = useState<'' | Role>('');
  return (
    <div className="flex flex-col gap-5">
      <div className="grid grid-cols-[1fr_9rem_10rem] gap-3 phone:grid-cols-2">
        <Input
          label={t.search}
          type="search"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          hint={admin ? t.searchHint : t.searchHintModerator}
          className="phone:col-span-2"
        />
        <Choice label={t.state} value={state} options={states} onChange={setState} />
        <Choice label={t.role} value={role} options={roles} onChange={setRole} />
      </div>
      <People filter={{ query: useSettled(query.trim()), state, role }} onOpen={onOpen} />
    </div>
  );
}

function People({ filter, onOpen }: { filter: PeopleFilter; onOpen: Props['onOpen'] }) {
  const list = usePeople(filter);
  const { data, error, isPending, refetch } = list;
  const slow = useSlow(isPending);
  if (error && !data) return <LoadFailed error={error} onRetry={() => void refetch()} />;
  if (!data) return slow ? <Skeleton className="h-60 w-full" /> : null;
  const people = data.pages.flatMap((page) => page.items);
  return (
    <>
      <p role="status" className="text-md text-muted empty:hidden">
        {people.length === 0 ? t.nobody : null}
      </p>
      <ul aria-label={t.peopleList} className="flex flex-col divide-y divide-line empty:hidden">
        {people.map((person) => (
          <li key={person.id}>
            <Row person={person} onOpen={onOpen} />
          </li>
        ))}
      </ul>
      <MoreButton text={t.more} list={list} />
    </>
  );
}

function Row({ person, onOpen }: { person: PersonItem; onOpen: Props['onOpen'] }) {
  return (
    <button
      type="button"
      onClick={() => onOpen(person.id)}
      className="flex w-full items-center gap-3 rounded-md px-2 py-3 text-left transition-colors hover:bg-hover"
    >
      <PersonAvatar id={person.id} name={person.display_name} size="md" />
      <span className="min-w-0 flex-1">
        <bdi className="block truncate font-medium text-base">{person.display_name}</bdi>
        <span className="block truncate text-muted text-sm">
          @{person.username}
          {person.email ? `, ${person.email}` : null}
        </span>
      </span>
      {person.suspended ? <Tag danger>{t.suspended}</Tag> : null}
      {person.role === 'user' ? null : <Tag>{t.roles[person.role]}</Tag>}
    </button>
  );
}

function Tag({ danger, children }: { danger?: boolean; children: string }) {
  const tone = danger ? 'bg-danger-soft text-danger' : 'bg-raised text-ink';
  return <span className={`shrink-0 rounded-md px-2 py-0.5 font-medium text-xs ${tone}`}>{children}</span>;
}
