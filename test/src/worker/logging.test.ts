import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { configure } from '../../../src/app/config/configure.ts'
import { silentLogger } from '../../../src/log.ts'
import { redirectConsole } from '../../../src/trace/redirect.ts'
import { workerLog } from '../../../src/worker/logging.ts'

describe('a worker’s log', () => {
  const directory = mkdtempSync(join(tmpdir(), 'log-'))
  const path = join(directory, 'w.log')
  afterAll(() => rmSync(directory, { recursive: true }))

  it('is written as the settings say, from its level up', () => {
    const log = workerLog(configure({ workerLogFormat: '%(levelname)s %(message)s' }, {}), {
      level: 'info',
      logfile: path,
    })
    log.debug('no')
    log.info('yes')
    expect(readFileSync(path, 'utf8')).toBe('INFO yes\n')
  })

  it('goes on in a new file when the old one was moved away', () => {
    const log = workerLog(configure({}, {}), { logfile: path, json: true, hostname: 'w1@test' })
    renameSync(path, `${path}.1`)
    log.error('after')
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ message: 'after', hostname: 'w1@test' })
  })
})

describe('the console', () => {
  it('stays as it is outside of tasks, and is given back', () => {
    const original = vi.spyOn(console, 'log').mockImplementation(() => {})
    const spied = console.log
    const giveBack = redirectConsole(silentLogger, 'warning')
    console.log('outside')
    giveBack()
    expect(original).toHaveBeenCalledWith('outside')
    expect(console.log).toBe(spied)
    original.mockRestore()
  })

  it('is refused at once where it cannot be written', () => {
    expect(() => workerLog(configure(), { logfile: '/no/such/place/w.log' })).toThrow(
      /the log cannot be written: ENOENT/,
    )
  })
})
