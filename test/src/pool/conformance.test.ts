import { describe } from 'vitest'
import { poolConformance } from '../../conformance/pool.ts'

const oneProcess = {
  'replace children': 'it has none',
  'end a task': 'nothing can end JavaScript that runs on the own event loop',
  'outlive a task': 'a task that ends the process ends the worker',
  'let a task compute': 'there is one event loop for all',
}

describe('the pool async', () => poolConformance('async', oneProcess))
describe('the pool solo', () => poolConformance('solo', { ...oneProcess, 'many at a time': 'it is the pool of one' }))
describe('the pool prefork', () => poolConformance('prefork'))
describe('the pool threads', () => poolConformance('threads'))
