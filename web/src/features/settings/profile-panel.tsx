import { LoadFailed } from '@/components/load-failed';
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
  return <LoadFailed text={messages.profile.loadFailed} onRetry={refetch} />;
}
