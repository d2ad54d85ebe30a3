import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { command } from '../../../cli/commands/beat.ts'
import { command as worker } from '../../../cli/commands/worker.ts'
import { createContext } from '../../../cli/context.ts'
import { parse } from '../../../cli/program.ts'
import { keepRunner } from '../../support/runner.ts'
import { app } from './fixtures/beat-app.ts'

let directory: string
let stopping: AbortController
let letGo: () => void
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'beat-command-'))
  stopping = new AbortController()
  letGo = keepRunner()
})
afterEach(async () => {
  await app.close()
  rmSync(directory, { recursive: true })
  letGo()
})

/** Runs a command until it has told something, and gives back all that it told. */
async function told(until: RegExp, words: string[], { json = false } = {}): Promise<string[]> {
  const context = createContext({ json, plain: !json }, stopping.signal)
  const invocation = await parse([...words, '-A', 'test/cli/commands/fixtures/beat-app.ts'])
  const verb = words[0] === 'worker' ? worker : command
  const lines: string[] = []
  for await (const event of verb.run(context, invocation?.options as never, [])) {
    lines.push(json ? JSON.stringify(event) : String(verb.text(event, context.paint)))
    if (until.test(lines.join('\n'))) stopping.abort()
  }
  return lines.map((line) => line.replace(/^\[.*?: /, '['))
}

describe('celery-sandbox beat', () => {
  it('sends what is due, tells what it does, and ends in order', async () => {
    const schedule = join(directory, 'schedule.json')
    const [banner, ...lines] = await told(/Sending/, ['beat', '-l', 'info', '-s', schedule])
    expect(banner).toMatch(/^celery-sandbox beat v.* is starting\.\n/)
    expect(banner).toContain(
      `\n    . broker -> memory://beat-command\n    . app -> test\n    . scheduler -> ${schedule}\n`,
    )
    expect(banner).toMatch(/\n {4}\. logfile -> \[stderr\]@%INFO\n {4}\. maxinterval -> 5\.00 minutes \(300s\)$/)
    expect([...new Set(lines)]).toEqual([
      '[INFO/MainProcess] beat: Starting...',
      '[INFO/MainProcess] Scheduler: Sending due task often (tasks.tock)',
      '[INFO/MainProcess] beat: Shutting down...',
    ])
    const { entries } = JSON.parse(readFileSync(schedule, 'utf8'))
    expect(entries.often.totalRunCount).toBeGreaterThan(0)
  })

  it('is an object a record for programs', async () => {
    const lines = await told(/Sending/, ['beat', '-l', 'info', '-S', 'memory', '--max-interval', '9'], { json: true })
    const events = lines.map((line) => JSON.parse(line))
    expect(events[0]).toMatchObject({
      type: 'banner',
      banner: expect.stringContaining('maxinterval -> 9.00 seconds (9s)'),
    })
    expect(events).toContainEqual({
      type: 'log',
      ts: expect.any(String),
      level: 'info',
      message: 'Scheduler: Sending due task often (tasks.tock)',
      logger: 'celery.beat',
      hostname: expect.stringMatching(/^beat@./),
    })
  })

  it('refuses to start beside another, and says which', async () => {
    const pidfile = join(directory, 'beat.pid')
    writeFileSync(pidfile, `${process.ppid}\n`)
    const words = ['beat', '-S', 'memory', '--pidfile', pidfile]
    await expect(told(/Sending/, words)).rejects.toMatchObject({
      code: 'ALREADY_RUNNING',
      message: `${pidfile} already exists: it seems to be running already (pid ${process.ppid})`,
    })
    expect(readFileSync(pidfile, 'utf8')).toBe(`${process.ppid}\n`)
  })

  it.each(['-S files', '-l loud'])('refuses %s', async (words) => {
    await expect(told(/Sending/, ['beat', ...words.split(' ')])).rejects.toThrow(
      /there is no scheduler|no such log level/,
    )
  })
})

describe('celery-sandbox worker -B', () => {
  it('also sends what is due, and runs it', async () => {
    const schedule = join(directory, 'schedule.json')
    const lines = await told(/Sending due task[\s\S]*succeeded in/, ['worker', '-l', 'info', '-B', '-s', schedule])
    const text = lines.join('\n')
    expect(text).toContain('Scheduler: Sending due task often (tasks.tock)')
    expect(text).toMatch(/Task tasks\.tock\[\S+\] succeeded in [\d.]+s: 'tick'/)
    expect(text).toContain('beat: Shutting down...')
    expect(JSON.parse(readFileSync(schedule, 'utf8')).entries.often.totalRunCount).toBeGreaterThan(0)
  })
})
