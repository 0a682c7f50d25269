/** Pairs for the avatar's gradient; white text has at least 4.5:1 on both ends of each. */
const palette = [
  'from-[#1d77ad] to-[#0d5e8f]',
  'from-[#14806a] to-[#0b6856]',
  'from-[#3b7d22] to-[#2d6619]',
  'from-[#b3561a] to-[#96420c]',
  'from-[#c43d4f] to-[#a82a3c]',
  'from-[#bb3a86] to-[#9c2a6d]',
  'from-[#8a4bc9] to-[#7036ad]',
  'from-[#5c6b80] to-[#465468]',
] as const;

/** The colour classes of an avatar: always the same for the same seed (a user id). */
export function avatarColour(seed: string): string {
  let hash = 2166136261;
  for (const char of seed) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619);
  // The low bits of FNV-1a mix badly for ids that differ only at the start.
  return palette[((hash ^ (hash >>> 15)) >>> 0) % palette.length] ?? palette[0];
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** One or two letters that stand for a name: "Ada Lovelace" is "AL", "ada" is "A". */
export function initials(name: string): string {
  const words = name
    .trim()
    .split(/[\s._-]+/u)
    .filter(Boolean);
  const picked = words.length > 1 ? [words[0], words[words.length - 1]] : words.slice(0, 1);
  const letters = picked.map((word) => [...segmenter.segment(word ?? '')][0]?.segment ?? '');
  return letters.join('').toLocaleUpperCase() || '?';
}
