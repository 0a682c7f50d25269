import { type ComponentProps, type ReactNode, useId } from 'react';
import { cn } from './cn';

export type SelectProps = Omit<ComponentProps<'select'>, 'id'> & {
  label: string;
  /** A line under the field, read out with it. */
  hint?: ReactNode;
  /** What is wrong; replaces the hint and marks the field invalid. */
  error?: ReactNode;
};

/** A labelled choice of one out of many, as the system shows it. The options are the children. */
export function Select({ label, hint, error, className, ...rest }: SelectProps) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1.5 block font-medium text-ink text-sm">
        {label}
      </label>
      <select
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={note ? `${id}-note` : undefined}
        className={cn(
          'h-11 w-full rounded-lg border bg-surface px-3 text-base text-ink transition-colors touch:text-touch',
          'focus-visible:border-accent focus-visible:outline-1 focus-visible:outline-offset-0',
          error ? 'border-danger' : 'border-edge',
        )}
        {...rest}
      />
      {note ? (
        <p id={`${id}-note`} className={cn('mt-1.5 text-sm', error ? 'text-danger' : 'text-muted')}>
          {note}
        </p>
      ) : null}
    </div>
  );
}
