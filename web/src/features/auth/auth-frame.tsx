import type { ReactNode } from 'react';
import { Logo } from '@/components/logo';

/** The card that everything about getting in stands on. */
export function AuthFrame({ title, lead, children }: { title: string; lead?: string; children: ReactNode }) {
  return (
    <main className="flex h-full justify-center overflow-y-auto bg-canvas px-4 py-8 phone:bg-surface phone:px-6">
      <div className="m-auto w-full max-w-[25rem] animate-fade rounded-bubble border border-line bg-surface p-8 phone:mt-2 phone:border-0 phone:p-0">
        <Logo className="mx-auto size-14" />
        <h1 className="mt-5 mb-1 text-center font-semibold text-title">{title}</h1>
        {lead ? <p className="text-center text-md text-muted">{lead}</p> : null}
        <div className="mt-6">{children}</div>
      </div>
    </main>
  );
}
