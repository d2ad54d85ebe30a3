import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { processStart } from '../../src/process-start.ts'
import { cli, startCli, temporaryDirectory } from '../support/cli.ts'
import { answer, type Program } from '../support/process.ts'
import { until } from '../support/wait.ts'

const source = `
import { Celery } from '${new URL('../../dist/src/index.js', import.meta.url)}'

export const app = new Celery('shop', { beatSchedule: { often: { task: 'shop.who', schedule: 0.5 } } })

app.task('shop.who', () => process.geteuid())
`

let home: Awaited<ReturnType<typeof temporaryDirectory>>
let broker: Program
let options: { cwd: string; env: Record<string, string> }
beforeAll(async () => {
  home = await temporaryDirectory()
  await chmod(home.path, 0o777) // one of the workers is nobody
  await writeFile(join(home.path, 'app.js'), source)
  await writeFile(join(home.path, 'package.json'), '{ "type": "module" }')
  broker = startCli(['broker', '--json'])
  const port = /"port":(\d+)/.exec(await broker.until(/"port":\d+/))?.[1]
  const url = `redis://127.0.0.1:${port}/0`
  options = { cwd: home.path, env: { CELERY_BROKER_URL: url, CELERY_RESULT_BACKEND: url, NO_COLOR: '1' } }
})
afterAll(async () => {
  await broker.stop()
  await home[Symbol.asyncDispose]()
})

const started = new Set<number>()
afterEach(() => {
  for (const pid of started) if (processStart(pid) !== undefined) process.kill(pid, 'SIGKILL')
  started.clear()
})

const inHome = (name: string) => join(home.path, name)

/** The number in a pid file, of a process that the test ends if it forgets to. */
function pidIn(name: string): number {
  const pid = Number(readFileSync(inHome(name), 'utf8'))
  started.add(pid)
  return pid
}

async function ended(pid: number): Promise<void> {
  await until(() => processStart(pid) === undefined, { describe: `${pid} to end` })
}

async function terminate(pid: number): Promise<void> {
  process.kill(pid)
  await ended(pid)
}

describe('worker --detach', () => {
  it('leaves a worker in the background, with a log and a pid file, without a terminal', async () => {
    const words = ['-n', 'w1@%h', '-l', 'info', '-f', '%n.log', '--pidfile', '%n.pid']
    const { stdout, stderr, code } = await cli(['worker', '--detach', ...words], options)
    const pid = pidIn('w1.pid')
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
    expect(stdout).toMatch(new RegExp(`^w1@.+ runs in the background \\(pid ${pid}\\)\n$`))
    expect(readFileSync(inHome('w1.log'), 'utf8')).toMatch(/w1@\S+ ready\./)
    expect(await answer('ps', ['-o', 'sid=,tty=', '-p', String(pid)])).toMatch(new RegExp(`^${pid} +\\?$`))
    expect(await cli(['call', 'shop.who', '--wait', '--timeout', '10'], options)).toMatchObject({ code: 0 })
    await terminate(pid)
    expect(existsSync(inHome('w1.pid'))).toBe(false)
    expect(readFileSync(inHome('w1.log'), 'utf8')).toContain('Warm shutdown')
  })

  it.each([
    [['-l', 'loud'], 2, "error[USAGE]: no such log level: 'loud'"],
    [['-A', 'nowhere.js'], 3, 'error[APP_NOT_FOUND]'],
    [['--pidfile', 'nowhere/x.pid'], 1, 'error[UNWRITABLE]: the pid file nowhere/x.pid cannot be written: ENOENT'],
    [['-f', 'nowhere/x.log'], 1, 'error[UNWRITABLE]: the log cannot be written'],
    [['--workdir', 'nowhere'], 2, 'error[USAGE]: cannot go to --workdir nowhere'],
    [['--executable', '/nowhere/node'], 1, 'error[START_FAILED]: /nowhere/node cannot be run'],
    [['--executable', '/bin/false'], 1, 'error[START_FAILED]: it ended (exit code 1) before it was ready'],
  ])('tells at once why it cannot start with %j', async (words, code, message) => {
    const outcome = await cli(['worker', '--detach', ...words], options)
    expect(outcome).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) })
  })

  it('tells of a broker that is no address, in JSON too', async () => {
    const env = { ...options.env, CELERY_BROKER_URL: 'nonsense' }
    const { code, stdout } = await cli(['worker', '--detach', '--json'], { ...options, env })
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ type: 'error', code: 'IMPROPERLY_CONFIGURED' })
  })

  it('refuses to start beside a worker that lives, and replaces the pid file of one that was killed', async () => {
    const words = ['worker', '-D', '-n', 'w2', '--pidfile', '%n.pid', '--json']
    await cli(words, options)
    const first = pidIn('w2.pid')
    expect(await cli(words, options)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`w2.pid already exists: it seems to be running already (pid ${first})`),
    })
    process.kill(first, 'SIGKILL')
    await ended(first)
    writeFileSync(inHome('w2.pid'), `${process.pid}\n`) // the number went to another process
    await answer('touch', ['-d', '2001-01-01', inHome('w2.pid')])
    const { stdout } = await cli(words, options)
    const second = pidIn('w2.pid')
    expect(JSON.parse(stdout)).toMatchObject({ type: 'detached', pid: second, isReady: true })
    await terminate(second)
  })

  it.runIf(process.geteuid?.() === 0)('gives root away, for good', async () => {
    const words = [
      'worker',
      '-D',
      '-n',
      'w3',
      '--uid',
      'nobody',
      '--umask',
      '027',
      '-f',
      '%n.log',
      '--pidfile',
      '%n.pid',
    ]
    expect(await cli(words, options)).toMatchObject({ code: 0, stderr: '' })
    const pid = pidIn('w3.pid')
    const nobody = await answer('id', ['-u', 'nobody'])
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    expect(status).toContain(`Uid:\t${nobody}\t${nobody}\t${nobody}\t${nobody}\n`)
    expect(status).toContain('Umask:\t0027')
    expect(await answer('stat', ['-c', '%U %a', inHome('w3.log')])).toBe('nobody 640')
    expect(readFileSync(inHome('w3.log'), 'utf8')).not.toContain('root')
    await terminate(pid)
  })

  it.runIf(process.geteuid?.() === 0)('warns when its tasks run as root, unless that is accepted', async () => {
    for (const [accepted, pattern] of [
      ['', /WARNING.* runs as root/],
      ['1', /^(?![\s\S]*runs as root)/],
    ] as const) {
      const worker = startCli(['worker', '-l', 'info'], { ...options, env: { ...options.env, C_FORCE_ROOT: accepted } })
      await worker.until(/ ready\./)
      await worker.stop()
      expect(worker.output).toMatch(pattern)
    }
  })
})

describe('beat --detach', () => {
  it('sends in the background, and ends in order', async () => {
    const words = ['beat', '--detach', '-l', 'info', '-f', 'beat.log', '--pidfile', 'beat.pid']
    expect(await cli(words, options)).toMatchObject({ code: 0, stderr: '' })
    const pid = pidIn('beat.pid')
    const log = () => readFileSync(inHome('beat.log'), 'utf8')
    await until(() => log().includes('Sending due task often'), { describe: 'a task' })
    await terminate(pid)
    expect(log()).toContain('beat: Shutting down...')
    expect(existsSync(inHome('beat.pid'))).toBe(false)
  })
})
