import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { cli, cliCommand, startCli, temporaryDirectory } from '../support/cli.ts'
import { describeWith } from '../support/parts.ts'
import { answer } from '../support/process.ts'
import { openTerminal } from '../support/terminal.ts'
import { until } from '../support/wait.ts'

/** Processes of a demo whose temporary directory that is. */
const leftovers = async ({ path }: { path: string }) => (await answer('pgrep', ['-af', path])) ?? ''

describe('demo', () => {
  it('shows a result, progress, a retry and a failure with its traceback, and leaves nothing', async () => {
    await using home = await temporaryDirectory()
    const { stdout, stderr, code } = await cli(['demo'], { env: { TMPDIR: home.path } })
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^ +\d\.\d s +ready: demo-rabbitmq-1, demo-redis-1, demo-worker-1, demo-worker-2$/m)
    expect(stdout).toMatch(/^ +\d\.\d s +add\(2, 3\) +worker-[12] +succeeded → 5$/m)
    expect(stdout).toMatch(/survey\(3\) +progress done 2 of 3$/m)
    expect(stdout).toMatch(
      /measure\(12\) +worker-[12] +will be tried again Exception\('no reflection on attempt 1'\)$/m,
    )
    expect(stdout).toMatch(/div\(1, 0\) +worker-[12] +failed ValueError\('cannot divide 1 by zero'\)$/m)
    expect(stdout).toMatch(/RangeError: cannot divide 1 by zero\n +at .*tasks\/arithmetics\.ts:\d+/)
    expect(stdout).toMatch(/✓ add\(2, 3\) → 5 {2}task [0-9a-f-]{36}, \d\.\d s in all/)
    expect(stdout).toContain('npx celery-sandbox init shop')
    expect(stdout).not.toContain('\x1b')
    expect(await readdir(home.path)).toEqual([])
    expect(await leftovers(home)).toBe('')
  })

  it('leaves nothing either when it is interrupted', async () => {
    await using home = await temporaryDirectory()
    await using demo = startCli(['demo'], { env: { TMPDIR: home.path } })
    await demo.until('ready:')
    demo.signal('SIGINT')
    expect(await demo.exited).toMatchObject({ code: 130 })
    expect(await readdir(home.path)).toEqual([])
    expect(await leftovers(home)).toBe('')
  })

  it('leaves nothing even when it is killed', async () => {
    await using home = await temporaryDirectory()
    await using demo = startCli(['demo'], { env: { TMPDIR: home.path } })
    await demo.until('ready:')
    demo.signal('SIGKILL')
    await demo.exited
    await until(async () => (await leftovers(home)) === '' && (await readdir(home.path)).length === 0, {
      timeoutMs: 30_000,
      describe: 'the project and its processes to be gone',
    })
  })
})

describeWith(['tmux'], 'demo in a terminal that is closed', () => {
  it('leaves nothing', async () => {
    await using home = await temporaryDirectory()
    const terminal = await openTerminal(`${cliCommand} demo`, { env: { TMPDIR: home.path } })
    await terminal.until('ready:')
    await terminal.close()
    await until(async () => (await leftovers(home)) === '' && (await readdir(home.path)).length === 0, {
      timeoutMs: 30_000,
      describe: 'the project and its processes to be gone',
    })
  })
})
