import { useEffect, useState } from 'react';
import { useLocation, useRoute } from 'wouter';
import { Logo } from '@/components/logo';
import { paths } from '@/components/paths';
import { useSlow } from '@/components/ui';
import {
  type AuthMode,
  AuthPage,
  bringsHalfSignIn,
  ConfirmPage,
  FinishSignInPage,
  ForgotPage,
  ProviderButtons,
  ProviderFailedPage,
  ResetPage,
} from '@/features/auth';
import { useSignUpMode } from '@/lib/announcement';
import { useFormat } from '@/lib/format';
import { messages } from '@/lib/messages';
import { type SessionState, useSession } from '@/lib/session';
import { isAdminTab } from './admin-pane';
import { EnrolPage } from './enrol-page';
import { NotFound } from './not-found';
import { isSettingsTab } from './settings-pane';
import { Shell } from './shell';

/** What is on screen: decided by the session first, then by the address. */
export function Routes() {
  const session = useSession();
  const [path] = useLocation();
  // Texts with numbers in them are drawn again with everything else.
  useFormat();
  // Links in mails work whoever is signed in.
  if (path === paths.reset) return <ResetPage />;
  if (path === paths.confirm) return <ConfirmPage />;
  if (session.status === 'loading') return <Splash />;
  if (path === paths.signInFailed) return <ProviderFailedPage signedIn={session.user !== undefined} />;
  if (session.status === 'anonymous') return <Anonymous />;
  return <Inside session={session} />;
}

/** Somebody is signed in; a provider may just have led another, or them again, to the second step. */
function Inside({ session }: { session: Extract<SessionState, { user: object }> }) {
  const [half, setHalf] = useState(bringsHalfSignIn);
  const { user, status } = session;
  if (half) return <FinishSignInPage username={user.username} onEnd={() => setHalf(false)} />;
  return status === 'enrolling' ? <EnrolPage /> : <SignedIn user={user} />;
}

/** Pages for those who are not signed in; for others they are the way in. */
const entrances: string[] = [paths.signIn, paths.signUp, paths.forgot, paths.join];

function SignedIn({ user }: { user: Parameters<typeof Shell>[0]['user'] }) {
  const [path, navigate] = useLocation();
  const [home] = useRoute(paths.home);
  const [open, params] = useRoute(paths.conversation);
  const [settings, at] = useRoute(paths.settings);
  const [admin, where] = useRoute(paths.admin);
  const entrance = entrances.includes(path);

  useEffect(() => {
    if (entrance) navigate(paths.home, { replace: true });
  }, [entrance, navigate]);

  if (entrance) return null;
  if (settings && isSettingsTab(at.tab)) return <Shell user={user} openId={undefined} settings={at} />;
  if (admin && isAdminTab(user.role, where.tab))
    return <Shell user={user} openId={undefined} admin={where} />;
  if (!home && !open) return <NotFound />;
  return <Shell user={user} openId={params?.id} />;
}

/** Sign-in stands at the address somebody wanted, so they are there afterwards. */
function Anonymous() {
  const [path, navigate] = useLocation();
  const [mode, setMode] = useState<AuthMode>(
    path === paths.signUp || path === paths.join ? 'sign-up' : 'sign-in',
  );
  useEffect(() => {
    document.title = messages.app.name;
  }, []);
  const admission = useSignUpMode();
  const change = (next: AuthMode) => {
    setMode(next);
    const own = path === paths.signIn || path === paths.signUp;
    if (own) navigate(next === 'sign-up' ? paths.signUp : paths.signIn, { replace: true });
  };
  return path === paths.forgot ? (
    <ForgotPage />
  ) : (
    <AuthPage mode={mode} onMode={change} admission={admission} more={<ProviderButtons />} />
  );
}

/** Only when the first answer takes longer than usual. */
function Splash() {
  const slow = useSlow(true);
  return (
    <main className="flex h-full items-center justify-center bg-canvas" aria-busy="true">
      {slow ? (
        <div role="status" className="animate-fade">
          <Logo className="size-16 animate-shimmer" />
          <span className="sr-only">{messages.layout.loading}</span>
        </div>
      ) : null}
    </main>
  );
}
