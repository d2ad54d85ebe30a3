import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What a project keeps beside its files: `.celery-sandbox/`, for git to ignore. */
export const stateFiles = {
  /** Host ports that were chosen, so that they stay the same. */
  ports: (directory: string) => join(directory, '.celery-sandbox', 'ports.json'),
  /** Where the embedded engine of the project listens, while it does. */
  engine: (directory: string) => join(directory, '.celery-sandbox', 'engine.json'),
  /** Held by whoever changes the project, and who that is. */
  lock: (directory: string) => join(directory, '.celery-sandbox', 'lock'),
  lockHolder: (directory: string) => join(directory, '.celery-sandbox', 'lock-holder'),
  /** What a container of the embedded engine, or the engine itself, wrote. */
  log: (directory: string, name: string) => join(directory, '.celery-sandbox', 'logs', `${name}.log`),
} as const

/** Writes a file whole or not at all. */
export function writeWhole(file: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(file), { recursive: true })
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, text, { mode })
  renameSync(draft, file)
}
