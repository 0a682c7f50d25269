import type { ReactNode } from 'react';
import { Logo } from '@/components/logo';

/** A whole page that says one thing and offers one way out. */
export function Notice({ title, text, children }: { title: string; text: string; children: ReactNode }) {
  return (
    <main className="flex h-full flex-col items-center justify-center bg-canvas px-8 text-center">
      <Logo className="size-14" />
      <h1 className="mt-5 font-semibold text-title">{title}</h1>
      <p className="mt-1 mb-6 max-w-sm text-md text-muted">{text}</p>
      {children}
    </main>
  );
}
