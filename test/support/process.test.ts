import { describe, expect, it } from 'vitest'
import { failOnLeaks } from './leaks.ts'
import { answer, run, start } from './process.ts'

failOnLeaks()

const node = process.execPath

describe('a program that is run', () => {
  it('gives what it wrote and how it ended', async () => {
    const script = `process.stdin.pipe(process.stdout); console.error(process.env.MOOD); process.exitCode = 3`
    expect(await run(node, ['--eval', script], { input: 'hello', env: { MOOD: 'fine' } })).toEqual({
      stdout: 'hello',
      stderr: 'fine\n',
      code: 3,
      signal: null,
    })
  })

  it('is killed at the deadline, with its children', async () => {
    // The run is over when everyone who could write to it is gone.
    const running = run('sh', ['-c', 'sleep 60 & echo sleeping; wait'], { timeoutMs: 300 })
    await expect(running).rejects.toThrow(/still ran after 300 ms and wrote:\nsleeping\n/)
  })

  it('rejects when there is no such program, and answers nothing', async () => {
    await expect(run('no-such-program')).rejects.toThrow('ENOENT')
    expect(await answer('no-such-program')).toBeUndefined()
    expect(await answer('false')).toBeUndefined()
    expect(await answer('echo', ['yes'])).toBe('yes')
  })
})

describe('a program that is started', () => {
  it('is heard, spoken to and stopped', async () => {
    const program = start('cat')
    program.write('ping\n')
    expect(await program.until(/p.ng/)).toBe('ping')
    expect(await program.stop()).toEqual({ code: null, signal: 'SIGTERM' })
  })

  it('says why nobody will hear more of it', async () => {
    const program = start('sh', ['-c', 'echo tired; exit 4'])
    await expect(program.until('awake')).rejects.toThrow(/ended \(exit code 4\) before it wrote awake:\ntired/)
  })

  it('dies when it does not listen', async () => {
    const program = start('sh', ['-c', 'trap "" TERM; echo deaf; while :; do sleep 0.05; done'])
    await program.until('deaf')
    expect(await program.stop({ timeoutMs: 100 })).toEqual({ code: null, signal: 'SIGKILL' })
  })
})
