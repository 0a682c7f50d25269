import { ArrowLeft, Search, X } from 'lucide-react';
import { type KeyboardEvent, useRef } from 'react';
import { IconButton } from '@/components/ui';
import { messages } from '@/lib/messages';

const t = messages.people;

type Props = {
  query: string;
  listId: string;
  activeId: string | undefined;
  onQuery: (query: string) => void;
  onMove: (step: 1 | -1) => void;
  onPick: () => void;
  onClose: () => void;
};

/** The field keeps the focus all the time; the arrow keys move the marked result. */
export function SearchField({ query, listId, activeId, onQuery, onMove, onPick, onClose }: Props) {
  const field = useRef<HTMLInputElement>(null);

  const onKeyDown = (event: KeyboardEvent) => {
    // While an input method composes, its keys are its own.
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'ArrowDown') onMove(1);
    else if (event.key === 'ArrowUp') onMove(-1);
    else if (event.key === 'Enter') onPick();
    else return;
    event.preventDefault();
  };

  return (
    <div className="flex h-14 shrink-0 items-center gap-2 border-line border-b pr-2 pl-4 phone:bar phone:pl-2">
      <IconButton label={messages.layout.close} onClick={onClose} className="wide:hidden">
        <ArrowLeft className="size-5" />
      </IconButton>
      <Search aria-hidden="true" className="size-5 shrink-0 text-muted phone:hidden" />
      <input
        ref={field}
        role="combobox"
        aria-label={t.title}
        aria-expanded="true"
        aria-autocomplete="list"
        aria-controls={listId}
        aria-activedescendant={activeId}
        type="text"
        inputMode="search"
        enterKeyHint="go"
        autoComplete="off"
        autoCapitalize="none"
        autoCorrect="off"
        spellCheck={false}
        // biome-ignore lint/a11y/noAutofocus: the dialog exists to type into this field.
        autoFocus
        maxLength={100}
        placeholder={t.placeholder}
        value={query}
        onChange={(event) => onQuery(event.target.value)}
        onKeyDown={onKeyDown}
        className="h-full min-w-0 flex-1 bg-transparent px-1 text-base outline-none placeholder:text-muted touch:text-touch"
      />
      {query ? (
        <IconButton
          label={t.clear}
          onClick={() => {
            onQuery('');
            field.current?.focus();
          }}
        >
          <X className="size-[18px]" />
        </IconButton>
      ) : null}
    </div>
  );
}
