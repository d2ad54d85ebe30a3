import { describe, expect, it } from 'vitest'
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
  ])('reads %j', async (argv, options, args) => {
    const invocation = await parse(argv)
    expect(invocation?.options).toMatchObject(options)
    expect(invocation?.args).toEqual(args)
  })

  it.each([
    [['upp'], "unknown command 'upp'"],
    [['up', '--nope'], "unknown option '--nope'"],
    [['worker', '-c', 'many'], 'it must be a number, 0 or more'],
    [['call'], "missing required argument 'task'"],
    [['call', 'x', '-a', '{'], 'JSON'],
    [['init', '--broker', 'kafka'], 'Allowed choices are rabbitmq, redis'],
  ])('refuses %j in one sentence', async (argv, message) => {
    await expect(parse(argv)).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining(message) })
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
