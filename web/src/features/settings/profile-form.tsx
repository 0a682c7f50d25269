import { type FormEvent, useState } from 'react';
import { Button, Input, Select } from '@/components/ui';
import { type Me, toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { useUpdateProfile } from '@/lib/queries';
import { languages, timeZones } from './places';

const t = messages.profile;
const LONGEST_NAME = 64;
const LONGEST_STATUS = 100;

type Values = Required<Pick<Me, 'display_name' | 'status_text' | 'language' | 'time_zone'>>;
type Errors = Partial<Record<keyof Values, string>>;

/** Counted like the server does: code points. */
const length = (text: string) => [...text].length;

function check({ display_name, status_text }: Values): Errors {
  if (display_name === '') return { display_name: messages.auth.required };
  if (length(display_name) > LONGEST_NAME) return { display_name: t.tooLong };
  if (length(status_text) > LONGEST_STATUS) return { status_text: t.statusTooLong };
  return {};
}

const valuesOf = ({ display_name, status_text, language, time_zone }: Me): Values => ({
  display_name,
  status_text,
  language,
  time_zone,
});

/** Name, status, language and time zone: saved together. */
export function ProfileForm({ me }: { me: Me }) {
  const [values, setValues] = useState(() => valuesOf(me));
  const [errors, setErrors] = useState<Errors>({});
  const update = useUpdateProfile();

  const set = (part: keyof Values) => (event: { target: { value: string } }) => {
    setValues((before) => ({ ...before, [part]: event.target.value }));
    setErrors({});
    update.reset();
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const wanted = {
      ...values,
      display_name: values.display_name.trim(),
      status_text: values.status_text.trim(),
    };
    const wrong = check(wanted);
    setErrors(wrong);
    if (Object.keys(wrong).length > 0) return;
    try {
      setValues(valuesOf(await update.mutateAsync(wanted)));
    } catch (failure) {
      const { errors: fields, detail } = toProblem(failure);
      const known = Object.fromEntries(
        fields.map(({ location, message }) => [location.replace('body.', ''), message]),
      );
      setErrors(fields.length > 0 ? known : { display_name: detail });
    }
  };

  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4">
      <Input
        label={t.name}
        name="name"
        autoComplete="name"
        value={values.display_name}
        onChange={set('display_name')}
        error={errors.display_name}
        hint={t.hint}
      />
      <p className="text-muted text-sm">{t.username(me.username)}</p>
      <Input
        label={t.status}
        name="status"
        autoComplete="off"
        value={values.status_text}
        onChange={set('status_text')}
        error={errors.status_text}
        hint={t.statusHint}
      />
      <Choice
        label={t.language}
        hint={t.languageHint}
        value={values.language}
        options={languages()}
        onChange={set('language')}
        error={errors.language}
      />
      <Choice
        label={t.timeZone}
        hint={t.timeZoneHint}
        value={values.time_zone}
        options={timeZones()}
        onChange={set('time_zone')}
        error={errors.time_zone}
      />
      <div className="flex items-center gap-3">
        <Button type="submit" busy={update.isPending}>
          {t.save}
        </Button>
        <span role="status" className="text-muted text-sm">
          {update.isSuccess ? t.saved : ''}
        </span>
      </div>
    </form>
  );
}

type ChoiceProps = {
  label: string;
  hint: string;
  value: string;
  options: [value: string, text: string][];
  onChange: (event: { target: { value: string } }) => void;
  error: string | undefined;
};

function Choice({ value, options, ...rest }: ChoiceProps) {
  // What another client said is kept, though it is not in the list.
  const known = value === '' || options.some(([option]) => option === value);
  return (
    <Select value={value} {...rest}>
      <option value="">{t.unsaid}</option>
      {known ? null : <option value={value}>{value}</option>}
      {options.map(([option, text]) => (
        <option key={option} value={option}>
          {text}
        </option>
      ))}
    </Select>
  );
}
