import { type FormEvent, useState } from 'react';
import { OutcomeLine } from '@/components/outcome-line';
import { Button, Dialog, Input } from '@/components/ui';
import { useAction } from '@/components/use-action';
import { messages } from '@/lib/messages';
import { activateApp } from '@/lib/second-step';
import { QrCode } from './qr-code';

const t = messages.twoStep;

type Props = {
  secret: string;
  uri: string;
  onClose: () => void;
  /** The app is on; the codes are the new recovery codes, if any. */
  onDone: (codes: string[]) => void;
};

/** Shows the key to an app and takes its first code. */
export function EnrolDialog({ secret, uri, onClose, onDone }: Props) {
  const [code, setCode] = useState('');
  const { busy, outcome, setOutcome, run } = useAction(['body.code']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!code.trim()) return setOutcome({ fields: { 'body.code': messages.auth.required } });
    void run(async () => {
      onDone(await activateApp(code.replace(/\s/g, '')));
      return '';
    });
  };
  return (
    <Dialog open onOpenChange={(open) => open || onClose()} title={t.appAdd} closeLabel={t.close}>
      <form onSubmit={submit} noValidate className="flex flex-col gap-4 px-5 pb-5">
        <p className="text-md text-muted">{t.scan}</p>
        <QrCode text={uri} label={t.qr} />
        <div>
          <p className="text-muted text-sm">{t.key}</p>
          <p className="select-all break-all font-mono text-md">{secret.match(/.{1,4}/g)?.join(' ')}</p>
        </div>
        <Input
          label={t.code}
          name="one-time-code"
          autoComplete="one-time-code"
          inputMode="numeric"
          autoFocus
          value={code}
          onChange={(event) => setCode(event.target.value)}
          error={outcome.fields?.['body.code']}
        />
        <OutcomeLine outcome={outcome} />
        <Button type="submit" busy={busy}>
          {t.turnOn}
        </Button>
      </form>
    </Dialog>
  );
}
