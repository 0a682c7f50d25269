import { describe, expect, it } from 'vitest';
import { isAdminTab } from './admin-pane';

describe('the pages of the administration', () => {
  it.each([
    ['user', undefined, false],
    ['user', 'people', false],
    ['moderator', undefined, true],
    ['moderator', 'people', true],
    ['moderator', 'settings', false],
    ['moderator', 'invitations', false],
    ['admin', undefined, true],
    ['admin', 'overview', true],
    ['admin', 'nothing', false],
  ] as const)('%s at %s: %s', (role, tab, there) => {
    expect(isAdminTab(role, tab)).toBe(there);
  });
});
