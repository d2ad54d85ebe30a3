import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { takePidfile } from '../../cli/pidfile.ts'

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

  it('that another has taken meanwhile is left alone', () => {
    const release = takePidfile(path)
    writeFileSync(path, `${process.ppid}\n`)
    release()
    expect(existsSync(path)).toBe(true)
  })
})
