import { describe, expect, it } from 'vitest'
import type { Context } from '../../../cli/context.ts'
import { CliError } from '../../../cli/errors.ts'
import { exitCodeOf } from '../../../cli/exit.ts'
import { reportFailure } from '../../../cli/output/failure.ts'
import { createPaint } from '../../../cli/output/paint.ts'
import { CeleryError, RemoteError } from '../../../src/index.ts'

function reported(error: unknown, mode: Context['mode'] = 'plain') {
  const output = { stdout: '', stderr: '' }
  const sink = (name: keyof typeof output) => ({ write: (text: string) => (output[name] += text) })
  const context = { mode, stdout: sink('stdout'), stderr: sink('stderr'), paint: createPaint(false), env: {} }
  reportFailure(error, context as unknown as Context)
  return output
}

const remote = new RemoteError(
  { exc_type: 'ValueError', exc_message: ['no \x1b[2Jgood'], exc_module: 'builtins' },
  'Traceback',
)

describe('a failure', () => {
  it('says what, why and what to do', () => {
    expect(reported(new CeleryError('BROKER_UNREACHABLE', 'cannot reach redis://x')).stderr).toBe(
      'error[BROKER_UNREACHABLE]: cannot reach redis://x\n  Start one with `celery-sandbox up`, or set CELERY_BROKER_URL.\n',
    )
  })

  it('of a task shows what the task threw, harmless', () => {
    expect(reported(remote).stderr).toBe('error[TASK_FAILED]: ValueError: no good\n    Traceback\n')
  })

  it('is one object of JSON for programs', () => {
    const { stdout } = reported(new CliError('NO_REPLY', 'nobody'), 'json')
    expect(JSON.parse(stdout)).toMatchObject({ type: 'error', v: 1, code: 'NO_REPLY', message: 'nobody' })
  })

  it('that is our own mistake asks to be reported, without a stack', () => {
    const { stderr } = reported(new TypeError('x is not a function'))
    expect(stderr).toContain('error[INTERNAL]: TypeError: x is not a function')
    expect(stderr).not.toContain('    at ')
  })

  it.each([
    [new CliError('USAGE', ''), 2],
    [new CeleryError('BROKER_UNREACHABLE', ''), 3],
    [remote, 4],
    [new CliError('NO_REPLY', ''), 69],
    [new DOMException('', 'AbortError'), 130],
    [new Error(), 1],
  ])('has its exit code: %s', (error, code) => {
    expect(exitCodeOf(error)).toBe(code)
  })
})
