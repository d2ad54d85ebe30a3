import { describe, expect, it } from 'vitest'
import { annotated } from '../../../src/app/annotations.ts'
import { Celery } from '../../../src/celery.ts'

describe('annotations', () => {
  it('lay options over those of a task, by its name', () => {
    const annotations = { 'tasks.add': { rateLimit: '10/s' } }
    expect(annotated('tasks.add', { rateLimit: '1/s', queue: 'a' }, annotations)).toEqual({
      rateLimit: '10/s',
      queue: 'a',
    })
    expect(annotated('tasks.mul', { queue: 'a' }, annotations)).toEqual({ queue: 'a' })
  })

  it('may be for all tasks, which as in Celery goes over the name', () => {
    const annotations = { '*': { maxRetries: 9 }, 'tasks.add': { maxRetries: 1, priority: 2 } }
    expect(annotated('tasks.add', {}, annotations)).toEqual({ maxRetries: 9, priority: 2 })
  })

  it('may be decided by a function, and be several, of which the first that knows the task counts', () => {
    const slow = (task: string) => (task.startsWith('slow.') ? { timeLimit: 60 } : undefined)
    const annotations = [slow, { 'slow.one': { timeLimit: 1 }, 'quick.one': { timeLimit: 2 } }]
    expect(annotated('slow.one', {}, annotations)).toEqual({ timeLimit: 60 })
    expect(annotated('quick.one', {}, annotations)).toEqual({ timeLimit: 2 })
  })

  it('are accepted in Celery’s spelling', () => {
    expect(annotated('a', {}, { a: { rate_limit: '1/m' } as object })).toEqual({ rateLimit: '1/m' })
  })

  it('act on the tasks of an app, and must come before them', async () => {
    const seen: unknown[] = []
    const taskAnnotations = { '*': { onFailure: (_: unknown, error: unknown) => void seen.push(error) } }
    const app = new Celery('test', { taskAnnotations })
    const boom = app.task('tasks.boom', () => {
      throw new Error('boom')
    })
    await boom.applyHere()
    expect(seen).toEqual([new Error('boom')])
    expect(() => app.configure({ taskAnnotations })).toThrow('taskAnnotations came after tasks were defined')
  })

  it('are refused where they make no sense', () => {
    const app = new Celery('test', { taskAnnotations: { 'tasks.add': { rateLimit: 'often' } } })
    expect(() => app.task('tasks.add', (x: number) => x)).toThrow('"often" is no rate limit')
  })
})
