import { type ChangeEvent, useEffect, useRef, useState } from 'react';
import { PersonAvatar } from '@/components/person-avatar';
import { Avatar, Button } from '@/components/ui';
import { type Me, toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { PICTURE_TYPES, putPicture, removePicture } from '@/lib/upload';

const t = messages.picture;

type State = { busy?: boolean; progress?: number; preview?: string; done?: string; failed?: string };

/** One's picture: choose a file and it is shown; or remove it. */
export function PictureForm({ me }: { me: Me }) {
  const file = useRef<HTMLInputElement>(null);
  const [state, setState] = useState<State>({});
  const { preview } = state;
  useEffect(() => () => (preview ? URL.revokeObjectURL(preview) : undefined), [preview]);

  const attempt = async (work: () => Promise<void>, done: string, start: State) => {
    setState({ ...start, busy: true });
    try {
      await work();
      setState({ done });
    } catch (error) {
      setState({ failed: toProblem(error).detail });
    }
  };
  const choose = ({ target }: ChangeEvent<HTMLInputElement>) => {
    const chosen = target.files?.[0];
    target.value = ''; // the same file may be chosen again
    if (!chosen || state.busy) return;
    const onProgress = (progress: number) => setState((before) => ({ ...before, progress }));
    void attempt(() => putPicture(chosen, onProgress), t.done, {
      progress: 0,
      preview: URL.createObjectURL(chosen),
    });
  };

  return (
    <section aria-label={t.title} className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-4">
        {preview ? (
          <Avatar id={me.id} name={me.display_name} size="xl" picture={preview} />
        ) : (
          <PersonAvatar id={me.id} name={me.display_name} size="xl" />
        )}
        <input
          ref={file}
          type="file"
          accept={PICTURE_TYPES}
          onChange={choose}
          aria-label={t.choose}
          className="hidden"
          data-testid="picture-file"
        />
        <Button variant="secondary" busy={state.busy} onClick={() => file.current?.click()}>
          {me.picture ? t.change : t.choose}
        </Button>
        {me.picture && !state.busy ? (
          <Button variant="ghost" onClick={() => void attempt(removePicture, t.removed, {})}>
            {t.remove}
          </Button>
        ) : null}
      </div>
      {state.progress === undefined ? (
        <p className="text-muted text-sm">{t.hint}</p>
      ) : (
        <progress
          aria-label={t.uploading}
          max={1}
          value={state.progress}
          className="h-1.5 w-full max-w-sm accent-accent"
        />
      )}
      <p role="status" className="text-md text-ok empty:hidden">
        {state.done}
      </p>
      <p role="alert" className="text-danger text-md empty:hidden">
        {state.failed}
      </p>
    </section>
  );
}
