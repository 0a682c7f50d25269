import { Monitor } from 'lucide-react';
import { OutcomeLine } from '@/components/outcome-line';
import { Button, Skeleton, useSlow } from '@/components/ui';
import { useAction } from '@/components/use-action';
import { endDevice, endOtherDevices, useDevices } from '@/lib/account';
import { useFormat } from '@/lib/format';
import { messages } from '@/lib/messages';

const t = messages.security;

/** Settings: where one is signed in. */
export function DevicesPanel() {
  const { data: devices, isPending, isError } = useDevices();
  const slow = useSlow(isPending);
  const format = useFormat();
  const { busy, outcome, run } = useAction();
  const quietly = (work: () => Promise<void>) =>
    run(async () => {
      await work();
      return '';
    });

  if (isError) return <p role="alert">{t.devicesFailed}</p>;
  if (!devices) return slow ? <Skeleton className="h-40 w-full" /> : null;
  return (
    <section aria-labelledby="devices-title" className="flex flex-col gap-4">
      <h2 id="devices-title" className="font-semibold text-base">
        {t.devicesTitle}
      </h2>
      <p className="text-md text-muted">{t.devicesHint}</p>
      <ul className="flex flex-col divide-y divide-line">
        {devices.map((device) => (
          <li key={device.id} className="flex items-center gap-3 py-3">
            <Monitor aria-hidden="true" className="size-5 shrink-0 text-muted" />
            <div className="min-w-0 flex-1">
              <p className="truncate font-medium">{device.device}</p>
              <p className="text-muted text-sm">
                {t.device(format.list(device.last_used_at), format.list(device.created_at))}
              </p>
            </div>
            {device.current ? (
              <span className="text-muted text-sm">{t.deviceHere}</span>
            ) : (
              <Button
                variant="secondary"
                size="sm"
                aria-label={t.deviceEndLabel(device.device)}
                onClick={() => void quietly(() => endDevice(device.id))}
              >
                {t.deviceEnd}
              </Button>
            )}
          </li>
        ))}
      </ul>
      <OutcomeLine outcome={outcome} />
      {devices.length > 1 ? (
        <Button
          variant="danger"
          busy={busy}
          className="self-start"
          onClick={() => void quietly(endOtherDevices)}
        >
          {t.devicesEndOthers}
        </Button>
      ) : null}
    </section>
  );
}
