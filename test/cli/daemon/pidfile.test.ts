import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readPidfile, takePidfile } from '../../../cli/daemon/pidfile.ts'
import { start } from '../../support/process.ts'

describe('a pid file', () => {
  let directory: string
  let path: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'pidfile-'))
    path = join(directory, 'beat.pid')
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  it('holds the number of the process until it is released', () => {
    const release = takePidfile(path)
    expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`)
    release()
    release()
    expect(existsSync(path)).toBe(false)
  })

  it.each([
    ['a process that is gone', '4194999\n'],
    ['this process, from before a restart of its container', `${process.pid}\n`],
    ['nothing', ''],
    ['something else', 'beat'],
  ])('of %s is taken over', (_, text) => {
    writeFileSync(path, text)
    const release = takePidfile(path)
    expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`)
    release()
  })

  it('of a process that lives is respected', () => {
    writeFileSync(path, `${process.ppid}\n`)
    expect(() => takePidfile(path)).toThrow(`(pid ${process.ppid})`)
  })

  it('of a process that came by the number later is taken over', () => {
    writeFileSync(path, `${process.ppid}\n`)
    utimesSync(path, 0, 0)
    expect(readPidfile(path)).toEqual({ pid: process.ppid, start: undefined })
    takePidfile(path)()
  })

  it('of a process that has it open is respected, whatever became of the clock', async () => {
    writeFileSync(path, '')
    const holder = start(process.execPath, [
      '-e',
      `fs.openSync('${path}'); console.log('open'); process.stdin.resume()`,
    ])
    await using _ = holder
    await holder.until('open')
    writeFileSync(path, `${holder.pid}\n`)
    utimesSync(path, 0, 0)
    expect(() => takePidfile(path)).toThrow(`(pid ${holder.pid})`)
    await holder.stop()
    takePidfile(path)()
  })

  it('in a directory that is not there says so', () => {
    expect(() => takePidfile(join(directory, 'nowhere', 'beat.pid'))).toThrow(
      expect.objectContaining({ code: 'UNWRITABLE', message: expect.stringContaining('ENOENT') }),
    )
  })

  it('that another has taken meanwhile is left alone', () => {
    const release = takePidfile(path)
    writeFileSync(path, `${process.ppid}\n`)
    release()
    expect(existsSync(path)).toBe(true)
  })
})
