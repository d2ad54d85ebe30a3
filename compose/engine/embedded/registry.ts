import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { writeWhole } from '../../state-directory.ts'

/**
 * The directories of the embedded engines of this user, a file each, so that their stacks can be listed from anywhere.
 * It is among the temporary files: a machine that starts anew has no engines. An entry is a hint; whether an engine
 * runs there, only the engine can say.
 */
export function registeredDirectories(): readonly string[] {
  try {
    const { uid } = statSync(registry)
    // A directory that somebody else made under our name tells nothing.
    if (process.platform !== 'win32' && uid !== process.getuid?.()) return []
    const directories = readdirSync(registry).map((id) => readFileSync(join(registry, id), 'utf8'))
    return [...new Set(directories)].sort()
  } catch {
    return []
  }
}

/** Adds an engine by its id. */
export function register(id: string, directory: string): void {
  try {
    mkdirSync(registry, { recursive: true, mode: 0o700 })
    writeWhole(join(registry, id), directory, 0o600)
  } catch {
    // Without it the engine is found from its own directory alone.
  }
}

/** Takes an engine out, whether it is there or not; the last one leaves nothing. */
export function unregister(id: string): void {
  rmSync(join(registry, id), { force: true })
  try {
    rmdirSync(registry)
  } catch {
    // Others are in it.
  }
}

const registry = join(tmpdir(), `celery-sandbox-engines-${userInfo().username.replace(/[^\w.-]/g, '_')}`)
