// The message box of one conversation.
export { Composer } from './composer';
