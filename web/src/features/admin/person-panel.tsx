import { ArrowLeft } from 'lucide-react';
import type { ReactNode } from 'react';
import { PersonAvatar } from '@/components/person-avatar';
import { Button, Skeleton, useSlow } from '@/components/ui';
import { type PersonDetail, usePerson } from '@/lib/admin';
import { useFormat } from '@/lib/format';
import { messages } from '@/lib/messages';
import { LoadFailed } from './load-failed';
import { PersonActions } from './person-actions';

const t = messages.admin;

type Props = { id: string; admin: boolean; onBack: () => void };

/** One account: what is known of it, what can be done, what happened. */
export function PersonPanel({ id, admin, onBack }: Props) {
  const { data, error, isPending, refetch } = usePerson(id);
  const slow = useSlow(isPending);
  return (
    <div className="flex flex-col gap-6">
      <Button variant="ghost" size="sm" className="-ml-3 self-start" onClick={onBack}>
        <ArrowLeft aria-hidden="true" className="size-4" />
        {t.personBack}
      </Button>
      {error && !data ? <LoadFailed error={error} onRetry={() => void refetch()} /> : null}
      {isPending && slow ? <Skeleton className="h-60 w-full" /> : null}
      {data ? (
        <>
          <Facts detail={data} admin={admin} />
          <PersonActions key={id} detail={data} admin={admin} onGone={onBack} />
          <Events events={data.events} />
        </>
      ) : null}
    </div>
  );
}

function Facts({ detail, admin }: { detail: PersonDetail; admin: boolean }) {
  const { person, suspension } = detail;
  const format = useFormat();
  return (
    <section aria-labelledby="person-name" className="flex flex-col gap-4">
      <div className="flex items-center gap-4">
        <PersonAvatar id={person.id} name={person.display_name} size="lg" />
        <div className="min-w-0">
          <h2 id="person-name" className="truncate font-semibold text-title">
            <bdi>{person.display_name}</bdi>
          </h2>
          <p className="truncate text-md text-muted">@{person.username}</p>
        </div>
      </div>
      {suspension ? (
        <div className="rounded-lg bg-danger-soft px-4 py-3 text-danger text-md">
          <p className="font-medium">{t.suspendedBy(suspension.by, format.full(suspension.at))}</p>
          <p className="mt-1 break-words">{suspension.reason}</p>
        </div>
      ) : null}
      <dl className="grid grid-cols-[12rem_1fr] gap-x-4 gap-y-2 text-md phone:grid-cols-1">
        <Fact name={t.role}>{t.roles[person.role]}</Fact>
        {admin ? <Fact name={t.email}>{emailOf(detail)}</Fact> : null}
        <Fact name={t.joined}>{format.full(person.created_at)}</Fact>
        <Fact name={t.lastSignIn}>{detail.last_sign_in ? format.full(detail.last_sign_in) : t.never}</Fact>
        <Fact name={t.devices}>{format.number(detail.sessions)}</Fact>
      </dl>
    </section>
  );
}

function emailOf({ person, email_confirmed }: PersonDetail): string {
  if (!person.email) return t.emailNone;
  return `${person.email} (${email_confirmed ? t.emailConfirmed : t.emailUnconfirmed})`;
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted phone:mt-2">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </>
  );
}

function Events({ events }: { events: PersonDetail['events'] }) {
  const format = useFormat();
  return (
    <section aria-labelledby="person-events" className="flex flex-col gap-2">
      <h3 id="person-events" className="font-semibold text-base">
        {t.events}
      </h3>
      {events.length === 0 ? <p className="text-md text-muted">{t.eventsNone}</p> : null}
      <ol className="flex flex-col divide-y divide-line empty:hidden">
        {events.map((event) => (
          <li key={`${event.at} ${event.event} ${event.detail}`} className="py-2 text-md">
            <span className="font-medium">{t.eventNames[event.event] ?? event.event}</span>
            {event.actor ? <span> {t.eventBy(event.actor)}</span> : null}
            {event.detail ? <span className="break-words">: {event.detail}</span> : null}
            <span className="block text-muted text-sm">
              {[format.full(event.at), event.device, event.ip].filter(Boolean).join(', ')}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
