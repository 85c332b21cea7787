import { type HookEntry, hooksAllowed, hooksSchema, maximumHooks } from '../hook-list.ts';
import { complete } from '../setting.ts';

/** Settings: who is told of events. */
export const hookSettings = {
  hooks: complete<HookEntry[]>(
    {
      flag: 'hooks',
      default: [],
      defaultText: 'none',
      applies: 'live',
      group: 'Hooks',
      text: 'Who is told of events: webhooks, and the event server of Milestone XProtect. See docs/hooks.md.',
      onlyInFile: true,
    },
    {
      kind: 'hooks',
      valueName: '',
      schema: hooksSchema,
      allowed: hooksAllowed,
      range: `0-${maximumHooks} entries`,
      format: () => null,
    },
  ),
} as const;
