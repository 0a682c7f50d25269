import { type RefObject, useEffect } from 'react';

/** After a failed try the first wrong field gets the focus, so that its error is read out. */
export function useFocusFirstError(form: RefObject<HTMLFormElement | null>, errors: object): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new set of errors counts.
  useEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [errors, form]);
}
