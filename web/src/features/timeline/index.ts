// One conversation's header and messages. The composer is a feature of its own; app/ puts them together.
export { ConversationHeader } from './header';
export { Timeline } from './timeline';
