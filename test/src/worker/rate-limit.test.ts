import { describe, expect, it } from 'vitest'
import { RateLimits } from '../../../src/worker/rate-limit.ts'

const limits = () => new RateLimits((task) => ({ slow: '2/s', crawling: '1/m' })[task])
const book = (from: RateLimits, task: string, times: number[]) => times.map((now) => from.book(task, now))

describe('rate limits', () => {
  it('let a task without one begin at once', () => {
    expect(book(limits(), 'any', [0, 0, 0])).toEqual([0, 0, 0])
  })

  it('space the runs of a task out, and those of no other', () => {
    const worker = limits()
    expect(book(worker, 'slow', [0, 0, 0])).toEqual([0, 500, 1000])
    expect(book(worker, 'crawling', [0, 0])).toEqual([0, 60_000])
  })

  it('save up nothing in quiet times', () => {
    expect(book(limits(), 'slow', [0, 10_000, 10_000])).toEqual([0, 10_000, 10_500])
  })

  it('change from now on', () => {
    const worker = limits()
    expect(book(worker, 'slow', [0, 0])).toEqual([0, 500])
    worker.change('slow', '10/s')
    expect(book(worker, 'slow', [0, 0])).toEqual([0, 100])
    worker.change('slow', 0)
    expect(book(worker, 'slow', [0, 0])).toEqual([0, 0])
  })
})
