import { describe, expect, it } from 'vitest'
import { diagnose, type Ending } from '../../../compose/execute/diagnose.ts'

const ending = (change: Partial<Ending>): Ending => ({
  exitCode: 1,
  oomKilled: false,
  memoryLimit: undefined,
  error: '',
  lines: [],
  ...change,
})

describe('the likely cause of an ending', () => {
  it.each([
    [{ exitCode: 137, oomKilled: true }, 'out of memory, it used more than it may'],
    [
      { exitCode: 137, oomKilled: true, memoryLimit: 64 * 1024 * 1024 },
      'out of memory, it used more than its limit of 64 MiB',
    ],
    [{ exitCode: 127 }, 'a command was not found'],
    [{ exitCode: 126, lines: ['exec /app: exec format error'] }, 'its program is for another kind of processor'],
    [{ lines: ['Error when reading /var/lib/rabbitmq/.erlang.cookie: eacces'] }, 'it may not use its Erlang cookie'],
    [
      { lines: ['Failed to import definitions from /etc/rabbitmq/definitions.json'] },
      'its definitions cannot be imported',
    ],
    [
      { lines: ['Bad file format reading the append only file appendonly.aof.1.incr.aof'] },
      'its append-only file is damaged',
    ],
    [{ lines: ["Can't handle RDB format version 12"] }, 'its data is damaged, or of a newer version'],
    [{ lines: ["# Can't open or create append-only dir appendonlydir: Permission denied"] }, 'it lacks a permission'],
    [{ lines: ["ModuleNotFoundError: No module named 'django'"] }, 'a Python module is missing'],
    [{ lines: ['WRONGPASS invalid username-password pair or user is disabled.'] }, 'a login was refused'],
    [
      { lines: ["python: can't open file '/app/x.py': [Errno 2] No such file or directory"] },
      'a file it needs is not there',
    ],
    [{ lines: ['getaddrinfo ENOTFOUND redis'] }, 'a host it needs is not known'],
    [{ lines: ["Error: Cannot find module 'celery-sandbox'"] }, 'a module is missing'],
    [{ lines: ['listen EADDRINUSE: address already in use 0.0.0.0:5672'] }, 'its port is taken'],
    [{ lines: ['ACCESS_REFUSED - Login was refused'] }, 'a login was refused'],
    [{ lines: ['*** FATAL CONFIG FILE ERROR (Redis 8.0) ***'] }, 'its configuration is wrong'],
    [{ exitCode: 137 }, 'it was killed'],
    [{ error: 'the engine said why' }, 'the engine said why'],
    [{ lines: ['no idea'] }, ''],
  ])('%j: %s', (change, cause) => {
    expect(diagnose(ending(change)).cause).toBe(cause)
  })

  it('comes with what to do, where that is known', () => {
    expect(diagnose(ending({ exitCode: 127 })).next).toContain('Correct `command`')
    expect(diagnose(ending({ exitCode: 137 })).next).toBeUndefined()
  })
})
