import type { Report } from '@/lib/api';

/** "Ada (@ada)". */
export function nameOf({ display_name, username }: Report['person']): string {
  return `${display_name} (@${username})`;
}
