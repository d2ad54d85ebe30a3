import { answer } from '../process.ts'
import type { Part } from './part.ts'

// Debian's own interpreter: a `python3` found in PATH may be another one, without Debian's packages.
const path = '/usr/bin/python3'

/** Python Celery, with its Redis client. */
export const python: Part<'python'> = {
  packages: ['python3-celery', 'python3-redis'],
  async find() {
    const version = await answer(path, ['-c', 'import celery, redis; print(celery.__version__)'])
    return version === undefined ? undefined : { version, endpoint: { path } }
  },
}
