import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cli, startCli, temporaryDirectory } from '../support/cli.ts'
import type { Program } from '../support/process.ts'

const source = `
import { Celery, crontab } from '${new URL('../../dist/src/index.js', import.meta.url)}'

export const app = new Celery('shop', {
  beatSchedule: {
    often: { task: 'shop.tick', schedule: 0.5, args: [() => new Date().getFullYear()] },
    nightly: { task: 'shop.report', schedule: crontab({ minute: 0, hour: 4 }) },
  },
})

export const tick = app.task('shop.tick', (year) => 'the year is ' + year)
`

describe('beat', () => {
  let home: Awaited<ReturnType<typeof temporaryDirectory>>
  let broker: Program
  let options: { cwd: string; env: Record<string, string> }
  beforeAll(async () => {
    home = await temporaryDirectory()
    await writeFile(join(home.path, 'app.js'), source)
    await writeFile(join(home.path, 'package.json'), '{ "type": "module" }')
    broker = startCli(['broker', '--json'])
    const port = /"port":(\d+)/.exec(await broker.until(/"port":\d+/))?.[1]
    const url = `redis://127.0.0.1:${port}/0`
    options = { cwd: home.path, env: { CELERY_BROKER_URL: url, CELERY_RESULT_BACKEND: url } }
  })
  afterAll(async () => {
    await broker.stop()
    await home[Symbol.asyncDispose]()
  })

  const stored = async () => JSON.parse(await readFile(join(home.path, 'celerybeat-schedule.json'), 'utf8'))

  it('sends what a worker runs, on the embedded broker, and goes on after a restart', async () => {
    await using worker = startCli(['worker', '-l', 'info'], options)
    for (const runsBefore of [0, 2]) {
      const beat = startCli(['beat', '-l', 'info', '--pidfile', 'beat.pid'], options)
      await beat.until(/(Scheduler: Sending due task often \(shop\.tick\)[\s\S]*){2}/)
      const second = await cli(['beat', '--pidfile', 'beat.pid'], options)
      expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining(`running already (pid ${beat.pid})`) })
      expect(await beat.stop()).toMatchObject({ code: 0, signal: null })
      expect(beat.output).toContain('beat: Shutting down...')
      const { entries } = await stored()
      expect(Object.keys(entries)).toEqual(['often', 'nightly'])
      expect(entries.often.totalRunCount).toBeGreaterThanOrEqual(runsBefore + 2)
    }
    await worker.until(`'the year is ${new Date().getFullYear()}'`)
  })

  it('lives inside a worker, with -B', async () => {
    const worker = startCli(['worker', '-l', 'info', '-B', '--scheduler', 'redis', '-P', 'prefork', '-c', '1'], options)
    await worker.until(/Sending due task often[\s\S]*Task shop\.tick\[\S+\] succeeded/)
    expect(await worker.stop()).toMatchObject({ code: 0, signal: null })
    expect(worker.output).toContain('beat: Shutting down...')
  })

  it('lets another take over at once when it ends in order', async () => {
    const first = startCli(['beat', '-l', 'info', '-S', 'redis'], options)
    await first.until('Sending due task')
    await using second = startCli(['beat', '-l', 'info', '-S', 'redis'], options)
    await second.until(/process \d+ on \S+ sends by redis:\S+; waiting to take over/)
    await first.stop()
    await second.until(/took over; sending from now on[\s\S]*Sending due task/)
  })

  it('names the entry that is wrong', async () => {
    const broken = source.replace('schedule: 0.5', 'schedule: { minute: 5 }')
    await writeFile(join(home.path, 'broken.js'), broken)
    const { code, stderr } = await cli(['beat', '-A', 'broken.js'], options)
    expect(code).toBe(1)
    expect(stderr).toContain("beatSchedule['often'].schedule: an interval is seconds, more than 0, or parts like")
    expect(stderr).toContain('got { minute: 5 }')
  })
})
