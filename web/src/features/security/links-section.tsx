import { useState } from 'react';
import { OutcomeLine } from '@/components/outcome-line';
import { Button } from '@/components/ui';
import { useAction } from '@/components/use-action';
import { messages } from '@/lib/messages';
import { unlinkProvider, useLinks, useProviders } from '@/lib/providers';
import { LinkDialog } from './link-dialog';

const t = messages.providers;

type Row = { id: string; name: string; text: string; linked: boolean };

/** Settings: the other providers that sign one in. Nothing where there are none. */
export function LinksSection() {
  const providers = useProviders().data ?? [];
  const { data: links = [], isError } = useLinks();
  const [linking, setLinking] = useState<Row>();
  const { outcome, run } = useAction();
  const rows: Row[] = [
    ...links.map(({ provider: id, name, label, usable }) => {
      return { id, name, text: usable ? t.linkedAs(label) : t.notUsable, linked: true };
    }),
    ...providers
      .filter(({ id }) => !links.some(({ provider }) => provider === id))
      .map(({ id, name }) => ({ id, name, text: t.notLinked, linked: false })),
  ];
  if (rows.length === 0) return null;
  const unlink = ({ id }: Row) =>
    run(async () => {
      await unlinkProvider(id);
      return t.unlinked;
    });

  return (
    <section aria-labelledby="links-title" className="flex max-w-sm flex-col gap-3">
      <h2 id="links-title" className="font-semibold text-base">
        {t.linksTitle}
      </h2>
      <p className="text-md text-muted">{t.linksHint}</p>
      {isError ? <p role="alert">{t.linksFailed}</p> : null}
      <ul className="flex flex-col divide-y divide-line">
        {isError
          ? null
          : rows.map((row) => <LinkRow key={row.id} row={row} onLink={setLinking} onUnlink={unlink} />)}
      </ul>
      <OutcomeLine outcome={outcome} />
      <LinkDialog provider={linking} onClose={() => setLinking(undefined)} />
    </section>
  );
}

type RowProps = { row: Row; onLink: (row: Row) => void; onUnlink: (row: Row) => Promise<boolean> };

function LinkRow({ row, onLink, onUnlink }: RowProps) {
  const { name, text, linked } = row;
  return (
    <li className="flex items-center gap-3 py-3">
      <div className="min-w-0 flex-1">
        <p className="truncate font-medium">{name}</p>
        <p className="truncate text-muted text-sm">{text}</p>
      </div>
      <Button
        variant="secondary"
        size="sm"
        aria-label={linked ? t.unlinkLabel(name) : t.linkLabel(name)}
        onClick={() => (linked ? void onUnlink(row) : onLink(row))}
      >
        {linked ? t.unlink : t.link}
      </Button>
    </li>
  );
}
