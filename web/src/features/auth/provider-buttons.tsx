import { paths } from '@/components/paths';
import { Button } from '@/components/ui';
import { messages } from '@/lib/messages';
import { signInWith, useProviders } from '@/lib/providers';

const t = messages.providers;

/** One button for each other way to sign in; nothing where there are none. */
export function ProviderButtons() {
  const { data: providers } = useProviders();
  if (!providers?.length) return null;
  return (
    <div className="mt-4 flex flex-col gap-3">
      <p className="flex items-center gap-3 text-muted text-sm before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">
        {t.or}
      </p>
      {providers.map(({ id, name }) => (
        <Button
          key={id}
          variant="secondary"
          size="lg"
          className="w-full"
          onClick={() => signInWith(id, wanted())}
        >
          {t.with(name)}
        </Button>
      ))}
    </div>
  );
}

/** Where somebody wanted to be when they were asked to sign in. */
function wanted(): string {
  const { pathname, search, hash } = location;
  const entrance: readonly string[] = [paths.signIn, paths.signUp, paths.signInFailed];
  return entrance.includes(pathname) ? paths.home : pathname + search + hash;
}
