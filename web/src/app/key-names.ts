const apple = /Mac|iPhone|iPad/.test(typeof navigator === 'undefined' ? '' : navigator.platform);
const mod = apple ? '⌘' : 'Ctrl';
const alt = apple ? '⌥' : 'Alt';

/** The shortcuts as they are printed on this computer's keys. */
export const keyNames = {
  search: [mod, 'K'],
  next: [alt, '↓'],
  previous: [alt, '↑'],
  composer: ['Esc'],
  regions: ['F6'],
  help: ['?'],
  send: ['Enter'],
  newline: ['Shift', 'Enter'],
};
