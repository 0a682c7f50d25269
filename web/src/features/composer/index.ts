// The message box of one conversation.
export { BlockedBar } from './blocked-bar';
export { Composer } from './composer';
export { GoneBar } from './gone-bar';
export { RequestBar } from './request-bar';
