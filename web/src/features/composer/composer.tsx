import { SendHorizontal } from 'lucide-react';
import { type KeyboardEvent, useEffect, useId, useLayoutEffect, useRef } from 'react';
import { cn, IconButton } from '@/components/ui';
import { useDraft } from '@/lib/drafts';
import { messages } from '@/lib/messages';
import { sendMessage } from '@/lib/outbox';
import { trimBody } from '@/lib/text';
import { stoppedTyping, tellTyping } from '@/lib/typing';
import { sends } from './keys';
import { limitOf } from './limit';
import { useTypeAnywhere } from './use-type-anywhere';

export interface ComposerProps {
  conversationId: string;
  /** Whom the message goes to: the name of the box. */
  name: string;
}

const touch = () => matchMedia('(pointer: coarse)').matches;

/** The message box. What is typed is kept until it is sent, whatever happens to the page. */
export function Composer({ conversationId, name }: ComposerProps) {
  const box = useRef<HTMLTextAreaElement>(null);
  const counter = useId();
  const [text, setText] = useDraft(conversationId);
  const { sendable, left } = limitOf(text);

  useGrow(box, text);
  useTypeAnywhere(box);
  // biome-ignore lint/correctness/useExhaustiveDependencies: again for each conversation.
  useEffect(() => {
    // On a phone the keyboard would cover what the person came to read.
    if (!touch()) box.current?.focus();
  }, [conversationId]);

  const send = () => {
    box.current?.focus();
    if (!sendable) return;
    setText('');
    stoppedTyping(conversationId);
    sendMessage(conversationId, trimBody(text));
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (!sends({ ...pick(event), isComposing: event.nativeEvent.isComposing })) return;
    event.preventDefault();
    send();
  };

  return (
    <form
      className="shrink-0 bg-canvas px-4 pt-1 pb-[max(0.75rem,env(safe-area-inset-bottom))] phone:px-2 phone:pb-[max(0.5rem,env(safe-area-inset-bottom))]"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div className="mx-auto flex max-w-[52rem] items-end gap-2">
        <div className="flex min-w-0 flex-1 flex-col rounded-[22px] border border-edge/55 bg-surface transition-colors focus-within:border-accent">
          <textarea
            ref={box}
            id="composer"
            rows={1}
            value={text}
            dir="auto"
            enterKeyHint="send"
            autoComplete="off"
            aria-label={messages.composer.label(name)}
            aria-describedby={left === undefined ? undefined : counter}
            aria-invalid={left !== undefined && left < 0 ? true : undefined}
            placeholder={messages.composer.placeholder}
            onChange={(event) => {
              setText(event.target.value);
              if (event.target.value.trim() !== '') tellTyping(conversationId);
            }}
            onKeyDown={onKeyDown}
            className="block max-h-[calc(8*1.4em+1.25rem)] w-full resize-none overflow-y-hidden bg-transparent px-4 py-2.5 text-base outline-none placeholder:text-muted touch:text-touch"
          />
          {left === undefined ? null : <Counter id={counter} left={left} />}
        </div>
        <IconButton
          label={messages.composer.send}
          type="submit"
          // Keeps the focus, and the keyboard of a phone, where it is.
          onPointerDown={(event) => event.preventDefault()}
          aria-disabled={!sendable || undefined}
          className={cn(
            'size-11',
            sendable
              ? 'bg-accent text-on-accent hover:bg-accent-strong hover:text-on-accent active:bg-accent-strong'
              : 'bg-raised text-muted',
          )}
        >
          <SendHorizontal aria-hidden="true" size={20} />
        </IconButton>
      </div>
    </form>
  );
}

function pick({ key, keyCode, shiftKey, ctrlKey, altKey, metaKey }: KeyboardEvent) {
  return { key, keyCode, shiftKey, ctrlKey, altKey, metaKey };
}

function Counter({ id, left }: { id: string; left: number }) {
  return (
    <p
      id={id}
      role="status"
      className={cn('px-4 pb-2 text-xs tabular-nums', left < 0 ? 'font-medium text-danger' : 'text-muted')}
    >
      {left < 0 ? messages.composer.over(-left) : messages.composer.left(left)}
    </p>
  );
}

/** As high as its text, up to the eight lines of its max-height; then it scrolls. */
function useGrow(box: React.RefObject<HTMLTextAreaElement | null>, text: string): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text.
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    // While it is measured nothing around it may move: the messages above would scroll.
    const frame = element.parentElement;
    if (frame) frame.style.minHeight = `${frame.offsetHeight}px`;
    element.style.height = 'auto';
    const { scrollHeight } = element;
    element.style.height = `${scrollHeight}px`;
    if (frame) frame.style.minHeight = '';
    element.style.overflowY = scrollHeight > element.clientHeight + 1 ? 'auto' : 'hidden';
  }, [box, text]);
}
