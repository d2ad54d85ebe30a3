import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { whileAlone } from '../../../compose/execute/lock.ts'
import { stateFiles } from '../../../compose/state-directory.ts'

const never = new AbortController().signal
const quiet = { onWait: () => {}, signal: never }

describe('the lock of a project', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'lock-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  it('lets one command work after the other, who is told for whom it waits', async () => {
    const happened: string[] = []
    const first = Promise.withResolvers<void>()
    const up = whileAlone(directory, { ...quiet, holder: 'up' }, () => first.promise)
    const onWait = (holder: string) => {
      happened.push(holder)
      first.resolve()
    }
    await Promise.all([
      up.then(() => happened.push('up is done')),
      whileAlone(directory, { ...quiet, holder: 'down', onWait }, async () => void happened.push('down works')),
    ])
    expect(happened).toEqual([`up (process ${process.pid})`, 'up is done', 'down works'])
  })

  it('gives up with the name of the other', async () => {
    const first = Promise.withResolvers<void>()
    const up = whileAlone(directory, { ...quiet, holder: 'up' }, () => first.promise)
    const down = whileAlone(directory, { ...quiet, holder: 'down', timeoutMs: 0 }, async () => {})
    await expect(down).rejects.toMatchObject({ code: 'PROJECT_BUSY', message: expect.stringContaining('up (process') })
    first.resolve()
    await up
  })

  it('is forgotten with its holder, also one that fails', async () => {
    const failing = whileAlone(directory, { ...quiet, holder: 'up' }, () => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    expect(existsSync(stateFiles.lockHolder(directory))).toBe(false)
    expect(await whileAlone(directory, { ...quiet, holder: 'down' }, async () => 'free')).toBe('free')
  })

  it('stops waiting when its command is interrupted', async () => {
    const interrupted = new AbortController()
    const first = Promise.withResolvers<void>()
    const up = whileAlone(directory, { ...quiet, holder: 'up' }, () => first.promise)
    const onWait = () => interrupted.abort()
    const down = whileAlone(directory, { holder: 'down', onWait, signal: interrupted.signal }, async () => {})
    await expect(down).rejects.toThrow('aborted')
    first.resolve()
    await up
  })

  it('goes with its holder, however that ends', async () => {
    const lock = new URL('../../../compose/execute/lock.ts', import.meta.url)
    const program = `
      const { whileAlone } = await import('${lock}')
      const options = { holder: 'up', onWait() {}, signal: new AbortController().signal }
      await whileAlone(${JSON.stringify(directory)}, options, () => new Promise((resolve) => setInterval(resolve, 1e6) && console.log('held')))`
    const holder = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      await once(holder.stdout, 'data')
      const onWait = () => holder.kill('SIGKILL')
      expect(await whileAlone(directory, { holder: 'down', onWait, signal: never }, async () => 'free')).toBe('free')
      expect(holder.killed).toBe(true)
    } finally {
      holder.kill('SIGKILL')
    }
  })

  it('says what stands in its place', async () => {
    writeFileSync(join(directory, '.celery-sandbox'), '')
    await expect(whileAlone(directory, { ...quiet, holder: 'up' }, async () => {})).rejects.toMatchObject({
      code: 'STATE_UNUSABLE',
    })
  })
})
