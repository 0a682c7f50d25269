import { useLocation } from 'wouter';
import { paths } from '@/components/paths';
import { Button } from '@/components/ui';
import { messages } from '@/lib/messages';
import { Notice } from './notice';

const t = messages.layout;

/** An address that leads nowhere. */
export function NotFound() {
  const [, navigate] = useLocation();
  return (
    <Notice title={t.notFoundTitle} text={t.notFoundText}>
      <Button onClick={() => navigate(paths.home, { replace: true })}>{t.notFoundAction}</Button>
    </Notice>
  );
}
