import { Tabs } from 'radix-ui';
import type { ReactNode } from 'react';
import { messages } from '@/lib/messages';
import { AuthFrame } from './auth-frame';
import { SignInForm } from './sign-in-form';
import { SignUpForm } from './sign-up-form';
import { useLinkToken } from './use-link-token';

const t = messages.auth;

export type AuthMode = 'sign-in' | 'sign-up';
type Props = {
  mode: AuthMode;
  onMode: (mode: AuthMode) => void;
  /** Who may sign up. */
  admission?: 'open' | 'invite' | 'closed' | undefined;
  /** Further ways in, below the form. */
  more?: ReactNode;
};

const tab =
  'touch-target h-9 flex-1 rounded-md font-medium text-md text-muted transition-colors hover:text-ink ' +
  'data-[state=active]:bg-surface data-[state=active]:text-ink data-[state=active]:shadow-[0_1px_2px_rgb(0_0_0/0.12)]';

/** What somebody who is not signed in sees at any address: afterwards they are where they wanted to be. */
export function AuthPage({ mode, onMode, admission = 'open', more }: Props) {
  // Kept here: the form comes and goes with its tab.
  const invitation = useLinkToken();
  const signUp = mode === 'sign-up';
  const closed = admission === 'closed' || (admission === 'invite' && !invitation);
  const lead = signUp ? (invitation && !closed ? t.invited : t.signUpLead) : t.signInLead;
  return (
    <AuthFrame title={signUp ? t.signUpTitle : t.signInTitle} lead={closed && signUp ? undefined : lead}>
      {/* Manual: arrow keys move between the tabs without throwing the focus into a form. */}
      <Tabs.Root value={mode} onValueChange={(value) => onMode(value as AuthMode)} activationMode="manual">
        <Tabs.List aria-label={t.tabs} className="flex gap-1 rounded-lg bg-raised p-1">
          <Tabs.Trigger value="sign-in" className={tab}>
            {t.signIn}
          </Tabs.Trigger>
          <Tabs.Trigger value="sign-up" className={tab}>
            {t.signUp}
          </Tabs.Trigger>
        </Tabs.List>
        <Tabs.Content value="sign-in" tabIndex={-1} className="mt-6">
          <SignInForm />
        </Tabs.Content>
        <Tabs.Content value="sign-up" tabIndex={-1} className="mt-6">
          {closed ? (
            <p className="text-center text-md text-muted">
              {admission === 'closed' ? t.signUpClosed : t.signUpInvite}
            </p>
          ) : (
            <SignUpForm invitation={invitation} />
          )}
        </Tabs.Content>
      </Tabs.Root>
      {more}
    </AuthFrame>
  );
}
