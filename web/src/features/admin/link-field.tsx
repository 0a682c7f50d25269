import { useState } from 'react';
import { Button, Input } from '@/components/ui';
import { messages } from '@/lib/messages';

const t = messages.admin;

/** A link to copy, which is not shown again. */
export function LinkField({ link }: { link: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(link);
      setCopied(true);
    } catch {
      // Without permission the field is there to be selected.
    }
  };
  return (
    <div role="status" className="flex flex-col gap-2 rounded-lg bg-raised p-4">
      <Input
        label={t.link}
        hint={t.linkHint}
        readOnly
        value={link}
        onFocus={(event) => event.target.select()}
      />
      <div className="flex items-center gap-3">
        <Button size="sm" onClick={() => void copy()}>
          {t.copy}
        </Button>
        <span className="text-ok text-sm">{copied ? t.copied : null}</span>
      </div>
    </div>
  );
}
