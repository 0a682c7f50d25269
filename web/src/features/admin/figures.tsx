import { useFormat } from '@/lib/format';

/** Numbers with their names. */
export function Figures({
  label,
  figures,
}: {
  label: string;
  figures: readonly (readonly [string, number])[];
}) {
  const format = useFormat();
  return (
    <section aria-label={label}>
      <dl className="grid grid-cols-3 gap-3 phone:grid-cols-2">
        {figures.map(([name, value]) => (
          <div key={name} className="flex flex-col-reverse rounded-lg bg-raised px-4 py-3">
            <dt className="text-muted text-sm">{name}</dt>
            <dd className="font-semibold text-title">{format.number(value)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
