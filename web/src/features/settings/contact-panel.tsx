import { type FormEvent, useState } from 'react';
import { LoadFailed } from '@/components/load-failed';
import { Button } from '@/components/ui';
import { type ContactPolicy, toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { useContactPolicy, useSetContactPolicy } from '@/lib/requests';

const t = messages.requests;

/** Settings: who may write to this person first. */
export function ContactPanel() {
  const { data, error, refetch } = useContactPolicy();
  if (data) return <Form policy={data} />;
  if (!error) return null;
  return <LoadFailed text={t.loadFailed} onRetry={refetch} />;
}

function Form({ policy }: { policy: ContactPolicy }) {
  const [value, setValue] = useState(policy);
  const save = useSetContactPolicy();
  const change = (part: Partial<ContactPolicy>) => {
    setValue({ ...value, ...part });
    save.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(value);
  };
  const choice = (who: ContactPolicy['who_may_write'], label: string, hint?: string) => (
    <Choice
      type="radio"
      label={label}
      hint={hint}
      checked={value.who_may_write === who}
      onChange={() => change({ who_may_write: who })}
    />
  );
  return (
    <form onSubmit={submit} className="flex flex-col gap-5">
      <fieldset className="flex flex-col gap-1">
        <legend className="mb-2 font-semibold text-base">{t.legend}</legend>
        {choice('everyone', t.everyone)}
        <div className="pl-8">
          <Choice
            type="checkbox"
            label={t.askFirst}
            hint={t.askFirstHint}
            checked={value.ask_first}
            disabled={value.who_may_write !== 'everyone'}
            onChange={(ask_first) => change({ ask_first })}
          />
        </div>
        {choice('contacts', t.contacts, t.contactsHint)}
        {choice('nobody', t.nobody, t.nobodyHint)}
      </fieldset>
      <p className="text-muted text-sm">{t.existing}</p>
      <div className="flex flex-wrap items-center gap-3">
        <Button type="submit" busy={save.isPending}>
          {t.save}
        </Button>
        <span role="status" className="text-muted text-sm">
          {save.isSuccess ? t.saved : ''}
        </span>
        <span role="alert" className="text-danger text-sm">
          {save.error ? toProblem(save.error).detail : ''}
        </span>
      </div>
    </form>
  );
}

type ChoiceProps = {
  type: 'radio' | 'checkbox';
  label: string;
  hint: string | undefined;
  checked: boolean;
  disabled?: boolean;
  onChange: (checked: boolean) => void;
};

function Choice({ type, label, hint, checked, disabled, onChange }: ChoiceProps) {
  return (
    <label className="flex min-h-11 cursor-pointer items-start gap-3 py-2 text-base has-disabled:cursor-default has-disabled:text-muted">
      <input
        type={type}
        name={type === 'radio' ? 'who-may-write' : undefined}
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.target.checked)}
        className="mt-1 size-4 shrink-0 accent-accent"
      />
      <span>
        {label}
        {hint ? <span className="block text-muted text-sm">{hint}</span> : null}
      </span>
    </label>
  );
}
