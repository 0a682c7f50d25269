import { messages } from '@/lib/messages';
import { DataExport } from './data-export';
import { DeleteAccount } from './delete-account';
import { EmailForm } from './email-form';
import { LinksSection } from './links-section';
import { PasswordForm } from './password-form';

const t = messages.security;

/** Settings: how one gets in. */
export function SecurityPanel() {
  return (
    <div className="flex flex-col gap-10">
      <section aria-labelledby="password-title">
        <h2 id="password-title" className="mb-3 font-semibold text-base">
          {t.passwordTitle}
        </h2>
        <PasswordForm />
      </section>
      <section aria-labelledby="email-title">
        <h2 id="email-title" className="mb-3 font-semibold text-base">
          {t.emailTitle}
        </h2>
        <EmailForm />
      </section>
      <LinksSection />
      <DataExport />
      <section aria-labelledby="delete-title">
        <h2 id="delete-title" className="mb-3 font-semibold text-base">
          {messages.farewell.title}
        </h2>
        <DeleteAccount />
      </section>
    </div>
  );
}
