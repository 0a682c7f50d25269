import { messages } from '@/lib/messages';
import { AuthFrame } from './auth-frame';
import { SecondStep } from './second-step';
import { useHalfSignIn } from './use-half-sign-in';

const t = messages.providers;

type Props = {
  /** Who is signed in meanwhile. */
  username: string;
  /** It was finished, or is not to be. */
  onEnd: () => void;
};

/** The second step of a sign-in with a provider, for a browser in which somebody is signed in. */
export function FinishSignInPage({ username, onEnd }: Props) {
  const [step] = useHalfSignIn();
  if (!step) return null;
  return (
    <AuthFrame title={messages.auth.signInTitle} lead={t.finish(username)}>
      <SecondStep {...step} onOver={onEnd} onDone={onEnd} />
    </AuthFrame>
  );
}
