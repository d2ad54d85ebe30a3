import { describe, expect, it } from 'vitest'
import { diagnose, type Ending } from '../../../compose/execute/diagnose.ts'

const ending = (change: Partial<Ending>): Ending => ({ exitCode: 1, oomKilled: false, error: '', lines: [], ...change })

describe('the likely cause of an ending', () => {
  it.each([
    [{ exitCode: 137, oomKilled: true }, 'out of memory, it used more than it may'],
    [{ exitCode: 127 }, 'a command was not found'],
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
