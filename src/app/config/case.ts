/** `task_default_queue` → `taskDefaultQueue`. */
export const camelCase = (name: string): string =>
  name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

/** `taskDefaultQueue` → `task_default_queue`: Celery's spelling since version 4. */
export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
