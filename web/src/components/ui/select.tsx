import { type ComponentProps, useId } from 'react';

export type SelectProps<T extends string> = Omit<ComponentProps<'select'>, 'id' | 'value' | 'onChange'> & {
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
};

/** A labelled choice of one, the browser's own. */
export function Select<T extends string>({
  label,
  value,
  options,
  onChange,
  className,
  ...rest
}: SelectProps<T>) {
  const id = useId();
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1.5 block font-medium text-ink text-sm">
        {label}
      </label>
      <select
        id={id}
        value={value}
        onChange={(event) => {
          const chosen = options.find((option) => option.value === event.target.value);
          if (chosen) onChange(chosen.value);
        }}
        className="h-11 w-full rounded-lg border border-edge bg-surface px-3 text-base text-ink touch:text-touch focus-visible:border-accent focus-visible:outline-1 focus-visible:outline-offset-0"
        {...rest}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}
