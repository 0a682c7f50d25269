export { BlockedPanel } from './blocked-panel';
export { ContactPanel } from './contact-panel';
export { PrivacyPanel } from './privacy-panel';
export { ProfilePanel } from './profile-panel';
export { SettingsPage, type SettingsTab } from './settings-page';
