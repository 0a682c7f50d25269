import { useAccount } from '@/lib/account';
import { messages } from '@/lib/messages';
import { linkProvider } from '@/lib/providers';
import { ConfirmDialog } from './confirm-dialog';

const t = messages.providers;

type Props = { provider: { id: string; name: string } | undefined; onClose: () => void };

/** Asks once more who is signed in, and leaves for the provider. */
export function LinkDialog({ provider, onClose }: Props) {
  const methods = useAccount().data?.second_factor ?? [];
  if (!provider) return null;
  const { id, name } = provider;
  return (
    <ConfirmDialog
      title={t.linkLabel(name)}
      lead={t.linkLead(name)}
      action={t.goTo(name)}
      methods={methods}
      onClose={onClose}
      onConfirm={(confirmation) => linkProvider(id, confirmation, location.pathname)}
    />
  );
}
