import { Avatar, type AvatarProps } from '@/components/ui';
import { usePicture } from '@/lib/pictures';

/** The picture of a person, wherever they are shown. */
export function PersonAvatar(props: Omit<AvatarProps, 'picture'>) {
  const picture = usePicture(props.id);
  const large = props.size === 'xl';
  // Twice the pixels of the place, for dense screens.
  return <Avatar {...props} picture={large ? picture?.medium : picture?.small} />;
}
