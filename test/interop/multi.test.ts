import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { command } from '../../cli/commands/multi.ts'
import { createContext } from '../../cli/context.ts'
import { ownCommand } from '../../cli/installation.ts'
import { parse } from '../../cli/program.ts'
import { temporaryDirectory } from '../support/cli.ts'
import { describeWith, parts } from '../support/parts.ts'
import { type Program, run, start } from '../support/process.ts'

/** Debian's Celery and this command line are asked the same, and say the same. */
describeWith(['python'], 'multi', () => {
  let home: Awaited<ReturnType<typeof temporaryDirectory>>
  let files: string[]
  beforeAll(async () => {
    home = await temporaryDirectory()
    files = [`--pidfile=${join(home.path, '%n.pid')}`, `--logfile=${join(home.path, '%n%I.log')}`]
  })
  afterAll(() => home[Symbol.asyncDispose]())

  async function ours(words: readonly string[]): Promise<string> {
    const invocation = await parse(['multi', ...words])
    const context = createContext({ json: false, plain: true }, new AbortController().signal)
    let text = ''
    for await (const event of command.run(context, {}, invocation?.args ?? [])) {
      const line = command.text(event, context.paint)
      if (line !== undefined) text += line + (command.staysOnLine?.(event) ? '' : '\n')
    }
    return text.replaceAll(ownCommand.join(' '), 'CELERY').replaceAll(ownCommand[1] ?? '', 'CELERY')
  }

  async function theirs(words: readonly string[]): Promise<string> {
    const env = { HOSTNAME: undefined }
    const { stdout } = await run(parts().python.path, ['-m', 'celery', 'multi', ...words, '--no-color'], { env })
    const { path } = parts().python
    const text = stdout.replaceAll(`${path} -m celery`, 'CELERY').replaceAll('-m celery', 'CELERY')
    // Only Python is told which Python to run; an empty option leaves a blank behind.
    return text.replaceAll(` --executable=${path}`, '').replaceAll(/ +$/gm, '')
  }

  it.each(
    [
      'names 3',
      'names foo bar@x baz@%h',
      'names 2 --range-prefix=w --hostname=web.example.com',
      'names a b --prefix=p- --suffix=h',
      'show 3 -c 3 -c:1 10 -E',
      'show 5 -l INFO -Q:1-3 images,video -Q:4,5 data -Q celery',
      'show foo bar baz xuzzy -c 3 -c:foo,bar,baz 10 --time-limit=5 --time-limit:2=9',
      'show a@x b -c:1 4 -c:a@x 5 -n h',
      'show 2 --workdir:1=/tmp/%n -E -- -x y=1',
      'get foo@h foo bar --hostname=h -c:foo 7',
    ].map((line) => [line]),
  )('%s', async (line) => {
    const [verb = '', ...words] = line.split(' ')
    const end = words.includes('--') ? words.indexOf('--') : words.length
    const asked = [verb, ...words.slice(0, end), ...files, ...words.slice(end)]
    // What belongs to the whole program stands elsewhere in Celery's line.
    const theirText = (await theirs(asked)).replace(
      /CELERY( --workdir=\S+) worker --detach/g,
      'CELERY worker --detach$1',
    )
    expect((await ours(asked)).split('\n').map(sorted)).toEqual(theirText.split('\n').map(sorted))
  })

  it('expand', async () => {
    const asked = ['expand', '%n|%h|%d|%N|%p|%i|%I|%%', 'foo', 'bar@x', ...files]
    expect(await ours(asked)).toBe(await theirs(asked))
  })

  /** A process that a pid file names, as the worker of node `w`. */
  function running(): Program {
    const program = start('sleep', ['60'])
    writeFileSync(join(home.path, 'w.pid'), `${program.pid}\n`)
    return program
  }

  const told = (text: string) =>
    text
      .replaceAll(/\d+(?=\)|$|\.{3})/gm, 'PID')
      .replaceAll(/\.{3,}/g, '...')
      .split('\n')
      .filter((line) => !line.startsWith('celery'))

  it.each([['stop'], ['stopwait'], ['stopwait -INT'], ['kill']])('%s of a node that runs', async (line) => {
    const [verb = '', ...signal] = line.split(' ')
    const asked = [verb, 'w', ...signal, ...files]
    const texts: string[][] = []
    for (const side of [ours, theirs]) {
      const program = running()
      texts.push(told(await side(asked)))
      expect((await program.exited).signal).toMatch(/^SIG(TERM|INT|KILL)$/)
    }
    // Celery's still counts the one that has just ended.
    const theirText = texts[1]?.join('\n').replace(/(DOWN\n)> Waiting for 1 node -> PID\.\.\.$/m, '$1')
    expect(texts[0]?.join('\n')).toBe(theirText)
    expect(theirText).toContain('PID')
  })

  it.each([['stop'], ['stopwait'], ['kill']])('%s of a node that died, or never ran', async (verb) => {
    const texts: string[][] = []
    for (const side of [ours, theirs]) {
      const program = running()
      await program.stop()
      texts.push(told(await side([verb, 'w', 'never', ...files])))
    }
    expect(texts[0]).toEqual(texts[1])
    expect(texts[0]).toContain(`> never@${(await ours(['names', 'never'])).trim().split('@')[1]}: DOWN`)
  })

  it.each([
    ['start', 0],
    ['start', 3],
    ['restart', 0],
  ])('%s with workers that end with exit code %d', async (verb, exitCode) => {
    const theirText = told(await theirs([verb, '2', `--cmd=-c exit(${exitCode}) celery`, ...files]))
    const program = join(home.path, `exit-${exitCode}`)
    writeFileSync(program, `#!/bin/sh\nexit ${exitCode}\n`, { mode: 0o755 })
    expect(told(await ours([verb, '2', `--executable=${program}`, ...files]))).toEqual(theirText)
    expect(process.exitCode).toBe(exitCode === 0 ? undefined : 1)
    process.exitCode = undefined
  })
})

/** The order of options is nobody's business. */
const sorted = (line: string) =>
  line
    .split(/ (?=-)/)
    .sort()
    .join(' ')
