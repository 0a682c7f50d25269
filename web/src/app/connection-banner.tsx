import { CloudOff, RefreshCw } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button } from '@/components/ui';
import { useConnection } from '@/lib/connection';
import { messages } from '@/lib/messages';

const t = messages.connection;
/** Short gaps are nobody's business. */
const SHOW_AFTER_MS = 2_000;

/** Says that the connection is gone, 2 s after it went, until it is back. */
export function ConnectionBanner() {
  const { state, since, retryNow } = useConnection();
  const bad = state !== 'online';
  const [late, setLate] = useState(false);

  useEffect(() => {
    if (!bad) return;
    const timer = setTimeout(() => setLate(true), Math.max(0, since + SHOW_AFTER_MS - Date.now()));
    return () => {
      clearTimeout(timer);
      setLate(false);
    };
  }, [bad, since]);

  const shown = bad && late;
  return (
    <div role="status" className="shrink-0">
      {shown ? (
        <div className="flex min-h-9 animate-fade items-center justify-center gap-2.5 bg-warn-soft px-4 pt-[env(safe-area-inset-top)] text-sm text-warn">
          {state === 'offline' ? (
            <CloudOff aria-hidden="true" className="size-4 shrink-0" />
          ) : (
            <RefreshCw aria-hidden="true" className="size-4 shrink-0" />
          )}
          <span className="min-w-0">{text(state)}</span>
          {state === 'updating' ? null : (
            <Button
              variant="ghost"
              size="sm"
              onClick={retryNow}
              className="h-7 bg-transparent px-2 text-warn underline underline-offset-2 hover:bg-transparent"
            >
              {t.retry}
            </Button>
          )}
        </div>
      ) : null}
    </div>
  );
}

function text(state: 'connecting' | 'offline' | 'updating' | 'online') {
  if (state === 'updating') return t.updating;
  if (state === 'connecting') return t.connecting;
  return (
    <>
      <span className="phone:hidden">{t.offline}</span>
      <span className="wide:hidden">{t.offlineShort}</span>
    </>
  );
}
