import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ProcessLog } from '../../../../compose/engine/embedded/process-log.ts'
import type { EngineLogLine, LogOptions } from '../../../../compose/engine/engine.ts'

let directory = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'process-log-'))
})

afterEach(() => rmSync(directory, { recursive: true }))

const line = (text: string, time = '2026-11-20T10:00:00.000Z'): EngineLogLine => ({ stream: 'stdout', time, text })

async function read(log: ProcessLog, options: LogOptions = {}): Promise<string[]> {
  const texts: string[] = []
  for await (const { text } of log.read(options)) texts.push(text)
  return texts
}

describe("a process's log", () => {
  it('gives back what was written, or the end of it', async () => {
    const log = new ProcessLog(join(directory, 'logs', 'a.log'))
    expect(await read(log)).toEqual([])
    log.write([line('one'), { ...line('two ☃ \x1b[31m'), stream: 'stderr' }, line('', '2026-11-20T10:00:01.000Z')])
    expect(await read(log)).toEqual(['one', 'two ☃ \x1b[31m', ''])
    expect(await read(log, { tail: 1 })).toEqual([''])
    expect(await read(log, { tail: 0 })).toEqual([])
    expect(await read(log, { since: '2026-11-20T10:00:01.000Z' })).toEqual([''])
    log.end()
  })

  it('goes on with what comes, until the process ends', async () => {
    const log = new ProcessLog(join(directory, 'a.log'))
    log.write([line('before')])
    const lines = log.read({ follow: true })
    expect((await lines.next()).value).toMatchObject({ text: 'before' })
    const next = lines.next()
    log.write([line('live')])
    expect((await next).value).toMatchObject({ text: 'live' })
    const end = lines.next()
    log.end()
    expect((await end).done).toBe(true)
  })

  it('is bounded: one older file is kept and read as well', async () => {
    const log = new ProcessLog(join(directory, 'a.log'), 1000)
    for (let i = 0; i < 100; i++) log.write([line(`line ${i}`)])
    expect(readdirSync(directory).sort()).toEqual(['a.log', 'a.log.1'])
    for (const file of readdirSync(directory)) expect(statSync(join(directory, file)).size).toBeLessThan(1100)
    const texts = await read(log)
    expect(texts.at(-1)).toBe('line 99')
    expect(texts.length).toBeGreaterThan(20)
    log.end()
  })

  it('begins anew with a new container', async () => {
    const old = new ProcessLog(join(directory, 'a.log'))
    old.write([line('old')])
    old.end()
    const log = new ProcessLog(join(directory, 'a.log'))
    log.begin()
    expect(await read(log)).toEqual([])
  })
})
