import { useEffect, useId, useState } from 'react';
import { Banner, Keys } from '@/components/ui';
import { toProblem, type User } from '@/lib/api';
import { messages } from '@/lib/messages';
import { openConversation } from '@/lib/queries';
import { ChoiceList } from './choice-list';
import type { Choice } from './match';
import { SearchField } from './search-field';
import { useChoices } from './use-choices';

const t = messages.people;

type Props = { me: User; onClose: () => void; onOpen: (conversationId: string) => void };

/** A search field and its results: a combobox whose list is always open. */
export function SearchPanel({ me, onClose, onOpen }: Props) {
  const listId = useId();
  const [query, setQuery] = useState('');
  const [activeKey, setActiveKey] = useState<string>();
  const [opening, setOpening] = useState(false);
  // Enter was pressed before the server answered: what it finds first is opened then.
  const [eager, setEager] = useState(false);
  const [problem, setProblem] = useState<string>();
  const { groups, searching, failed, loadMore } = useChoices(query, me);

  const flat = groups.flatMap((group) => group.choices);
  const found = flat.findIndex((choice) => choice.key === activeKey);
  const active = flat[Math.max(found, 0)];

  const move = (to: number) => {
    const next = flat[(to + flat.length) % flat.length];
    if (next) setActiveKey(next.key);
  };

  const pick = async (choice: Choice | undefined) => {
    if (!choice || opening) return;
    if (choice.kind === 'conversation') return onOpen(choice.conversation.id);
    setOpening(true);
    setProblem(undefined);
    try {
      const { id } = await openConversation(choice.kind === 'self' ? me.id : choice.user.id);
      onOpen(id);
    } catch (error) {
      setProblem(toProblem(error).slug === 'network' ? messages.errors.network : t.openFailed);
      setOpening(false);
    }
  };

  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the search has ended.
  useEffect(() => {
    if (!eager || searching) return;
    setEager(false);
    void pick(active);
  }, [eager, searching]);

  return (
    <>
      <SearchField
        query={query}
        listId={listId}
        activeId={active ? `${listId}-${active.key}` : undefined}
        onQuery={(text) => {
          setQuery(text);
          setActiveKey(undefined);
          setEager(false);
        }}
        onMove={(step) => move(Math.max(found, 0) + step)}
        onPick={() => (active ? void pick(active) : setEager(searching))}
        onClose={onClose}
      />
      {problem ? (
        <Banner tone="danger" role="alert">
          {problem}
        </Banner>
      ) : null}
      <ChoiceList
        id={listId}
        groups={groups}
        me={me}
        activeKey={active?.key}
        onActive={setActiveKey}
        onPick={(choice) => void pick(choice)}
        onNearEnd={loadMore}
        status={{ query, searching, failed }}
      />
      <footer className="flex shrink-0 items-center gap-5 border-line border-t px-4 py-2.5 text-muted text-xs phone:hidden">
        <Hint keys={['↑', '↓']} text={t.hintMove} />
        <Hint keys={['Enter']} text={t.hintOpen} />
        <Hint keys={['Esc']} text={t.hintClose} />
      </footer>
    </>
  );
}

function Hint({ keys, text }: { keys: string[]; text: string }) {
  return (
    <span className="flex items-center gap-2">
      <Keys keys={keys} />
      {text}
    </span>
  );
}
