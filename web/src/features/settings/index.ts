export { ProfilePanel } from './profile-panel';
export { SettingsPage, type SettingsTab } from './settings-page';
