// What moderators and administrators see: reports, and other people's messages.
export { MessageSearchPage } from './message-search-page';
export { ReportsPage } from './reports-page';
