/** Keys of a shortcut, each in its own cap: ["Ctrl", "K"]. */
export function Keys({ keys }: { keys: string[] }) {
  return (
    <span className="inline-flex gap-1">
      {keys.map((key) => (
        <kbd
          key={key}
          className="inline-flex h-6 min-w-6 items-center justify-center rounded-inner border border-line bg-raised px-1.5 font-medium font-sans text-ink text-xs"
        >
          {key}
        </kbd>
      ))}
    </span>
  );
}
