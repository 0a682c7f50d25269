import { type FormEvent, useState } from 'react';
import { Button, Input } from '@/components/ui';
import { useFormat } from '@/lib/format';
import { messages } from '@/lib/messages';
import { FoundList } from './found-list';
import { useSearch } from './use-search';

const t = messages.moderation;

const empty = { from: '', to: '', text: '', since: '', until: '', reason: '' };

/** Looking into other people's messages, which is recorded; for administrators. */
export function MessageSearchPage() {
  const [form, setForm] = useState(empty);
  const { fromField } = useFormat();
  const { busy, failed, setFailed, found, find, more } = useSearch();

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const { from, to, text, since, until, reason } = form;
    if (!from.trim() && !to.trim()) return setFailed(t.person);
    if (reason.trim().length < 10) return setFailed(`${t.reason}: ${t.reasonHint}`);
    void find({
      from: from.trim() || undefined,
      to: to.trim() || undefined,
      text: text.trim() || undefined,
      since: since ? fromField(since) : undefined,
      until: until ? fromField(until) : undefined,
      reason: reason.trim(),
    });
  };
  const field = (name: keyof typeof empty) => ({
    name,
    value: form[name],
    autoComplete: 'off',
    onChange: (event: { target: { value: string } }) => setForm({ ...form, [name]: event.target.value }),
  });
  return (
    <section aria-labelledby="search-title" className="flex flex-col gap-5 p-5">
      <div>
        <h2 id="search-title" className="font-semibold text-title">
          {t.search}
        </h2>
        <p className="mt-1 text-md text-muted">{t.searchHint}</p>
      </div>
      <form onSubmit={submit} noValidate className="grid max-w-2xl grid-cols-2 gap-4 phone:grid-cols-1">
        <Input label={t.from} autoCapitalize="none" spellCheck={false} {...field('from')} />
        <Input label={t.to} autoCapitalize="none" spellCheck={false} {...field('to')} />
        <Input label={t.since} type="datetime-local" {...field('since')} />
        <Input label={t.until} type="datetime-local" {...field('until')} />
        <Input label={t.text} maxLength={200} className="col-span-full" {...field('text')} />
        <Input
          label={t.reason}
          hint={t.reasonHint}
          maxLength={500}
          className="col-span-full"
          {...field('reason')}
        />
        <p role="alert" className="col-span-full text-danger text-md empty:hidden">
          {failed}
        </p>
        <Button type="submit" busy={busy} className="justify-self-start">
          {t.find}
        </Button>
      </form>
      <FoundList found={found} more={more} busy={busy} />
    </section>
  );
}
