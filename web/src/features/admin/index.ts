export { InvitationsPanel } from './invitations-panel';
export { OverviewPanel } from './overview-panel';
export { PeoplePanel } from './people-panel';
export { PersonPanel } from './person-panel';
export { SettingsPanel } from './settings-panel';
