import type { Outcome } from './use-action';

/** Says how it went; read out. */
export function OutcomeLine({ outcome }: { outcome: Outcome }) {
  return (
    <>
      <p role="status" className="text-md text-ok empty:hidden">
        {outcome.done}
      </p>
      <p role="alert" className="text-danger text-md empty:hidden">
        {outcome.failed}
      </p>
    </>
  );
}
