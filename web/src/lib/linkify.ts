/** A piece of a message: plain text, or a link whose `href` is http, https or mailto and nothing else. */
export type Piece = { kind: 'text'; text: string } | { kind: 'link'; text: string; href: string };

// http(s)://…, www.…, or an address with @. Spaces, quotes and angle brackets end a link.
const candidate =
  /(?:https?:\/\/|www\.)[^\s<>"'`]+|(?:mailto:)?[\p{L}\p{N}._%+-]{1,64}@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/giu;

const closers: Record<string, string> = { ')': '(', ']': '[', '}': '{' };

/** Cuts punctuation that belongs to the sentence, and closing brackets that nothing in the link opened. */
function trimEnd(link: string): string {
  const count: Record<string, number> = {};
  for (const char of link) count[char] = (count[char] ?? 0) + 1;
  let end = link.length;
  for (;;) {
    const last = link.charAt(end - 1);
    const opener = closers[last];
    const unbalanced = opener !== undefined && (count[last] ?? 0) > (count[opener] ?? 0);
    if (!unbalanced && !/[.,:;!?…'"’”»*_~]/u.test(last)) return link.slice(0, end);
    count[last] = (count[last] ?? 0) - 1;
    end--;
  }
}

function toHref(text: string): string | undefined {
  const lower = text.toLowerCase();
  const full = lower.startsWith('www.')
    ? `https://${text}`
    : lower.includes('://')
      ? text
      : `mailto:${text.replace(/^mailto:/i, '')}`;
  try {
    const url = new URL(full);
    if (url.protocol === 'mailto:') return url.href;
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
    // user:password@host is a way to make a link look like another one.
    if (url.hostname === '' || url.username !== '' || url.password !== '') return undefined;
    return url.href;
  } catch {
    return undefined;
  }
}

/** Splits a message into text and links. Joining the pieces' texts gives the message back, byte for byte. */
export function linkify(message: string): Piece[] {
  const pieces: Piece[] = [];
  let done = 0;
  for (const match of message.matchAll(candidate)) {
    const start = match.index;
    // "xwww.a.b" and "javascript:http://" are words, not links.
    if (start < done || (start > 0 && /[\p{L}\p{N}:/@]/u.test(message.charAt(start - 1)))) continue;
    const text = trimEnd(match[0]);
    const href = toHref(text);
    if (!href) continue;
    if (start > done) pieces.push({ kind: 'text', text: message.slice(done, start) });
    pieces.push({ kind: 'link', text, href });
    done = start + text.length;
  }
  if (done < message.length) pieces.push({ kind: 'text', text: message.slice(done) });
  return pieces;
}
