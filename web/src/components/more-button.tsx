import { Button } from '@/components/ui';

type Props = {
  text: string;
  /** The list, as a query with pages. */
  list: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };
};

/** Below a list: fetches its next page, while there is one. */
export function MoreButton({ text, list: { hasNextPage, isFetchingNextPage, fetchNextPage } }: Props) {
  if (!hasNextPage) return null;
  return (
    <Button
      variant="secondary"
      className="self-start"
      busy={isFetchingNextPage}
      onClick={() => void fetchNextPage()}
    >
      {text}
    </Button>
  );
}
