/** What a key press in the message box means. */
export interface KeyPress {
  key: string;
  keyCode: number;
  shiftKey: boolean;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
  isComposing: boolean;
}

/**
 * Enter sends; with Shift it makes a new line. While an input method composes (Japanese, Chinese, Korean,
 * dead keys) Enter belongs to it: Safari ends the composition before the key press, with keyCode 229.
 */
export function sends(press: KeyPress): boolean {
  if (press.key !== 'Enter' || press.isComposing || press.keyCode === 229) return false;
  return !press.shiftKey && !press.altKey;
}
