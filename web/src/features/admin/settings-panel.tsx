import { type FormEvent, useState } from 'react';
import { OutcomeLine } from '@/components/outcome-line';
import { Button, Input, Skeleton, useSlow } from '@/components/ui';
import { useAction } from '@/components/use-action';
import {
  type Level,
  type SecondStepDemand,
  type Settings,
  type SignUpMode,
  saveSettings,
  useSettings,
} from '@/lib/admin';
import { useFormat } from '@/lib/format';
import { messages } from '@/lib/messages';
import { Choice } from './choice';
import { LoadFailed } from './load-failed';
import { RetentionForm } from './retention-form';

const t = messages.admin;

const modes: readonly { value: SignUpMode; label: string }[] = [
  { value: 'open', label: t.signUpOpen },
  { value: 'invite', label: t.signUpInvite },
  { value: 'closed', label: t.signUpClosed },
];

const demands: readonly { value: SecondStepDemand; label: string }[] = [
  { value: 'optional', label: t.secondStepOptional },
  { value: 'staff', label: t.secondStepStaff },
  { value: 'everybody', label: t.secondStepEverybody },
];

const levels: readonly { value: Level; label: string }[] = [
  { value: 'info', label: t.levels.info },
  { value: 'warning', label: t.levels.warning },
  { value: 'critical', label: t.levels.critical },
];

/** What administrators decide: two services keep it, so each part is saved on its own. */
export function SettingsPanel() {
  return (
    <div className="flex flex-col gap-10">
      <AccountSettings />
      <RetentionForm />
    </div>
  );
}

/** Who may sign up, who must have a second step, and what everybody is told. */
function AccountSettings() {
  const { data, error, isPending, refetch } = useSettings();
  const slow = useSlow(isPending);
  if (error && !data) return <LoadFailed error={error} onRetry={() => void refetch()} />;
  if (!data) return slow ? <Skeleton className="h-60 w-full" /> : null;
  return <SettingsForm settings={data} />;
}

function SettingsForm({ settings }: { settings: Settings }) {
  const { sign_up, second_step, announcement } = settings;
  const format = useFormat();
  const [mode, setMode] = useState<SignUpMode>(sign_up);
  const [demand, setDemand] = useState<SecondStepDemand>(second_step);
  const [text, setText] = useState(announcement?.text ?? '');
  const [level, setLevel] = useState<Level>(announcement?.level ?? 'info');
  const [until, setUntil] = useState(announcement?.until ? format.toField(announcement.until) : '');
  const { busy, outcome, run } = useAction();

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const told = text.trim();
    void run(async () => {
      await saveSettings({
        sign_up: mode,
        second_step: demand,
        ...(told
          ? {
              announcement: { text: told, level, ...(until ? { until: format.fromField(until) } : {}) },
            }
          : {}),
      });
      return t.saved;
    });
  };

  return (
    <form onSubmit={submit} className="flex flex-col gap-8">
      <Choice label={t.signUpTitle} value={mode} options={modes} onChange={setMode} />
      <div className="flex flex-col gap-2">
        <Choice label={t.secondStepTitle} value={demand} options={demands} onChange={setDemand} />
        <p className="text-md text-muted">{t.secondStepHint}</p>
      </div>
      <fieldset className="flex flex-col gap-4">
        <legend className="mb-1 font-semibold text-base">{t.announcementTitle}</legend>
        <p className="text-md text-muted">{t.announcementHint}</p>
        <Input
          label={t.announcementText}
          maxLength={500}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <div className="grid grid-cols-2 gap-3 phone:grid-cols-1">
          <Choice label={t.level} value={level} options={levels} onChange={setLevel} />
          <Input
            label={t.until}
            type="datetime-local"
            hint={t.untilHint}
            value={until}
            onChange={(event) => setUntil(event.target.value)}
          />
        </div>
      </fieldset>
      <OutcomeLine outcome={outcome} />
      <Button type="submit" busy={busy} className="self-start">
        {t.save}
      </Button>
    </form>
  );
}
