/** The mark of ChatApp, 56 px unless told. Decoration: the name stands beside it or in the title. */
export function Logo({ className = 'size-14' }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" className={className}>
      <rect width="32" height="32" rx="9" fill="var(--color-mine)" />
      <path
        d="M9 8.5h14a3 3 0 0 1 3 3v7a3 3 0 0 1-3 3h-6.2l-5 4.1c-.5.4-1.3.1-1.3-.6v-3.5H9a3 3 0 0 1-3-3v-7a3 3 0 0 1 3-3Z"
        fill="#fff"
      />
      <g fill="var(--color-mine)">
        <circle cx="11.5" cy="15" r="1.6" />
        <circle cx="16" cy="15" r="1.6" />
        <circle cx="20.5" cy="15" r="1.6" />
      </g>
    </svg>
  );
}
