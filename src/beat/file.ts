import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CeleryError, messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import { readStored, type ScheduleStore, type Stored, writeStored } from './store.ts'

/** A file of one beat's own: whoever starts a second one on it sends everything twice. */
export class FileStore implements ScheduleStore {
  readonly description: string
  readonly #path: string
  readonly #log: Logger

  constructor(path: string, log: Logger) {
    this.description = path
    this.#path = path
    this.#log = log
  }

  async acquire(): Promise<void> {}

  async isMine(): Promise<boolean> {
    return true
  }

  async load(): Promise<Stored | undefined> {
    const text = await readFile(this.#path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return undefined
      throw unusable(this.#path, cause)
    })
    if (text === undefined) return undefined
    try {
      return readStored(text)
    } catch {
      if (!isOurs(text)) throw unusable(this.#path, new Error('there is something else in it'))
      await this.#setAside()
      return undefined
    }
  }

  async #setAside(): Promise<void> {
    const aside = `${this.#path}.unreadable`
    await rename(this.#path, aside).catch((cause) => {
      throw unusable(this.#path, cause)
    })
    this.#log.warning(`beat: ${this.#path} cannot be read; it is now ${aside}, and the last runs are forgotten`)
  }

  // A reader, and who is killed in the middle, finds the old text or the new one.
  async save(stored: Stored): Promise<void> {
    const draft = `${this.#path}.draft`
    try {
      await mkdir(dirname(this.#path), { recursive: true })
      await rm(draft, { force: true })
      const file = await open(draft, 'wx') // never through a link
      try {
        await file.writeFile(writeStored(stored))
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(draft, this.#path)
    } catch (cause) {
      await rm(draft, { force: true }).catch(() => {})
      throw unusable(this.#path, cause)
    }
  }

  async close(): Promise<void> {}
}

/** Whether it may be what we wrote, or part of it: a file that was named by mistake is nobody's to move. */
const isOurs = (text: string) => /^[\s\0]*($|\{)/.test(text)

function unusable(path: string, cause: unknown): CeleryError {
  const next = 'Name another file: --schedule (setting beatScheduleFilename).'
  return new CeleryError('IMPROPERLY_CONFIGURED', `${path} cannot keep the schedule: ${messageOf(cause)}`, {
    cause,
    next,
  })
}
