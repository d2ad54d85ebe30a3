import { answer } from '../process.ts'
import type { Part } from './part.ts'

// Debian's own interpreter: a `python3` found in PATH may be another one, without Debian's packages.
const path = '/usr/bin/python3'

const modules = ['celery', 'redis', 'sqlalchemy', 'psycopg2', 'yaml', 'msgpack']

/** Python Celery, with its clients of Redis and of databases, and its serializers. */
export const python: Part<'python'> = {
  packages: modules.map((name) => `python3-${name}`),
  async find() {
    const version = await answer(path, ['-c', `import ${modules.join()}; print(celery.__version__)`])
    return version === undefined ? undefined : { version, endpoint: { path } }
  },
}
