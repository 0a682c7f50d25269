import { Button } from '@/components/ui';
import { When } from '@/components/when';
import type { Found } from '@/lib/api';
import { messages } from '@/lib/messages';
import { nameOf } from './name';

const t = messages.moderation;

type Props = { found: Found[] | undefined; more: (() => void) | undefined; busy: boolean };

/** What a search found, newest first. */
export function FoundList({ found, more, busy }: Props) {
  return (
    <>
      <p role="status" className="text-md text-muted empty:hidden">
        {found ? t.found(found.length) : ''}
      </p>
      {found && found.length > 0 ? (
        <ul aria-label={t.results} className="flex flex-col gap-2">
          {found.map(({ id, from, to, body, created_at }) => (
            <li key={id} className="rounded-lg border border-line bg-surface px-4 py-3">
              <p className="text-muted text-sm">
                {t.fromTo(nameOf(from), nameOf(to))}, <When at={created_at} as="full" />
              </p>
              <p className="whitespace-pre-wrap break-words text-md">{body}</p>
            </li>
          ))}
        </ul>
      ) : null}
      {more ? (
        <Button variant="secondary" className="self-start" busy={busy} onClick={more}>
          {t.more}
        </Button>
      ) : null}
    </>
  );
}
