// The building blocks of the interface. They know nothing of messages, people or the server.
export { Avatar, type AvatarProps } from './avatar';
export { avatarColour, initials } from './avatar-colour';
export { Badge, badgeText } from './badge';
export { Banner, type BannerProps } from './banner';
export { Button, type ButtonProps, IconButton, type IconButtonProps } from './button';
export { cn } from './cn';
export { Dialog, type DialogProps } from './dialog';
export { Input, type InputProps } from './input';
export { Keys } from './kbd';
export { Menu, MenuChoice, MenuItem, type MenuItemProps, MenuSeparator } from './menu';
export { Select, type SelectProps } from './select';
export { Skeleton, useSlow } from './skeleton';
export { Switch, type SwitchProps } from './switch';
export { Tooltip, TooltipProvider } from './tooltip';
export { VisuallyHidden } from './visually-hidden';
