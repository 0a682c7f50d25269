import { Button } from '@/components/ui';
import { messages } from '@/lib/messages';
import { useProfile } from '@/lib/queries';
import { PictureForm } from './picture-form';
import { ProfileForm } from './profile-form';

/** Settings: what others see of oneself. */
export function ProfilePanel() {
  const { data: me, error, refetch } = useProfile();
  if (me) {
    return (
      <div className="flex flex-col gap-8">
        <PictureForm me={me} />
        <ProfileForm me={me} />
      </div>
    );
  }
  if (!error) return null;
  return (
    <div role="alert" className="flex flex-col items-start gap-4">
      <p className="text-md text-muted">{messages.profile.loadFailed}</p>
      <Button variant="secondary" onClick={() => void refetch()}>
        {messages.conversation.retry}
      </Button>
    </div>
  );
}
