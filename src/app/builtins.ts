import type { Backend } from '../backend/backend.ts'

/** Celery's own tasks, which every worker knows, by name. */
export const builtins = (backend: () => Promise<Backend>): Record<string, () => Promise<void>> => ({
  /** Sent once a day by Celery's beat, for backends where results do not expire by themselves. */
  'celery.backend_cleanup': async () => {
    await (await backend()).cleanUp?.()
  },
})
