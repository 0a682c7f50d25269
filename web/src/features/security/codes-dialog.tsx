import { Copy, Download } from 'lucide-react';
import { useState } from 'react';
import { Button, Dialog } from '@/components/ui';
import { messages } from '@/lib/messages';
import { saveAs } from '@/lib/save';

const t = messages.twoStep;

/** Shows recovery codes, once. It closes by its button alone: a click beside it must not lose them. */
export function CodesDialog({ codes, onClose }: { codes: readonly string[]; onClose: () => void }) {
  const [said, setSaid] = useState('');
  const text = `${codes.join('\n')}\n`;

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid(t.codesCopied);
    } catch {
      setSaid(''); // not allowed here: the codes can be selected
    }
  };
  const download = () => saveAs(new Blob([text], { type: 'text/plain' }), 'chatapp-recovery-codes.txt');
  return (
    <Dialog open onOpenChange={() => undefined} title={t.codesTitle} closeLabel={t.close} hideTitle>
      <div className="flex flex-col gap-4 p-5">
        <p aria-hidden="true" className="font-semibold text-base">
          {t.codesTitle}
        </p>
        <p className="text-md text-muted">{t.codesShown}</p>
        <ul
          aria-label={t.codesTitle}
          className="flex select-text flex-col gap-1 rounded-lg bg-raised p-4 text-center font-mono text-md phone:px-2 phone:text-sm"
        >
          {codes.map((code) => (
            <li key={code}>{code}</li>
          ))}
        </ul>
        <div className="flex items-center gap-2">
          <Button variant="secondary" onClick={() => void copy()}>
            <Copy aria-hidden="true" className="size-4" />
            {t.codesCopy}
          </Button>
          <Button variant="secondary" onClick={download}>
            <Download aria-hidden="true" className="size-4" />
            {t.codesDownload}
          </Button>
          <p role="status" className="text-ok text-sm">
            {said}
          </p>
        </div>
        <Button onClick={onClose}>{t.codesSaved}</Button>
      </div>
    </Dialog>
  );
}
