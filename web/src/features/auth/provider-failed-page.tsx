import { useEffect } from 'react';
import { useLocation } from 'wouter';
import { paths } from '@/components/paths';
import { Button } from '@/components/ui';
import { messages } from '@/lib/messages';
import { useProviders } from '@/lib/providers';
import { AuthFrame } from './auth-frame';
import { FormError } from './form-error';

const t = messages.providers;

/** Where the server leads when a trip to a provider did not work; it says why. */
export function ProviderFailedPage({ signedIn }: { signedIn: boolean }) {
  const [, navigate] = useLocation();
  const { data: providers, isPending } = useProviders();
  // Read once: the address is not what the page follows.
  const query = new URLSearchParams(location.search);
  const name = providers?.find(({ id }) => id === query.get('provider'))?.name ?? t.fallbackName;
  useEffect(() => {
    document.title = messages.app.name;
  }, []);
  if (isPending) return null;
  return (
    <AuthFrame title={signedIn ? t.failedLinkTitle : t.failedTitle}>
      <div className="flex flex-col gap-4">
        <FormError text={t.reasons(name)[query.get('reason') ?? ''] ?? t.reasonElse(name)} />
        <Button size="lg" onClick={() => navigate(signedIn ? paths.home : paths.signIn)}>
          {signedIn ? t.goOn : messages.auth.signIn}
        </Button>
      </div>
    </AuthFrame>
  );
}
