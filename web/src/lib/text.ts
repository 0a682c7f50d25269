/** The longest message, in Unicode code points: the same number the server counts. */
export const MAX_BODY = 8_000;

/** How many code points the text has. An emoji of one code point is 1, though JavaScript says 2. */
export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** What is sent: white space around the message is cut, as the server does. */
export function trimBody(text: string): string {
  return text.trim();
}

const emoji = /^(?:\p{RI}\p{RI}|[#*0-9]\ufe0f?\u20e3|\p{Emoji_Presentation}|\p{Emoji}\ufe0f)/u;

/** Whether the text is one to three emoji and nothing else (spaces between them are fine): shown large. */
export function isLargeEmoji(text: string): boolean {
  const compact = text.replace(/\s+/gu, '');
  if (compact === '' || compact.length > 60) return false;
  const graphemes = [...segmenter.segment(compact)];
  return graphemes.length <= 3 && graphemes.every(({ segment }) => emoji.test(segment));
}

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** A username as it is shown; nothing for that of a deleted account, which no living one can have. */
export function handleOf(username: string): string {
  return username.includes(':') ? '' : `@${username}`;
}
