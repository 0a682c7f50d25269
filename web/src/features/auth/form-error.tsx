import { CircleAlert, MailCheck } from 'lucide-react';

/** What went wrong with the whole form; read out at once. */
export function FormError({ text }: { text?: string }) {
  return (
    <div role="alert" className="empty:hidden">
      {text ? (
        <p className="flex animate-fade items-start gap-2 rounded-lg bg-danger-soft px-3 py-2.5 text-danger text-md">
          <CircleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
          {text}
        </p>
      ) : null}
    </div>
  );
}

/** What happens next; read out politely. */
export function FormNotice({ text }: { text?: string }) {
  return (
    <div role="status" className="empty:hidden">
      {text ? (
        <p className="flex animate-fade items-start gap-2 rounded-lg bg-raised px-3 py-2.5 text-ink text-md">
          <MailCheck aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
          {text}
        </p>
      ) : null}
    </div>
  );
}
