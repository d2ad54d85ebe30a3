import { answer } from '../process.ts'
import type { Part } from './part.ts'

// Debian's own interpreter: a `python3` found in PATH may be another one, without Debian's packages.
const path = '/usr/bin/python3'

/** Python Celery, with its clients of Redis and of databases. */
export const python: Part<'python'> = {
  packages: ['python3-celery', 'python3-redis', 'python3-sqlalchemy', 'python3-psycopg2'],
  async find() {
    const version = await answer(path, ['-c', 'import celery, redis, sqlalchemy, psycopg2; print(celery.__version__)'])
    return version === undefined ? undefined : { version, endpoint: { path } }
  },
}
