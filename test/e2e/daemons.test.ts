import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { hostName } from '../../src/nodename.ts'
import { processStart } from '../../src/process-start.ts'
import { cli, startCli, temporaryDirectory } from '../support/cli.ts'
import { describeWith, parts } from '../support/parts.ts'
import { answer, type Program, run } from '../support/process.ts'
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

describe('multi', () => {
  const three = ['3', '-l', 'info', '-c:1', '4', '--pidfile=%n.pid', '--logfile=%n.log']
  const names = ['celery1', 'celery2', 'celery3']
  const multi = (verb: string, words = three) => cli(['multi', verb, ...words, '--nosplash'], options)
  const pids = () => names.map((name) => pidIn(`${name}.pid`))
  const isRunning = (pid: number) => processStart(pid) !== undefined
  const pidfiles = () => names.filter((name) => existsSync(inHome(`${name}.pid`)))
  /** What was said, without this host and the numbers of processes. */
  const said = (text: string) => text.replaceAll(hostName(), 'host').replaceAll(/\b\d{3,}(?=$|,|\)|\.{3})/gm, 'PID')

  it('starts three workers, shows, restarts and stops them, and leaves nothing', async () => {
    const start = await multi('start')
    expect(said(start.stdout)).toBe(
      '> Starting nodes...\n\t> celery1@host: OK\n\t> celery2@host: OK\n\t> celery3@host: OK\n',
    )
    expect(start).toMatchObject({ code: 0, stderr: '' })
    const first = pids()
    const { stdout } = await cli(['inspect', 'stats', '--json', '-d', `celery1@${hostName()}`], options)
    expect(stdout).toContain('"max-concurrency":4')
    const shown = (await multi('show')).stdout.trim().split('\n')
    expect(shown.map((line) => /worker --detach .*-n (\w+)@/.exec(line)?.[1])).toEqual(names)

    const restart = await multi('restart')
    expect(restart).toMatchObject({ code: 0, stderr: '' })
    for (const name of names) expect(restart.stdout).toMatch(new RegExp(`> Restarting node ${name}@.+: OK\n`))
    expect(first.some(isRunning)).toBe(false)
    const second = pids()
    expect(second.every(isRunning)).toBe(true)

    const stop = await multi('stopwait')
    expect(stop.code).toBe(0)
    expect(said(stop.stdout)).toMatch(/> Waiting for 3 nodes -> PID, PID, PID\.{3}/)
    for (const name of names) expect(said(stop.stdout)).toContain(`\t> ${name}@host: OK\n> ${name}@host: DOWN\n`)
    expect(second.some(isRunning)).toBe(false)
    expect(pidfiles()).toEqual([])
    for (const name of names) expect(readFileSync(inHome(`${name}.log`), 'utf8')).toContain('Warm shutdown')
  })

  it('recovers from a worker that was killed', async () => {
    await multi('start')
    const [first = 0, second = 0, third = 0] = pids()
    process.kill(second, 'SIGKILL')
    await ended(second)
    const stop = await multi('stop')
    expect(said(stop.stdout)).toContain('Could not signal celery2@host (PID): No such process\n> celery2@host: DOWN\n')
    await ended(first)
    await ended(third)
    expect(pidfiles()).toEqual([])
    expect(await multi('start')).toMatchObject({ code: 0, stderr: '' })
    const again = pids()
    expect(again.every(isRunning)).toBe(true)
    expect((await multi('kill')).code).toBe(0)
    await Promise.all(again.map(ended))
    expect((await multi('restart')).code).toBe(0) // over the pid files of the killed
    expect(pids().every(isRunning)).toBe(true)
    await multi('stopwait')
  })

  it('says which worker cannot start, and why, and goes on with the next', async () => {
    const words = ['2', '-l:1', 'loud', '--pidfile=%n.pid', '--logfile=%n.log']
    const { code, stdout, stderr } = await multi('start', words)
    expect(code).toBe(1)
    expect(stderr).toContain("error[USAGE]: no such log level: 'loud'")
    expect(said(stdout)).toBe(
      '> Starting nodes...\n\t> celery1@host: * Child terminated with exit code 2\nFAILED\n\t> celery2@host: OK\n',
    )
    expect(pidfiles()).toEqual(['celery2'])
    pidIn('celery2.pid')
    expect((await multi('stopwait', words)).code).toBe(0)
  })

  it('tells programs what happens, an object a line', async () => {
    const { stdout } = await multi('restart', ['solo', '--pidfile=%n.pid', '--logfile=%n.log', '--json'])
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(events.map(({ type }) => type)).toEqual(['restarting', 'spawned', 'started'])
    expect(events.at(-1)).toMatchObject({ node: `solo@${hostName()}`, exitCode: 0 })
    pidIn('solo.pid')
    await multi('stopwait', ['solo', '--pidfile=%n.pid', '--logfile=%n.log'])
  })

  describeWith(['python'], 'of Python', () => {
    it('stops these workers as its own', async () => {
      await multi('start')
      const running = pids()
      const words = ['-m', 'celery', 'multi', 'stopwait', ...three, '--no-color']
      const { stdout } = await run(parts().python.path, words, { cwd: home.path, env: { HOSTNAME: undefined } })
      expect(said(stdout)).toContain('\t> celery1@host: OK\n')
      expect(running.some(isRunning)).toBe(false)
      expect(pidfiles()).toEqual([])
    })
  })
})
