import { Keyboard, LogOut, Monitor, Moon, Settings, ShieldCheck, Sun } from 'lucide-react';
import { PersonAvatar } from '@/components/person-avatar';
import { setTheme, useTheme } from '@/components/theme';
import { Menu, MenuChoice, MenuItem, MenuSeparator } from '@/components/ui';
import type { SessionUser } from '@/lib/api';
import { messages } from '@/lib/messages';
import { useProfile } from '@/lib/queries';

const t = messages.sidebar;

type Props = {
  user: SessionUser;
  onShowSettings: () => void;
  /** Missing for those who do not administer. */
  onShowAdmin: (() => void) | undefined;
  onShowShortcuts: () => void;
  onSignOut: () => void;
};

/** The own picture; its menu has what concerns oneself and this browser. */
export function ProfileMenu({ user, onShowSettings, onShowAdmin, onShowShortcuts, onSignOut }: Props) {
  const theme = useTheme();
  const { data: profile } = useProfile();
  const name = profile?.display_name ?? user.display_name;

  const trigger = (
    <button
      type="button"
      className="touch-target inline-flex size-10 shrink-0 items-center justify-center rounded-full transition-colors hover:bg-raised aria-expanded:bg-raised"
    >
      <PersonAvatar id={user.id} name={name} size="sm" />
      <span className="sr-only">{t.menu(name)}</span>
    </button>
  );

  return (
    <Menu trigger={trigger} label={t.menuLabel}>
      <div className="flex items-center gap-3 px-2.5 pt-2 pb-3">
        <PersonAvatar id={user.id} name={name} size="md" />
        <span className="min-w-0">
          <bdi className="block truncate font-semibold text-base">{name}</bdi>
          <span className="block truncate text-muted text-sm">@{user.username}</span>
        </span>
      </div>
      <MenuItem icon={<Settings className="size-[18px]" />} onSelect={onShowSettings}>
        {t.settings}
      </MenuItem>
      {onShowAdmin ? (
        <MenuItem icon={<ShieldCheck className="size-[18px]" />} onSelect={onShowAdmin}>
          {messages.admin.open}
        </MenuItem>
      ) : null}
      <MenuItem
        icon={<Keyboard className="size-[18px]" />}
        shortcut="?"
        onSelect={onShowShortcuts}
        className="touch:hidden"
      >
        {t.shortcuts}
      </MenuItem>
      <MenuSeparator />
      <MenuChoice
        label={t.theme}
        value={theme}
        onChange={setTheme}
        options={[
          { value: 'auto', label: t.themeAuto, icon: <Monitor className="size-[18px]" /> },
          { value: 'light', label: t.themeLight, icon: <Sun className="size-[18px]" /> },
          { value: 'dark', label: t.themeDark, icon: <Moon className="size-[18px]" /> },
        ]}
      />
      <MenuSeparator />
      <MenuItem icon={<LogOut className="size-[18px]" />} danger onSelect={onSignOut}>
        {t.signOut}
      </MenuItem>
    </Menu>
  );
}
