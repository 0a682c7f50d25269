import { Bookmark } from 'lucide-react';
import { useState } from 'react';
import { avatarColour, initials } from './avatar-colour';
import { cn } from './cn';

const sizes = {
  xs: 'size-6 text-[0.625rem]',
  sm: 'size-8 text-xs',
  md: 'size-10 text-base',
  lg: 'size-11 text-base',
  xl: 'size-16 text-title',
};

export type AvatarProps = {
  /** The person's id: decides the colour. */
  id: string;
  name: string;
  size?: keyof typeof sizes;
  /** Where the person's picture is; initials stand in while it loads and where there is none. */
  picture?: string;
  /** The conversation with oneself shows a bookmark. */
  self?: boolean;
  className?: string;
};

/** A person's round picture, or initials on their own colour. Decoration: the name stands beside it. */
export function Avatar({ id, name, size = 'md', picture, self, className }: AvatarProps) {
  const [broken, setBroken] = useState<string>();
  return (
    <span
      aria-hidden="true"
      className={cn(
        'relative inline-flex shrink-0 select-none items-center justify-center rounded-full bg-linear-to-b font-semibold text-white',
        self ? 'from-[#5f5de0] to-[#4a48d4]' : avatarColour(id),
        sizes[size],
        className,
      )}
    >
      {self ? <Bookmark className="size-[45%]" fill="currentColor" /> : initials(name)}
      {picture && !self && picture !== broken ? (
        <img
          key={picture}
          src={picture}
          alt=""
          draggable={false}
          onError={() => setBroken(picture)}
          className="absolute inset-0 size-full rounded-full object-cover"
        />
      ) : null}
    </span>
  );
}
