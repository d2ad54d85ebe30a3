import { runInNewContext } from 'node:vm'
import { afterAll, describe, expect, it } from 'vitest'
import { evaluate } from '../../../cli/repl/evaluate.ts'
import { show } from '../../../cli/repl/show.ts'
import { wordsOf } from '../../../cli/repl/words.ts'
import { Celery, RemoteError } from '../../../src/index.ts'

const app = new Celery('shop', { brokerUrl: 'memory://repl', resultBackend: 'memory://repl' })
app.task('arithmetics.add', (x: number, y: number) => x + y)
app.task('mails.send', (to: string) => to)
app.task('letters.send', (to: string) => to)
app.task('x.delete', () => 'deleted')
app.task('default.await', () => 1)
const words = wordsOf(app)

afterAll(() => app.close())

describe('the words of a session', () => {
  it('are the tasks by their short names, unless two share one', () => {
    expect(Object.keys(words)).toEqual(
      expect.arrayContaining(['add', 'arithmetics', 'mails', 'letters', 'app', 'tasks']),
    )
    expect(words).not.toHaveProperty('send')
  })
})

describe('a program', () => {
  it.each([
    ['1 + 1', 2],
    ['await add(2, 3)', 5],
    ['arithmetics.add(1, 1);', 2],
    ['await x.delete()', 'deleted'],
    ["tasks['default.await'].taskName", 'default.await'],
    ["tasks['arithmetics.add'].taskName", 'arithmetics.add'],
    ['{ a: 1 }', { a: 1 }],
    ['const x = await add(1, 1)\nreturn x * 10', 20],
    ['const y = 1', undefined],
  ])('%s gives %j', async (program, value) => {
    expect(await evaluate(program, words)).toEqual(value)
  })

  it('that is none says so', async () => {
    await expect(evaluate('1 +', words)).rejects.toThrow(SyntaxError)
  })

  it('is refused before it sends when the arguments do not fit', async () => {
    const transport = await app.transport()
    await expect(evaluate('add.delay(1)', words)).rejects.toThrow('add(x, y) is missing 1 argument: y')
    expect(await transport.size('celery')).toBe(0)
  })
})

describe('a value', () => {
  it('is shown without anything that could steer the terminal', () => {
    expect(show({ text: '\x1b[2J' })).toBe("{ text: '\\x1B[2J' }")
    const error = new RemoteError(
      { exc_type: 'Evil\x1b[2J', exc_message: ['\x1b]0;x\x07y'], exc_module: 'm' },
      'at\x1b[31m x',
    )
    expect(show(error)).toBe('Evil: y\n    at x')
    expect(show([{ status: 'rejected', reason: error }])).not.toMatch(/[\x1b\x07]/)
    expect(show([error], true)).not.toMatch(/\x1b\]|\x07|\x1b\[2J/)
    expect(show({ text: 'a\u202eb' })).toBe("{ text: 'ab' }")
  })

  it('of another realm is known for what it is', () => {
    expect(show(runInNewContext('new Error("\\x1b]0;pwn\\x07x")'))).toMatch(/^Error: x/)
    expect(show(runInNewContext('Promise.resolve(1)'))).toBe('Promise: await it for its value')
  })
})
