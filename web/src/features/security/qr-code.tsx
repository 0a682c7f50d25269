import { useMemo } from 'react';
import { encode } from 'uqr';

/** A text as a QR code; black on white in every theme, because cameras want that. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { path, size } = useMemo(() => {
    const { data, size } = encode(text, { border: 4 });
    let path = '';
    for (const [y, row] of data.entries()) {
      for (const [x, dark] of row.entries()) if (dark) path += `M${x} ${y}h1v1h-1z`;
    }
    return { path, size };
  }, [text]);
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox={`0 0 ${size} ${size}`}
      shapeRendering="crispEdges"
      className="mx-auto size-52 rounded-lg"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
