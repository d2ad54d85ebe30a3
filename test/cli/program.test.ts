import { describe, expect, it, vi } from 'vitest'
import { commandTable } from '../../cli/commands/table.ts'
import { parse } from '../../cli/program.ts'

describe('the command line', () => {
  it.each([
    [['up', '-d', 'redis', 'worker'], { detach: true, engine: 'auto' }, ['redis', 'worker']],
    [
      ['worker', '-c', '20', '-Q', 'celery, mails', '-E'],
      { concurrency: 20, queues: ['celery', 'mails'], taskEvents: true },
      [],
    ],
    [['call', 'a.b', '-a', '[1, {"x": 2}]'], { args: [1, { x: 2 }] }, ['a.b']],
    [['init', 'shop', '--broker', 'redis', '-y'], { broker: 'redis', yes: true, force: false }, ['shop']],
    [['logs', '-f', '-n', '5', '--json'], { follow: true, tail: 5, json: true }, []],
    [
      ['exec', '-T', '-e', 'A=b', '--json', 'redis', 'redis-cli', '--json', '--help', '-e', 'C'],
      { noTty: true, env: ['A=b'], json: true, detach: false },
      ['redis', 'redis-cli', '--json', '--help', '-e', 'C'],
    ],
    [
      ['run', '--rm', '-p', '1:2', '-p', '3:4', 'worker', 'node', '--rm'],
      { rm: true, publish: ['1:2', '3:4'] },
      ['worker', 'node', '--rm'],
    ],
    [['up', '--scale', 'a=1', '--scale', 'b=2'], { scale: { a: 1, b: 2 } }, []],
    [['ps', '--filter', 'status=exited', '--filter', 'status=dead'], { filter: ['exited', 'dead'] }, []],
    [['multi', 'start', '3', '-c:1', '4', '--json', '--', '-x'], {}, ['start', '3', '-c:1', '4', '--json', '--', '-x']],
    [['multi', '--nosplash', 'stop', '2', '-9'], {}, ['--nosplash', 'stop', '2', '-9']],
  ])(
    'reads %j',
    async (argv, options, args) => {
      const invocation = await parse(argv)
      expect(invocation?.options).toMatchObject(options)
      expect(invocation?.args).toEqual(args)
      // The first to read a command loads what it needs.
    },
    20_000,
  )

  it.each([
    [['upp'], "unknown command 'upp'"],
    [['up', '--nope'], "unknown option '--nope'"],
    [['exec', '--nope', 'redis', 'ls'], "unknown option '--nope'"],
    [['up', '--scale', 'worker'], 'it must be a service and a number: worker=4'],
    [['ps', '--filter', 'age=3'], 'it must be status='],
    [['worker', '-c', 'many'], 'it must be a whole number, 1 or more'],
    [['worker', '-c', '0'], 'it must be a whole number, 1 or more'],
    [['worker', '-c', '1.5'], 'it must be a whole number, 1 or more'],
    [['call', 'x', '--countdown', '1e20'], 'it must be a number of seconds, 0 to 1000000000'],
    [['logs', '--since', 'yesterday'], 'it must be a time (2026-11-20T10:00:00Z, or Unix seconds), or how long ago'],
    [['logs', '--since', '2026-13-45'], 'it must be a time'],
    [['call'], "missing required argument 'task'"],
    [['call', 'x', '-a', '{'], 'JSON'],
    [['init', '--broker', 'kafka'], 'Allowed choices are rabbitmq, redis'],
  ])('refuses %j in one sentence', async (argv, message) => {
    await expect(parse(argv)).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining(message) })
  })

  it.each([[[]], [['help']], [['help', 'up']], [['up', '--help']], [['multi', 'start', '3', '--help']]])(
    'shows the help for %j',
    async (argv) => {
      const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
      expect(await parse(argv)).toBeUndefined()
      expect(written.mock.calls.join('')).toMatch(/^Usage: celery-sandbox/)
      written.mockRestore()
    },
  )

  it.each([
    ['2026-11-20', '2026-11-20T00:00:00.000000000Z'],
    ['2026-11-20T10:00:00+01:00', '2026-11-20T09:00:00.000000000Z'],
  ])('knows when %s is', async (since, time) => {
    expect((await parse(['logs', '--since', since]))?.options).toMatchObject({ since: time })
  })

  it('counts back from now', async () => {
    const before = Date.now()
    const since = (await parse(['logs', '--since', '1h30m']))?.options.since
    expect(Math.abs(Date.parse(String(since)) - (before - 5_400_000))).toBeLessThan(60_000)
  })

  it.each(commandTable)('has examples of $name that it can read', async ({ load }) => {
    const { examples } = await load()
    expect(examples.length).toBeGreaterThan(0)
    for (const example of examples) {
      const own = /celery-sandbox ((?:'[^']*'|"[^"]*"|[^|&)"'])*)/.exec(example)?.[1] ?? ''
      const argv = [...own.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '')
      expect(await parse(argv), example).toBeDefined()
    }
  })
})
